"""Error responses: the status of each error, the headers that go with it, and problem details (RFC 9457).

An API that answers with a body of its own still takes `status_of` and `error_headers` from here.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from aiohttp import hdrs, web

from service import errors
from service.http.limits.retry import retry_after
from service.http.limits.shares import rate_limit_headers

T = TypeVar("T")

INTERNAL_ERROR = "This is an error of the service, and it has been noted."

Statuses = Mapping[type[errors.LaurelError], HTTPStatus]

_STATUS: Statuses = {
    errors.BadRequest: HTTPStatus.BAD_REQUEST,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.PermissionDenied: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    errors.NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    errors.RequestTimeout: HTTPStatus.REQUEST_TIMEOUT,
    errors.Conflict: HTTPStatus.PRECONDITION_FAILED,
    errors.PayloadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.UnsupportedVersion: HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
    errors.InvalidField: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidCatalog: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PreconditionRequired: HTTPStatus.PRECONDITION_REQUIRED,
    errors.TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DatabaseTimeout: HTTPStatus.GATEWAY_TIMEOUT,
    errors.LaurelError: HTTPStatus.BAD_REQUEST,
}
"""The status of an error is that of its class, or of the nearest class above it."""


def nearest(error: errors.LaurelError, *tables: Mapping[type[errors.LaurelError], T]) -> T:
    """The entry of an error's class, or of the nearest class above it that is in a table; earlier tables go first.

    One of the tables knows `LaurelError` itself.
    """
    return next(table[kind] for kind in type(error).__mro__ for table in tables if kind in table)


def status_of(error: errors.LaurelError | None, overrides: Statuses | None = None) -> HTTPStatus:
    """The status of an error; None is a bug. `overrides` are where the contract of one API differs from the table."""
    return HTTPStatus.INTERNAL_SERVER_ERROR if error is None else nearest(error, overrides or {}, _STATUS)


def message_of(error: errors.LaurelError | None) -> str:
    """The message for the client; a bug is reported without detail."""
    return INTERNAL_ERROR if error is None else str(error)


def error_headers(error: errors.LaurelError | None, *, challenge: str | None) -> dict[str, str]:
    """The headers of an error response. `challenge` is the WWW-Authenticate value of a 401, None for a page to sign in."""
    headers = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff"}
    match error:
        case errors.Unauthenticated() if challenge is not None:
            headers[hdrs.WWW_AUTHENTICATE] = challenge
        case errors.MethodNotAllowed():
            headers[hdrs.ALLOW] = ", ".join(error.allowed)
        case errors.TooManyRequests():
            headers[hdrs.RETRY_AFTER] = retry_after(error.retry_after_seconds)
            headers |= rate_limit_headers(
                error.policy,
                limit=error.limit,
                window_seconds=error.window_seconds,
                remaining=0,
                reset_seconds=error.retry_after_seconds,
            )
        case errors.Unavailable():
            headers[hdrs.RETRY_AFTER] = retry_after(error.retry_after_seconds)
        case _:
            pass
    return headers


def problem_response(
    error: errors.LaurelError | None,
    *,
    challenge: str,
    members: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """The problem details of an error, with `code` for programs, and the members and headers that an API adds."""
    status = status_of(error)
    body = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "detail": message_of(error),
        "code": errors.LaurelError.code if error is None else error.code,
        **(members or {}),
    }
    return web.Response(
        status=status,
        body=msgspec.json.encode(body),
        headers={**error_headers(error, challenge=challenge), **(headers or {})},
        content_type="application/problem+json",
    )
