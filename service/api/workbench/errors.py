"""Our errors in this room's words: a page with what is wrong and a way on; for the script, the same as JSON."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from aiohttp import hdrs, web

from service import errors
from service.api.workbench import pages

_TABLE: Sequence[tuple[type[errors.LaurelError], int]] = (
    (errors.Conflict, 409),
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


def error_response(request: web.BaseRequest, error: errors.LaurelError | None) -> web.Response:
    """The page for an error; None is a bug of ours, which is told without detail. Who is not signed in is asked to."""
    status = 500 if error is None else next((status for kind, status in _TABLE if isinstance(error, kind)), 400)
    detail = None if error is None else str(error)
    if request.method == hdrs.METH_PUT:  # only our script sends it
        body = msgspec.json.encode({"status": status, "detail": detail or HTTPStatus(status).phrase})
        response = web.Response(status=status, body=body, content_type="application/json")
        response.headers.update({**pages.HEADERS, hdrs.CACHE_CONTROL: "no-store"})
    elif isinstance(error, errors.Unauthenticated):
        then = str(request.rel_url) if request.method in (hdrs.METH_GET, hdrs.METH_HEAD) else "/l10n"
        response = pages.render_page(request, "sign_in.html", status=status, then=then, problem=None)
    else:
        problems = error.diagnostics if isinstance(error, errors.InvalidCatalog) else ()
        response = pages.render_page(
            request, "error.html", status=status, code=status, detail=detail, problems=problems
        )
    if isinstance(error, errors.MethodNotAllowed):
        response.headers[hdrs.ALLOW] = ", ".join(error.allowed)
    if isinstance(error, (errors.Unavailable, errors.TooManyRequests)):
        response.headers[hdrs.RETRY_AFTER] = str(error.retry_after_seconds)
    return response
