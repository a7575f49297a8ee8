"""Our errors in this door's words: problem details (RFC 9457), whose `detail` is the message and `code` its stable name."""

from http import HTTPStatus

import msgspec
from aiohttp import hdrs, web

from service import errors

_TABLE: tuple[tuple[type[errors.LaurelError], int], ...] = (
    (errors.PayloadTooLarge, 413),
    (errors.RequestTimeout, 408),
    (errors.UnsupportedMediaType, 415),
    (errors.InvalidCatalog, 422),
    (errors.PermissionDenied, 403),
    (errors.Unauthenticated, 401),
    (errors.NotFound, 404),
    (errors.MethodNotAllowed, 405),
    (errors.NotAcceptable, 406),
    (errors.TooManyRequests, 429),
    (errors.Unavailable, 503),
    (errors.BadRequest, 400),
)


def error_response(_request: web.BaseRequest, error: errors.LaurelError | None) -> web.Response:
    """The status, headers and body for an error; None is a bug of ours, which is told without detail."""
    headers = {
        hdrs.CACHE_CONTROL: "no-store",
        hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
        "X-Content-Type-Options": "nosniff",
    }
    if error is None:
        status, code, message = 500, "error", "This is an error of the service, and it has been noted."
    else:
        status = next((status for kind, status in _TABLE if isinstance(error, kind)), 400)
        code, message = error.code, str(error)
    if isinstance(error, errors.Unauthenticated):
        headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="laurel", XBL3.0 realm="laurel"'
    if isinstance(error, errors.MethodNotAllowed):
        headers[hdrs.ALLOW] = ", ".join(error.allowed)
    if isinstance(error, errors.Unavailable | errors.TooManyRequests):
        headers[hdrs.RETRY_AFTER] = str(error.retry_after_seconds)
    problem = {"title": HTTPStatus(status).phrase, "status": status, "detail": message, "code": code}
    return web.Response(
        status=status, body=msgspec.json.encode(problem), headers=headers, content_type="application/problem+json"
    )
