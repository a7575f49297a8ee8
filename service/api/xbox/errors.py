"""Our errors in this door's words: one body that carries all three shapes that its clients know.

`{code, source, description}` is Microsoft's ServiceError, `{errorCode, errorMessage}` its ServiceErrorResponse, and
`traceInformation` what the live service adds. Codes are documented ones where there is one (4000 invalid request,
4500 authorization, 8377 another XUID, 5000 and 5300 ours), 23 as observed for missing claims, else 0.
"""

import base64
import os
import re

from aiohttp import hdrs, web

from service import errors
from service.api.xbox.json_fragments import encode

_TABLE: tuple[tuple[type[errors.LaurelError], int, int], ...] = (
    (errors.UserRequired, 403, 23),
    (errors.WrongPlayer, 403, 8377),
    (errors.PermissionDenied, 403, 4500),
    (errors.Unauthenticated, 401, 4500),
    (errors.NotFound, 404, 0),
    (errors.MethodNotAllowed, 405, 0),
    (errors.NotAcceptable, 406, 0),
    (errors.RequestTimeout, 408, 4000),
    (errors.PayloadTooLarge, 413, 4000),
    (errors.UnsupportedMediaType, 415, 4000),
    (errors.TooManyRequests, 429, 0),
    (errors.Unavailable, 503, 5300),
    (errors.BadRequest, 400, 4000),
)
_INTERNAL_ERROR = 500, 5000

# Correlation vector 2.1: 22 base64 characters and dotted counters, "!" when it may not grow any more. Version 1, which
# xbox-webapi sends, has 16.
_VECTOR = re.compile(r"(?:[A-Za-z0-9+/]{16}|[A-Za-z0-9+/]{21}[AQgw])(?:\.[0-9]{1,10})+!?")
_VECTOR_CHARACTERS = 128


def error_response(request: web.BaseRequest, error: errors.LaurelError | None) -> web.Response:
    """The status, headers and body for an error; None is a bug of ours, which is told without detail."""
    if error is None:
        (status, code), message = _INTERNAL_ERROR, "This is an error of the service, and it has been noted."
    else:
        status, code = next((status, code) for kind, status, code in _TABLE if isinstance(error, kind))
        message = str(error)
    vector = correlation_vector(request) or _new_vector()
    headers = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff", "MS-CV": vector}
    if isinstance(error, errors.Unauthenticated):
        headers[hdrs.WWW_AUTHENTICATE] = 'XBL3.0 realm="laurel"'
    if isinstance(error, errors.MethodNotAllowed):
        headers[hdrs.ALLOW] = ", ".join(error.allowed)
    if isinstance(error, errors.Unavailable):
        headers[hdrs.RETRY_AFTER] = str(error.retry_after_seconds)
    body = {
        "code": code,
        "source": "Progress",
        "description": message,
        "traceInformation": vector,
        "errorCode": code,
        "errorMessage": message,
    }
    return web.Response(status=status, body=encode(body), headers=headers, content_type="application/json")


def correlation_vector(request: web.BaseRequest) -> str | None:
    """The caller's correlation vector, extended by one; None if there is none, or it is not one (never echoed)."""
    vector = request.headers.get("MS-CV")
    if vector is None or len(vector) > _VECTOR_CHARACTERS or _VECTOR.fullmatch(vector) is None:
        return None
    if vector.endswith("!"):
        return vector
    return f"{vector}.0" if len(vector) + 2 <= _VECTOR_CHARACTERS - 1 else f"{vector}!"


def _new_vector() -> str:
    return base64.b64encode(os.urandom(16)).decode()[:22] + ".0"
