"""Error responses of the workbench: a page with the message and a way on; for its script, the same as JSON."""

from http import HTTPStatus

import msgspec
from aiohttp import hdrs, web

from service import errors
from service.api.workbench import pages
from service.http.problem import Statuses, error_headers, status_of

_STATUS: Statuses = {errors.Conflict: HTTPStatus.CONFLICT}  # a form has no If-Match that could have failed


def error_response(request: web.BaseRequest, error: errors.LaurelError | None) -> web.Response:
    """The page for an error; None is a bug, which is reported without detail. A 401 is the page to sign in."""
    status = status_of(error, _STATUS)
    detail = None if error is None else str(error)
    if request.method == hdrs.METH_PUT:  # only the workbench's script sends it
        body = msgspec.json.encode({"status": status, "detail": detail or status.phrase})
        response = web.Response(status=status, body=body, headers=pages.HEADERS, content_type="application/json")
    elif isinstance(error, errors.Unauthenticated):
        then = str(request.rel_url) if request.method in (hdrs.METH_GET, hdrs.METH_HEAD) else "/l10n"
        response = pages.render_page(request, "sign_in.html", status=status, then=then, problem=None)
    else:
        problems = error.diagnostics if isinstance(error, errors.InvalidCatalog) else ()
        response = pages.render_page(
            request, "error.html", status=status, code=status, detail=detail, problems=problems
        )
    response.headers.update(error_headers(error, challenge=None))
    return response
