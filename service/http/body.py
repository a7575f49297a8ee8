"""Reading a request body within its limits, and decoding JSON into a typed value."""

import asyncio
import re
from typing import TypeVar

import msgspec
from aiohttp import ClientPayloadError, hdrs, web

from service.errors import BadRequest, InvalidField, PayloadTooLarge, RequestTimeout, UnsupportedMediaType

BODY_TIMEOUT = 10.0  # seconds; a slow sender holds a connection, and nothing else

T = TypeVar("T")


async def read_body(request: web.Request, *, limit: int) -> bytes:
    """The body, at most `limit` bytes of it, as it was sent.

    Raises:
        PayloadTooLarge: there are more bytes.
        RequestTimeout: they did not come in time.
        UnsupportedMediaType: they are compressed: nothing is unpacked that a caller sends.
        BadRequest: the connection ended within them.
    """
    coding = request.headers.get(hdrs.CONTENT_ENCODING, "identity")
    if coding.lower() != "identity":
        raise UnsupportedMediaType("Content-Encoding: expected none, the body as it is")
    if (request.content_length or 0) > limit:
        raise PayloadTooLarge(f"the body has {request.content_length} bytes, at most {limit} are read")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > limit:
                    raise PayloadTooLarge(f"the body has more than the {limit} bytes that are read")
    except TimeoutError:
        raise RequestTimeout(f"the body did not arrive within {BODY_TIMEOUT:g} s") from None
    except (web.RequestPayloadError, ClientPayloadError):
        raise BadRequest("the body cannot be read as HTTP") from None
    return bytes(body)


_PATH = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL)
_GOT = re.compile(r"Expected `(.*)`, got `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)


def describe_validation_error(error: msgspec.ValidationError) -> tuple[str, str]:
    """The path of the member that will not do, and what would, from msgspec's own words."""
    place = _PATH.fullmatch(str(error))
    what, path = (place[1], place[2]) if place else (str(error), "")
    if missing := _MISSING.fullmatch(what):
        return f"{path}.{missing[1]}".removeprefix("."), "a value, and it is missing"
    got = _GOT.fullmatch(what)
    return path or "body", f"{got[1]}, got {got[2]}" if got else what.removeprefix("Expected ").replace("`", "")


def decode(body: bytes, kind: type[T]) -> T:
    """A JSON body as a value of this type.

    Raises:
        BadRequest: it is no JSON in UTF-8, is nested too deeply, or carries a NUL character.
        InvalidField: it is JSON, and a member is missing or of another type.
    """
    if b"\\u0000" in body or b"\0" in body:
        raise BadRequest("the body holds a NUL character")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidField(*describe_validation_error(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRequest("the body is not JSON in UTF-8") from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None
