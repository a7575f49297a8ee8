"""Reading forms, with or without a file: within limits, and only if a page of the workbench sent them."""

import asyncio
import urllib.parse
from collections.abc import Mapping

import msgspec
from aiohttp import BodyPartReader, MultipartReader, hdrs, web

from service.api.workbench.pages import SESSION
from service.control_characters import is_line
from service.core.validation.diagnostics import MAX_BYTES
from service.errors import (
    BadRequest,
    InvalidField,
    PayloadTooLarge,
    PermissionDenied,
    RequestTimeout,
    UnsupportedMediaType,
)
from service.http.body import BODY_TIMEOUT, read_body
from service.http.services import SERVICES
from service.integers import parse_integer

MAX_FORM_BYTES = 256 * 1024  # without a file
FORM_KEY_FIELD = "form_key"
FORM_KEY_HEADER = "X-Form-Key"
_MAX_FIELDS = 100
_FILE_NAME_CHARACTERS = 200
_MAX_WHOLE = 2**31 - 1


class Form(msgspec.Struct, frozen=True):
    """The fields of a form by name; texts have line feeds where the browser sent CR LF."""

    fields: Mapping[str, str]

    def get(self, name: str, default: str = "") -> str:
        """A field, or the default where it was not sent."""
        return self.fields.get(name, default)

    def line(self, name: str, most: int) -> str:
        """A field of one line, without surrounding white space.

        Raises:
            InvalidField: it is longer, or holds control characters.
        """
        text = self.get(name).strip()
        if len(text) > most or not is_line(text):
            raise InvalidField(name, f"one line of at most {most} characters", text)
        return text

    def whole(self, name: str) -> int:
        """A field that is a whole number from 0 to 2**31 - 1.

        Raises:
            InvalidField: it is not.
        """
        text = self.get(name)
        try:
            return parse_integer(text, most=_MAX_WHOLE)
        except ValueError:
            raise InvalidField(name, f"a whole number from 0 to {_MAX_WHOLE}", text) from None


class Upload(msgspec.Struct, frozen=True):
    """A form with a file."""

    form: Form
    name: str
    data: bytes


def reject_cross_site(request: web.Request) -> None:
    """Reject a request that a page of another site sends (cross-site request forgery).

    Browsers name the site in `Sec-Fetch-Site` and `Origin`. Other clients may send neither, but have no session cookie.

    Raises:
        PermissionDenied: the request comes from another site.
    """
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get(hdrs.ORIGIN)
    try:
        is_same_host = origin is None or urllib.parse.urlsplit(origin).netloc.lower() == request.host.lower()
    except ValueError:  # not a URL
        is_same_host = False
    if site not in ("same-origin", "none") or not is_same_host:
        raise PermissionDenied("this was sent from a page of another site")


async def read_form(request: web.Request) -> Form:
    """The fields of a form that a page of this session sent.

    Raises:
        PermissionDenied: it comes from another site or session.
        BadRequest: it is not a form.
        PayloadTooLarge: it is too long.
    """
    form = await read_fields(request)
    _check_key(request, form)
    return form


async def read_fields(request: web.Request) -> Form:
    """The fields of a form that a page of this site sent, in any session or none.

    Raises:
        PermissionDenied: it comes from another site.
        BadRequest: it is not a form.
        PayloadTooLarge: it is too long.
    """
    reject_cross_site(request)
    if request.content_type != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType("Content-Type: expected application/x-www-form-urlencoded, as forms send")
    body = await read_body(request, limit=MAX_FORM_BYTES)
    try:
        pairs = urllib.parse.parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        raise BadRequest("the form cannot be read: expected fields in UTF-8, percent-encoded") from None
    return _form(pairs)


async def read_upload(request: web.Request) -> Upload:
    """The fields of a form that a page of this session sent, and the file in its field `file`.

    Raises:
        PermissionDenied: it comes from another site or session.
        InvalidField: the file is missing or empty.
        BadRequest: it is not a form.
        PayloadTooLarge: the file or the form is too long.
        RequestTimeout: it did not arrive in time.
    """
    reject_cross_site(request)
    if request.content_type != "multipart/form-data" or not request.headers[hdrs.CONTENT_TYPE].isascii():
        raise UnsupportedMediaType("Content-Type: expected multipart/form-data, as forms with a file send")
    if (request.content_length or 0) > MAX_BYTES + MAX_FORM_BYTES:
        raise PayloadTooLarge(f"the form has {request.content_length} bytes, at most {MAX_BYTES} of a file are read")
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            pairs, name, data = await _parts(await request.multipart())
    except TimeoutError:
        raise RequestTimeout(f"the form did not arrive within {BODY_TIMEOUT:g} s") from None
    except (ValueError, AssertionError, LookupError, web.HTTPException, web.RequestPayloadError):
        raise BadRequest("the form cannot be read: expected multipart/form-data in UTF-8") from None
    form = _form(pairs)
    _check_key(request, form)
    if not data:
        raise InvalidField("file", "a file that is not empty")
    if len(name) > _FILE_NAME_CHARACTERS or not is_line(name):
        raise InvalidField("file", f"a name of at most {_FILE_NAME_CHARACTERS} characters", name)
    return Upload(form, name or "file", data)


async def _parts(reader: MultipartReader) -> tuple[list[tuple[str, str]], str, bytes]:
    """The fields, and the name and bytes of the file, within the limits."""
    pairs, name, data, left = list[tuple[str, str]](), "", b"", MAX_BYTES + MAX_FORM_BYTES
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader) or part.name is None or len(pairs) > _MAX_FIELDS:
            raise BadRequest("the form cannot be read: expected named fields")
        read = await _bounded(part, min(left, MAX_BYTES if part.name == "file" else MAX_FORM_BYTES))
        left -= len(read)
        if part.name != "file":
            pairs.append((part.name, read.decode()))
        elif data:
            raise BadRequest("the form has a file twice")
        else:
            name, data = part.filename or "", read
    return pairs, name, data


async def _bounded(part: BodyPartReader, limit: int) -> bytes:
    data = bytearray()
    while piece := await part.read_chunk():
        data += piece
        if len(data) > limit:
            raise PayloadTooLarge(f"{part.name}: at most {limit} bytes are read")
    return bytes(data)


def _form(pairs: list[tuple[str, str]]) -> Form:
    fields = {name: text.replace("\r\n", "\n") for name, text in pairs}
    if len(fields) < len(pairs):
        raise BadRequest("the form has a field twice")
    if any("\0" in text for pair in pairs for text in pair):
        raise BadRequest("the form holds a NUL character")
    return Form(fields)


def _check_key(request: web.Request, form: Form) -> None:
    """Check the key that only pages of this session know."""
    given = request.headers.get(FORM_KEY_HEADER, form.get(FORM_KEY_FIELD))
    if not request.app[SERVICES].sessions.is_form_key(request[SESSION], given):
        raise PermissionDenied("this form is not of your session: load the page again, then send it")
