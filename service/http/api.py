"""An API: its routes, its authentication and its error responses, mounted on the application.

`mount` wraps every route, so that each error a caller can meet, the router's own 404 and 405 included, is answered in
the words of the API that was called.
"""

import functools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from aiohttp import hdrs, web

from service.core.auth.principal import Principal
from service.errors import LaurelError, MethodNotAllowed, NotFound
from service.http.authenticate import anonymous
from service.http.services import PLAYER, PRINCIPAL, SERVICES

SERVER = "laurel"  # not which library, and which version of it

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Route(NamedTuple):
    """One URL of a door. `path` is aiohttp's pattern, `name` what logs and metrics call it."""

    method: str
    path: str
    name: str
    handler: Handler


class Api(NamedTuple):
    """One wire contract. `prefixes` are the beginnings of the paths that it answers for, unknown ones included."""

    name: str
    prefixes: tuple[str, ...]
    routes: Sequence[Route]
    authenticate: Callable[[web.Request], Awaitable[Principal]]
    error_response: Callable[[web.BaseRequest, LaurelError | None], web.Response]
    """Our error → the door's own status and body; None for a bug of ours, which is told without detail."""
    openapi: Mapping[str, Any]
    """Its part of the OpenAPI document: `tags`, `paths` and `components`."""
    preflight: Callable[[web.Request, Sequence[str]], web.Response | None] | None = None
    """Answers a browser's OPTIONS for a path with these methods; None if it is no such question."""


def mount(app: web.Application, doors: Sequence[Api]) -> None:
    """Give the application each door's routes, and to whatever matches none of them the nearest door's refusal."""
    for door in doors:
        for route in door.routes:
            resource = app.router.add_resource(route.path, name=f"{door.name}.{route.name}")
            methods = ("GET", "HEAD") if route.method == hdrs.METH_GET else (route.method,)
            for method in methods:
                resource.add_route(method, _wrap_handler(door, route.name, route.handler), expect_handler=_expect)
    app.router.add_route("*", "/{path:(?s:.*)}", _unmatched(doors), expect_handler=_expect)


def _wrap_handler(door: Api, name: str, handler: Handler) -> Handler:
    async def bounded(request: web.Request) -> web.StreamResponse:
        started = time.perf_counter()
        observer = request.app[SERVICES].observer
        error: Exception | None = None
        try:
            request[PRINCIPAL] = await door.authenticate(request)
            response: web.StreamResponse = await handler(request)
        except LaurelError as refusal:
            response = door.error_response(request, refusal)
        except Exception as bug:  # noqa: BLE001  (the boundary: said once, whole, and to the caller only that it is ours)
            error = bug
            response = door.error_response(request, None)
        if not response.prepared:
            response.headers[hdrs.SERVER] = SERVER
        observer.request(
            request.method,
            name,
            response.status,
            time.perf_counter() - started,
            door=door.name,
            player=request.get(PLAYER),
            locale=response.headers.get(hdrs.CONTENT_LANGUAGE),
            error=error,
        )
        return response

    return bounded


async def _expect(request: web.Request) -> None:
    """Let a waiting client send its body, and pass over any other expectation (RFC 9110 §10.1.1 allows both).

    aiohttp's own would refuse the others in words of no door.
    """
    if request.headers[hdrs.EXPECT].lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


def _unmatched(doors: Sequence[Api]) -> Handler:
    """What answers where no route does: 405 if the path is one of ours, else 404, in the words of the nearest door."""
    bounded = {
        door.name: _wrap_handler(
            door._replace(authenticate=anonymous), "unmatched", functools.partial(_not_found_or_not_allowed, door=door)
        )
        for door in doors
    }

    async def unmatched(request: web.Request) -> web.StreamResponse:
        nearest = next((door for door in doors if request.path.startswith(door.prefixes)), doors[0])
        return await bounded[nearest.name](request)

    return unmatched


async def _not_found_or_not_allowed(request: web.Request, door: Api) -> web.Response:
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        if resource.canonical != "/{path}":
            allowed |= (await resource.resolve(request))[1]
    if allowed:
        methods = tuple(sorted(allowed))
        if request.method == hdrs.METH_OPTIONS and door.preflight is not None:
            answer = door.preflight(request, methods)
            if answer is not None:
                return answer
        raise MethodNotAllowed(f"{request.method} is not for this path, but {' or '.join(methods)}", allowed=methods)
    raise NotFound("there is nothing at this path")
