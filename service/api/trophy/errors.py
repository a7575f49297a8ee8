"""Error responses of the Trophy API: `{"error": "text"}` for every status, always JSON.

Valid JSON with values that cannot be accepted is a 422, a body that cannot be read a 400 or a status of its own.
"""

from http import HTTPStatus

from aiohttp import web

from service import errors
from service.api.trophy import cors
from service.api.trophy.rate_limit import rate_limit_headers
from service.api.trophy.responses import encode
from service.core.unlocks.rules import InvalidAttributes
from service.http.problem import Statuses, error_headers, message_of, status_of

_STATUS: Statuses = {
    errors.InvalidParameter: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnknownMetric: HTTPStatus.UNPROCESSABLE_ENTITY,
}


def error_response(request: web.BaseRequest, error: errors.LaurelError | None) -> web.Response:
    """The status, headers and body of an error; None is a bug, which is reported without detail."""
    headers = error_headers(error, challenge="X-API-KEY") | cors.headers(request)
    if isinstance(error, errors.TooManyRequests):
        headers |= rate_limit_headers(error.limit, remaining=0, reset_seconds=error.retry_after_seconds)
    return web.Response(
        status=status_of(error, _STATUS),
        body=encode({"error": _message(error)}),
        headers=headers,
        content_type="application/json",
    )


def _message(error: errors.LaurelError | None) -> str:
    """The message, in Trophy's own words where it has any."""
    match error:
        case errors.UnknownMetric():
            return "Metric not found: it is archived" if error.is_archived else "Metric not found"
        case InvalidAttributes():
            unknown = ", ".join(key[:64] for key in error.unknown[:8])
            known = ", ".join(error.known) or "none, as none are set up"
            return (
                f"Invalid attribute keys: {unknown}. "
                f"Please ensure all attribute keys match those set up; {error.field} may have {known}"
            )
        case errors.WrongPlayer():
            return "this key is of another user"
        case errors.TooManyRequests():
            return "Too many requests"
        case _:
            return message_of(error)
