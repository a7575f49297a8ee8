"""Error responses of the localization API: problem details (RFC 9457).

`current` is the present state of what somebody else changed meanwhile; `problems` lists everything wrong in a file.
"""

from typing import Any

from aiohttp import hdrs, web

from service import errors
from service.api.localization import responses
from service.http.conditional import version_etag
from service.http.problem import problem_response
from service.http.services import SERVICES


def error_response(request: web.BaseRequest, error: errors.LaurelError | None) -> web.Response:
    """The status, headers and body of an error; None is a bug, which is reported without detail."""
    members: dict[str, Any] = {}
    headers: dict[str, str] = {}
    match error:
        case None:
            members["code"] = "fault"
        case errors.Conflict():
            members["current"], kind, version = responses.current_version(error.current)
            if isinstance(request, web.Request):  # and not one that cannot be read as HTTP, which changes nothing
                incarnation = request.app[SERVICES].incarnation.tag
                headers[hdrs.ETAG] = version_etag(kind, version, incarnation=incarnation)
        case errors.InvalidCatalog():
            members["problems"] = [responses.diagnostic(diagnostic) for diagnostic in error.diagnostics]
        case _:
            pass
    return problem_response(error, challenge='Bearer realm="laurel"', members=members, headers=headers)
