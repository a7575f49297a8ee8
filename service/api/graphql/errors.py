"""Our errors in this door's words: `{"errors": [{"message": …, "extensions": {"code": …}}]}`, and a status."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import hdrs, web

from service.errors import (
    BadRequest,
    ExpiredToken,
    InvalidToken,
    LaurelError,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    PayloadTooLarge,
    PermissionDenied,
    RequestTimeout,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)

JSON = "application/json"

_TABLE: Sequence[tuple[type[LaurelError], int, str]] = (
    (ExpiredToken, 400, "CURSOR_EXPIRED"),
    (InvalidToken, 400, "INVALID_CURSOR"),
    (PayloadTooLarge, 413, "BAD_REQUEST"),
    (RequestTimeout, 408, "BAD_REQUEST"),
    (UnsupportedMediaType, 415, "BAD_REQUEST"),
    (BadRequest, 400, "BAD_USER_INPUT"),
    (Unauthenticated, 401, "UNAUTHENTICATED"),
    (PermissionDenied, 403, "FORBIDDEN"),
    (NotFound, 404, "NOT_FOUND"),
    (MethodNotAllowed, 405, "METHOD_NOT_ALLOWED"),
    (NotAcceptable, 406, "NOT_ACCEPTABLE"),
    (TooManyRequests, 429, "TOO_MANY_REQUESTS"),
    (Unavailable, 503, "UNAVAILABLE"),
)
_INTERNAL_ERROR = (500, "INTERNAL_SERVER_ERROR", "this is an error of the service")


def error_response(_request: web.BaseRequest, error: LaurelError | None) -> web.Response:
    """The whole answer where nothing was executed."""
    status, said = describe(error)
    return answer_errors(status, [said], error=error)


def describe(error: LaurelError | None) -> tuple[int, dict[str, Any]]:
    """An error's status, and the error as a member of `errors`; None for a bug of ours, which is told without detail."""
    status, code, message = _INTERNAL_ERROR
    if error is not None:
        status, code = next((status, code) for kind, status, code in _TABLE if isinstance(error, kind))
        message = str(error)
    return status, {"message": message, "extensions": {"code": code}}


def answer_errors(
    status: int, errors: Sequence[Mapping[str, Any]], *, error: LaurelError | None = None, media_type: str = JSON
) -> web.Response:
    """An answer of errors alone, without data. `error` adds the headers that its status asks for."""
    headers = {hdrs.CACHE_CONTROL: "no-store"}
    match error:
        case Unauthenticated():
            headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
        case MethodNotAllowed():
            headers[hdrs.ALLOW] = ", ".join(error.allowed)
        case Unavailable() | TooManyRequests():
            headers[hdrs.RETRY_AFTER] = str(error.retry_after_seconds)
        case _:
            pass
    body = msgspec.json.encode({"errors": errors})
    return web.Response(status=status, body=body, content_type=media_type, charset="utf-8", headers=headers)
