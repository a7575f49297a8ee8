"""Conditional requests (RFC 9110 §13): making entity tags, If-None-Match with 304, and If-Match."""

import hashlib
import io
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus

import msgspec
from aiohttp import hdrs, web

from service.errors import InvalidParameter, PreconditionRequired
from service.http.services import VERSION

_PIECES_ABOVE_BYTES = 256 * 1024
_VERSION_TAG = re.compile(r'"([a-z])(0|[1-9][0-9]{0,9})(?:-([0-9a-f]{8}))?"', re.ASCII)


def make_etag(content: bytes, *variants: object) -> str:
    """A strong entity tag of a body, or of what determines the body.

    `variants` are JSON values that the body also depends on, such as its media type or languages. Another version of
    this service may render the same content differently, so its tags differ.
    """
    variant = msgspec.json.encode((VERSION, *variants))
    digest = hashlib.blake2b(variant, digest_size=12)
    digest.update(content)
    return f'"{digest.hexdigest()}"'


def if_none_match(request: web.BaseRequest) -> str | None:
    """The entity tags in If-None-Match, repeated fields joined; None without the field."""
    return ", ".join(request.headers.getall(hdrs.IF_NONE_MATCH, ())) or None


def etag_matches(condition: str | None, etag: str) -> bool:
    """Whether an If-None-Match value names the tag (RFC 9110 §13.1.2: weak comparison, `*` matches any)."""
    if condition is None:
        return False
    if condition == etag:
        return True
    named = [member.strip().removeprefix("W/") for member in condition.split(",")]
    return etag in named or "*" in named


def conditional_response(
    request: web.BaseRequest,
    body: bytes | Callable[[], bytes],
    *,
    etag: str,
    headers: Mapping[str, str],
    content_type: str = "application/json",
    charset: str | None = None,
) -> web.Response:
    """The body with its entity tag, or 304 if the client already has it; a callable body is only made to be sent."""
    if etag_matches(if_none_match(request), etag):
        return not_modified(etag, headers)
    sent = _with_etag(etag, headers)
    sent[hdrs.CONTENT_TYPE] = content_type if charset is None else f"{content_type}; charset={charset}"
    return web.Response(body=in_pieces(body if isinstance(body, bytes) else body()), headers=sent)


def in_pieces(body: bytes) -> bytes | io.BytesIO:
    """A body as a response takes it; a large one as a stream, which is sent in pieces as the client reads it."""
    return body if len(body) <= _PIECES_ABOVE_BYTES else io.BytesIO(body)


def not_modified(etag: str, headers: Mapping[str, str]) -> web.Response:
    """304: the client has the current response already. `headers` are those that the response itself has."""
    return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=_with_etag(etag, headers))


def _with_etag(etag: str, headers: Mapping[str, str]) -> dict[str, str]:
    return {**headers, hdrs.ETAG: etag, "X-Content-Type-Options": "nosniff"}


def version_etag(kind: str, version: int, *, incarnation: str) -> str:
    """The strong entity tag of a version-numbered resource: `"v7-0123abcd"` for version 7 of kind `v`.

    `incarnation` is the tag of the database's: after a restore, version 7 may be another text.
    """
    return f'"{kind}{version}-{incarnation}"'


def if_match_version(request: web.BaseRequest, kind: str, *, incarnation: str) -> int:
    """The version that If-Match names, of a resource whose tags `version_etag` makes with this kind.

    -1, which no resource has, if the tag is from before the database was restored, or of Laurel 0.2.

    Raises:
        PreconditionRequired: there is no If-Match (RFC 6585 §3).
        InvalidParameter: it is not exactly one entity tag of that kind.
    """
    fields = request.headers.getall(hdrs.IF_MATCH, ())
    example = version_etag(kind, 7, incarnation=incarnation)
    if not fields:
        raise PreconditionRequired(f"If-Match: expected the ETag of what you saw, such as {example}, and there is none")
    match = _VERSION_TAG.fullmatch(fields[0].strip()) if len(fields) == 1 else None
    if match is None or match[1] != kind or int(match[2]) >= 2**31:
        raise InvalidParameter(hdrs.IF_MATCH, f"one ETag such as {example}", ", ".join(fields))
    return int(match[2]) if match[3] == incarnation else -1
