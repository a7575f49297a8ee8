"""Mounting APIs on the application: routes, authentication and error responses.

`mount` wraps every route, so that each error a client can meet, the router's own 404 and 405 included, is rendered by
the API that was called.
"""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import FrameType
from typing import Any, NamedTuple, NoReturn

from aiohttp import HttpVersion11, hdrs, web

from service.core.auth.principal import ANONYMOUS, Principal
from service.errors import LaurelError, MethodNotAllowed, NotFound, TooManyRequests, UnsupportedVersion
from service.http.authenticate import anonymous
from service.http.forwarded import client_address, network_of
from service.http.limits.admission import FLOW, PLAYERS, RequestClass
from service.http.limits.shares import SHARE, Share, Shares
from service.http.security_events import REFUSALS, log_refusal, too_many_failures
from service.http.services import PLAYER, PRINCIPAL, SERVICES

SERVER = "laurel"  # the Server header, without the library and its version
SAFE_METHODS = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
"""Of requests that change nothing, which need not be finished once their client has gone."""
_SHOWN_CHARACTERS = 20  # of an unsupported method

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Route(NamedTuple):
    """One URL of an API. `path` is aiohttp's pattern; `name` identifies the route in logs and metrics.

    `request_class` is what bounds its requests, None for that of its API.
    """

    method: str
    path: str
    name: str
    handler: Handler
    request_class: RequestClass | None = None


class Api(NamedTuple):
    """One wire contract. `prefixes` are those of the paths that it answers for, unknown paths included."""

    name: str
    prefixes: tuple[str, ...]
    routes: Sequence[Route]
    authenticate: Callable[[web.Request], Awaitable[Principal]]
    error_response: Callable[[web.BaseRequest, LaurelError | None], web.Response]
    """Renders an error with the API's own status and body; None is a bug, which is reported without detail."""
    openapi: Mapping[str, Any]
    """Its part of the OpenAPI document: `tags`, `paths` and `components`."""
    preflight: Callable[[web.Request, Sequence[str]], web.Response | None] | None = None
    """Answers a CORS preflight request for a path with these methods; None for any other OPTIONS request."""
    request_class: RequestClass = PLAYERS
    """What bounds the requests of routes that name no class of their own."""


def mount(app: web.Application, apis: Sequence[Api]) -> None:
    """Add the routes of all APIs. A request that matches none gets the 404 or 405 of the API with its prefix."""
    for api in apis:
        for route in api.routes:
            resource = app.router.add_resource(route.path, name=f"{api.name}.{route.name}")
            methods = ("GET", "HEAD") if route.method == hdrs.METH_GET else (route.method,)
            for method in methods:
                resource.add_route(method, _wrap_handler(api, route), expect_handler=_expect)
    app.router.add_route("*", "/{path:(?s:.*)}", _unmatched(apis), expect_handler=_expect)


def _wrap_handler(api: Api, route: Route) -> Handler:
    """Admit, authenticate and limit before the handler, turn its errors into responses, and record the request."""
    handler, route_name = route.handler, route.name
    request_class = route.request_class or api.request_class

    async def wrapped(request: web.Request) -> web.StreamResponse:
        started = time.perf_counter()
        services = request.app[SERVICES]
        shares = services.shares
        bug: Exception | None = None
        refusal: LaurelError | None = None
        share: Share | None = None
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (aiohttp makes one for each request)
        is_safe = request.method in SAFE_METHODS
        flow = services.admission.flow(request_class, is_safe=is_safe)
        if not is_safe:
            request[FLOW] = flow
        try:
            flow.enter(task, started)
            if request.version.major != 1:
                _reject_version(request)
            principal = request[PRINCIPAL] = await api.authenticate(request)
            share = _share(shares, request, principal)
            shares.begin(share, flow, started)
            request[SHARE] = share
            try:
                response: web.StreamResponse = await handler(request)
            finally:
                shares.end(share, flow)
        except LaurelError as error:
            refusal = error
            response = api.error_response(request, error)
        except asyncio.CancelledError:
            response = api.error_response(request, services.admission.why_cancelled(task))
        except Exception as error:  # noqa: BLE001  (the boundary: logged once with its trace, and answered without detail)
            bug = error
            response = api.error_response(request, None)
        finally:
            flow.leave(task)
        if response.status in REFUSALS and not response.prepared:
            response = _note_refusal(api, route_name, request, response, refusal, started)
        if not response.prepared:
            _finish(request, response, None if share is None else share.low_headers(started))
        services.observer.request(
            request.method,
            route_name,
            response.status,
            time.perf_counter() - started,
            api=api.name,
            player=request.get(PLAYER),
            locale=response.headers.get(hdrs.CONTENT_LANGUAGE),
            error=bug,
        )
        return response

    return wrapped


