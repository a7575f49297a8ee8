"""Error responses of the Open Badges API: problem details (RFC 9457), readable by any page in any browser."""

from aiohttp import hdrs, web

from service.errors import LaurelError
from service.http.problem import problem_response


def error_response(_request: web.BaseRequest, error: LaurelError | None) -> web.Response:
    """The status, headers and body of an error; None is a bug, which is reported without detail."""
    return problem_response(
        error,
        challenge='Bearer realm="laurel", XBL3.0 realm="laurel"',
        headers={hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*"},
    )
