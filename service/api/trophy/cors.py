"""Browsers on other origins: user keys live in them, so the operator may let their origins ask this door."""

from collections.abc import Sequence

from aiohttp import hdrs, web

from service.http.services import SERVICES

_REQUEST_HEADERS = (
    "X-API-KEY, Content-Type, Accept-Language, Idempotency-Key, If-None-Match, Tenant-ID, X-SDK-VERSION, "
    "X-Fern-Language, X-Fern-SDK-Name, X-Fern-SDK-Version, X-Fern-Runtime, X-Fern-Runtime-Version, Last-Event-ID"
)
_RESPONSE_HEADERS = "ETag, Content-Language, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
_LIFETIME = 600  # seconds that a browser may remember the answer


def headers(request: web.BaseRequest) -> dict[str, str]:
    """What lets the page that asks read the answer; nothing for an origin that the operator does not name."""
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
    """The answer to a browser that asks before it asks (WHATWG Fetch §3.2); None for whoever else sends OPTIONS."""
    allowed = headers(request)
    if not allowed or hdrs.ACCESS_CONTROL_REQUEST_METHOD not in request.headers:
        return None
    said = {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: ", ".join(methods),
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: _REQUEST_HEADERS,
        hdrs.ACCESS_CONTROL_MAX_AGE: str(_LIFETIME),
        hdrs.VARY: "Origin",
    }
    return web.Response(status=204, headers=allowed | said)
