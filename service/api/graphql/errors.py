"""Error responses of the GraphQL API: `{"errors": [{"message": …, "extensions": {"code": …}}]}`, and a status."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from service import errors
from service.errors import LaurelError
from service.http.problem import Statuses, error_headers, message_of, nearest, status_of

JSON = "application/json"

_STATUS: Statuses = {
    errors.InvalidField: HTTPStatus.BAD_REQUEST
}  # GraphQL over HTTP knows 400 for whatever cannot be executed
_CODES: Mapping[type[LaurelError], str] = {
    errors.ExpiredToken: "CURSOR_EXPIRED",
    errors.InvalidToken: "INVALID_CURSOR",
    errors.PayloadTooLarge: "BAD_REQUEST",
    errors.RequestTimeout: "BAD_REQUEST",
    errors.UnsupportedMediaType: "BAD_REQUEST",
    errors.Unauthenticated: "UNAUTHENTICATED",
    errors.PermissionDenied: "FORBIDDEN",
    errors.NotFound: "NOT_FOUND",
    errors.MethodNotAllowed: "METHOD_NOT_ALLOWED",
    errors.NotAcceptable: "NOT_ACCEPTABLE",
    errors.TooManyRequests: "TOO_MANY_REQUESTS",
    errors.Unavailable: "UNAVAILABLE",
    LaurelError: "BAD_USER_INPUT",
}


def error_response(_request: web.BaseRequest, error: LaurelError | None) -> web.Response:
    """The response to a request that was not executed."""
    status, described = describe(error)
    return answer_errors(status, [described], error=error)


def describe(error: LaurelError | None) -> tuple[HTTPStatus, dict[str, Any]]:
    """An error's status, and the error as a member of `errors`; None is a bug, which is reported without detail."""
    code = "INTERNAL_SERVER_ERROR" if error is None else nearest(error, _CODES)
    return status_of(error, _STATUS), {"message": message_of(error), "extensions": {"code": code}}


def answer_errors(
    status: int, members: Sequence[Mapping[str, Any]], *, error: LaurelError | None = None, media_type: str = JSON
) -> web.Response:
    """A response of errors alone, without data. `error` adds the headers that its status needs."""
    return web.Response(
        status=status,
        body=msgspec.json.encode({"errors": members}),
        headers=error_headers(error, challenge="Bearer"),
        content_type=media_type,
        charset="utf-8",
    )
