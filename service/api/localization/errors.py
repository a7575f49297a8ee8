"""Our errors in this door's words: problem details (RFC 9457), with `code` beside them.

`current` is what is there now, where somebody else changed it; `problems` everything that was found in a file.
"""

from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web

from service import errors
from service.api.localization import responses

_TABLE: tuple[tuple[type[errors.LaurelError], int], ...] = (
    (errors.Conflict, 412),
    (errors.PreconditionRequired, 428),
    (errors.InvalidCatalog, 422),
    (errors.InvalidField, 422),
    (errors.PayloadTooLarge, 413),
    (errors.RequestTimeout, 408),
    (errors.UnsupportedMediaType, 415),
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
    headers = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff"}
    if error is None:
        status, code, detail = 500, "fault", "This is an error of the service, and it has been noted."
    else:
        status = next((status for kind, status in _TABLE if isinstance(error, kind)), 400)
        code, detail = error.code, str(error)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if isinstance(error, errors.Conflict):
        current, headers[hdrs.ETAG] = responses.current_version(error.current)
        body["current"] = current
    if isinstance(error, errors.InvalidCatalog):
        body["problems"] = [responses.diagnostic(diagnostic) for diagnostic in error.diagnostics]
    if isinstance(error, errors.Unauthenticated):
        headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="laurel"'
    if isinstance(error, errors.MethodNotAllowed):
        headers[hdrs.ALLOW] = ", ".join(error.allowed)
    if isinstance(error, (errors.Unavailable, errors.TooManyRequests)):
        headers[hdrs.RETRY_AFTER] = str(error.retry_after_seconds)
    return web.Response(
        status=status, body=responses.encode(body), headers=headers, content_type="application/problem+json"
    )
