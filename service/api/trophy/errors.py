"""Our errors in this door's words: `{"error": "text"}` for every status, always JSON.

What can be read but will not do is a 422, what cannot be read a 400 or a status of its own.
"""

from aiohttp import hdrs, web

from service import errors
from service.api.trophy import cors
from service.api.trophy.responses import encode

_TABLE: tuple[tuple[type[errors.LaurelError], int], ...] = (
    (errors.PayloadTooLarge, 413),
    (errors.RequestTimeout, 408),
    (errors.UnsupportedMediaType, 415),
    (errors.InvalidField, 422),
    (errors.InvalidParameter, 422),
    (errors.UnknownMetric, 422),
    (errors.InvalidCatalog, 422),
    (errors.PermissionDenied, 403),
    (errors.Unauthenticated, 401),
    (errors.NotFound, 404),
    (errors.MethodNotAllowed, 405),
    (errors.TooManyRequests, 429),
    (errors.Unavailable, 503),
    (errors.BadRequest, 400),
)


def error_response(request: web.BaseRequest, error: errors.LaurelError | None) -> web.Response:
    """The status, headers and body for an error; None is a bug of ours, which is told without detail."""
    headers = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff", **cors.headers(request)}
    if error is None:
        status, message = 500, "This is an error of the service, and it has been noted."
    else:
        status = next((status for kind, status in _TABLE if isinstance(error, kind)), 400)
        message = str(error)
    if isinstance(error, errors.Unauthenticated):
        headers[hdrs.WWW_AUTHENTICATE] = "X-API-KEY"
    if isinstance(error, errors.MethodNotAllowed):
        headers[hdrs.ALLOW] = ", ".join(error.allowed)
    if isinstance(error, errors.Unavailable):
        headers[hdrs.RETRY_AFTER] = str(error.retry_after_seconds)
    if isinstance(error, errors.TooManyRequests):
        message = "Too many requests"
        headers |= {
            hdrs.RETRY_AFTER: str(error.retry_after_seconds),
            "X-RateLimit-Limit": str(error.limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(error.reset_at),
        }
    return web.Response(
        status=status, body=encode({"error": message}), headers=headers, content_type="application/json"
    )
