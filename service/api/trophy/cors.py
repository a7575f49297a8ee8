"""CORS (WHATWG Fetch §3.2): browsers hold users' keys, so operators may allow the origins of their pages."""

from collections.abc import Sequence

from aiohttp import hdrs, web

from service.http.services import SERVICES

_REQUEST_HEADERS = (
    "X-API-KEY, Content-Type, Accept-Language, Idempotency-Key, If-None-Match, Tenant-ID, X-SDK-VERSION, "
    "X-Fern-Language, X-Fern-SDK-Name, X-Fern-SDK-Version, X-Fern-Runtime, X-Fern-Runtime-Version, Last-Event-ID"
)
_RESPONSE_HEADERS = (
    "ETag, Content-Language, Retry-After, RateLimit, RateLimit-Policy, "
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
)
_MAX_AGE_SECONDS = 600  # for which a browser may cache the answer


def headers(request: web.BaseRequest) -> dict[str, str]:
    """The headers that let a page of an allowed origin read the response; none for another origin."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None or not isinstance(request, web.Request):
        return {}
    allowed = request.app[SERVICES].settings.cors_origins
    if origin not in allowed and "*" not in allowed:
        return {}
    return {
        hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: origin,
        hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: _RESPONSE_HEADERS,
    }


def preflight(request: web.Request, methods: Sequence[str]) -> web.Response | None:
    """The response to a preflight request of an allowed origin; None for any other OPTIONS request."""
    allowed = headers(request)
    if not allowed or hdrs.ACCESS_CONTROL_REQUEST_METHOD not in request.headers:
        return None
    answer = {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: ", ".join(methods),
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: _REQUEST_HEADERS,
        hdrs.ACCESS_CONTROL_MAX_AGE: str(_MAX_AGE_SECONDS),
        hdrs.VARY: "Origin",
    }
    return web.Response(status=204, headers=allowed | answer)
