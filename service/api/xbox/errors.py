"""Error responses of the Xbox API: one body with the members of all three formats that its clients parse.

`{code, source, description}` is Microsoft's ServiceError, `{errorCode, errorMessage}` its ServiceErrorResponse, and
`traceInformation` is added by the live service. Codes are the documented ones where there is one (4000 invalid request,
4500 authorization, 8377 another XUID, 5000 and 5300 errors of the service), 23 as observed for missing claims, else 0.
"""

import base64
import os
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from service import errors
from service.api.xbox.json_fragments import encode
from service.http.problem import Statuses, error_headers, message_of, nearest, status_of

_STATUS: Statuses = {errors.InvalidField: HTTPStatus.BAD_REQUEST}
_CODES: Mapping[type[errors.LaurelError], int] = {
    errors.UserRequired: 23,
    errors.WrongPlayer: 8377,
    errors.PermissionDenied: 4500,
    errors.Unauthenticated: 4500,
    errors.NotFound: 0,
    errors.MethodNotAllowed: 0,
    errors.NotAcceptable: 0,
    errors.TooManyRequests: 0,
    errors.Unavailable: 5300,
    errors.RequestTimeout: 4000,
    errors.PayloadTooLarge: 4000,
    errors.UnsupportedMediaType: 4000,
    errors.BadRequest: 4000,
}
_INTERNAL_ERROR = 5000
_MESSAGES: Mapping[type[errors.LaurelError], str] = {  # those of the live service and of the document
    errors.UserRequired: "No valid claims were found on the request.",
    errors.WrongPlayer: "XUID specified in the claim does not match URI XUID.",
}

# Correlation vector 2.1: 22 base64 characters and dotted counters, "!" once it may not grow any more. Version 1, which
# xbox-webapi sends, has 16.
_VECTOR = re.compile(r"(?:[A-Za-z0-9+/]{16}|[A-Za-z0-9+/]{21}[AQgw])(?:\.[0-9]{1,10})+!?")
_VECTOR_CHARACTERS = 128


def status_and_code(error: errors.LaurelError | None) -> tuple[HTTPStatus, int]:
    """The status of an error and the code in its body; None is a bug."""
    return status_of(error, _STATUS), _INTERNAL_ERROR if error is None else nearest(error, _CODES)


def error_response(request: web.BaseRequest, error: errors.LaurelError | None) -> web.Response:
    """The status, headers and body of an error; None is a bug, which is reported without detail."""
    status, code = status_and_code(error)
    message = message_of(error) if error is None else _MESSAGES.get(type(error), str(error))
    vector = correlation_vector(request) or _new_vector()
    body: dict[str, Any] = {
        "code": code,
        "source": "Progress",
        "description": message,
        "traceInformation": vector,
        "errorCode": code,
        "errorMessage": message,
    }
    if isinstance(error, errors.TooManyRequests):
        body |= _limit_members(error)
    return web.Response(
        status=status,
        body=encode(body),
        headers={**error_headers(error, challenge='XBL3.0 realm="laurel"'), "MS-CV": vector},
        content_type="application/json",
    )


def _limit_members(error: errors.TooManyRequests) -> dict[str, Any]:
    """What Xbox's fine-grained rate limiting adds to a 429. It documents no other type than these two."""
    return {
        "version": 1,
        "currentRequests": error.limit + 1,
        "maxRequests": error.limit,
        "periodInSeconds": error.window_seconds or 0,
        "limitType": "concurrency" if error.window_seconds is None else "rate",
    }


def correlation_vector(request: web.BaseRequest) -> str | None:
    """The request's correlation vector, one step longer; None if it is missing or malformed (never echoed)."""
    vector = request.headers.get("MS-CV")
    if vector is None or len(vector) > _VECTOR_CHARACTERS or _VECTOR.fullmatch(vector) is None:
        return None
    if vector.endswith("!"):
        return vector
    return f"{vector}.0" if len(vector) + 2 <= _VECTOR_CHARACTERS - 1 else f"{vector}!"


def _new_vector() -> str:
    return base64.b64encode(os.urandom(16)).decode()[:22] + ".0"
