"""Reading a request body within its limits, and decoding JSON into a typed value."""

import asyncio
import contextlib
import re
import time
from typing import TypeVar

import msgspec
from aiohttp import ClientPayloadError, hdrs, web

from service.errors import BadRequest, InvalidField, PayloadTooLarge, RequestTimeout, UnsupportedMediaType
from service.http.limits.admission import FLOW
from service.http.limits.shares import SHARE

BODY_TIMEOUT = 10.0  # seconds; a slow client holds its connection, and nothing else

_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # `\\u0000` is an escaped backslash, and no NUL

T = TypeVar("T")


async def read_body(request: web.Request, *, limit: int) -> bytes:
    """The whole body, of at most `limit` bytes.

    Raises:
        PayloadTooLarge: it is longer.
        TooManyRequests: the caller has uploaded too much in the last minute.
        RequestTimeout: it did not arrive in time.
        UnsupportedMediaType: it is compressed: compressed bodies are not accepted.
        BadRequest: the connection ended before the body did.
    """
    coding = request.headers.get(hdrs.CONTENT_ENCODING, "identity")
    if coding.lower() != "identity":
        raise UnsupportedMediaType("Content-Encoding: expected none, the body as it is")
    if (request.content_length or 0) > limit:
        raise PayloadTooLarge(f"the body has {request.content_length} bytes, at most {limit} are read")
    share, counted = request.get(SHARE), request.content_length or 0
    if share is not None:
        share.take_upload(counted, time.perf_counter())
    body = bytearray()
    flow = request.get(FLOW)
    try:
        with flow.paused() if flow is not None and not request.content.is_eof() else contextlib.nullcontext():
            async with asyncio.timeout(BODY_TIMEOUT):
                async for piece in request.content.iter_any():
                    body += piece
                    if len(body) > counted and share is not None:  # it has no Content-Length
                        share.take_upload(len(body) - counted, time.perf_counter())
                        counted = len(body)
                    if len(body) > limit:
                        raise PayloadTooLarge(f"the body has more than the {limit} bytes that are read")
    except TimeoutError:
        raise RequestTimeout(f"the body did not arrive within {BODY_TIMEOUT:g} s") from None
    except (web.RequestPayloadError, ClientPayloadError, ConnectionError):
        raise BadRequest("the body cannot be read as HTTP") from None
    return bytes(body)


def decode(body: bytes, kind: type[T]) -> T:
    """A JSON body as a value of this type.

    Raises:
        BadRequest: it is no JSON in UTF-8, is nested too deeply, or contains a NUL character.
        InvalidField: it is JSON, but a member is missing or invalid.
    """
    if b"\0" in body or (b"\\u0000" in body and _ESCAPED_NUL.search(body)):
        raise BadRequest("the body holds a NUL character")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidField(*describe_validation_error(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRequest("the body is not JSON in UTF-8") from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None


# msgspec reports the path and the expected type in its message alone: a ValidationError has no other attributes.
# tests/http/test_body.py pins the messages of every kind of error. One that is not recognized is shown as it is.
_AT_PATH = re.compile(r"(?P<problem>.*) - at (?:`key` in )?`\$\.?(?P<path>.*)`", re.DOTALL)
_WRONG_TYPE = re.compile(r"Expected `(?P<expected>.*)`, got `(?P<got>.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`", re.DOTALL)


def describe_validation_error(error: msgspec.ValidationError) -> tuple[str, str]:
    """The path of the invalid member, `body` for the whole body, and what was expected there."""
    at_path = _AT_PATH.fullmatch(str(error))
    problem, path = (at_path["problem"], at_path["path"]) if at_path else (str(error), "")
    if missing := _MISSING.fullmatch(problem):
        return f"{path}.{missing['name']}".removeprefix("."), "a value, and it is missing"
    wrong_type = _WRONG_TYPE.fullmatch(problem)
    if wrong_type is None:
        return path or "body", problem.removeprefix("Expected ").replace("`", "")
    return path or "body", f"{wrong_type['expected']}, got {wrong_type['got']}"