def _finish(request: web.Request, response: web.StreamResponse, warnings: Mapping[str, str] | None) -> None:
    """Add the headers of every response, and those that warn a caller."""
    response.headers[hdrs.SERVER] = SERVER
    for name, value in (warnings or {}).items():
        response.headers.setdefault(name, value)
    if request.writer.output_size and request.transport is not None:
        # The handler failed within a stream. The client must see that it is cut (RFC 9112 §8), not a second response.
        request.transport.abort()


def running_route(frame: FrameType) -> str | None:
    """The names of the API and route whose request runs in this frame of the stack; None for any other frame."""
    if frame.f_globals is not globals() or frame.f_code.co_name != "wrapped":
        return None
    return f"{frame.f_locals['api'].name} {frame.f_locals['route_name']}"


def _reject_version(request: web.Request) -> NoReturn:
    """Refuse another major version of HTTP; the response is HTTP/1.1, and the last one of its connection."""
    version = request.version
    request._cache["version"] = HttpVersion11  # noqa: SLF001  (aiohttp answers in the version of the request, whatever it is)
    request._message = request._message._replace(should_close=True)  # noqa: SLF001
    raise UnsupportedVersion(f"version: expected HTTP/1.1, got HTTP/{version.major}.{version.minor}")


def _note_refusal(  # noqa: PLR0917
    api: Api, route: str, request: web.Request, response: web.StreamResponse, error: LaurelError | None, now: float
) -> web.StreamResponse:
    """Log and count a 401, 403 or 429. A failed authentication becomes a 429 if its address has had too many."""
    too_many = too_many_failures(request, response.status, error, now)
    if too_many is not None:
        error, response = too_many, api.error_response(request, too_many)
    if isinstance(error, TooManyRequests):
        request.app[SERVICES].shares.refused[api.name, error.policy] += 1
    log_refusal(request, api=api.name, route=route, status=response.status, error=error)
    return response


def _share(shares: Shares, request: web.Request, principal: Principal) -> Share:
    """The share of the credential, or of the client's address without one."""
    if principal is ANONYMOUS:
        return shares.of_address(network_of(client_address(request)))
    return shares.of_principal(principal)


async def _expect(request: web.Request) -> None:
    """Ask a waiting client to send its body, and ignore any other expectation (RFC 9110 §10.1.1 allows both).

    aiohttp's own handler would answer other expectations with a page of its own.
    """
    if request.headers[hdrs.EXPECT].lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


def _unmatched(apis: Sequence[Api]) -> Handler:
    """Answers where no route matches: 405 if the path exists, else 404, rendered by the API with its prefix."""
    handlers = {
        api.name: _wrap_handler(
            api._replace(authenticate=anonymous),
            Route("*", "*", "unmatched", functools.partial(_not_found_or_not_allowed, api=api)),
        )
        for api in apis
    }

    async def unmatched(request: web.Request) -> web.StreamResponse:
        nearest = next((api for api in apis if request.path.startswith(api.prefixes)), apis[0])
        return await handlers[nearest.name](request)

    return unmatched


async def _not_found_or_not_allowed(request: web.Request, api: Api) -> web.Response:
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        if resource.canonical != "/{path}":
            allowed |= (await resource.resolve(request))[1]
    if allowed:
        methods = tuple(sorted(allowed))
        if request.method == hdrs.METH_OPTIONS and api.preflight is not None:
            response = api.preflight(request, methods)
            if response is not None:
                return response
        shown = request.method[:_SHOWN_CHARACTERS]
        raise MethodNotAllowed(f"method: expected {' or '.join(methods)}, got {shown}", allowed=methods)
    raise NotFound("there is nothing at this path")
