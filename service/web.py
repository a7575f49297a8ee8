"""What every HTTP room shares: how a door is joined to the application, answers in JSON, and ETags.

A door is three things: its routes, how it identifies who asks, and how it refuses in its own words. `join` wraps every
route in the door's boundary, so that each error a caller can meet, the router's own 404 and 405 included, is said by
the door that was asked.
"""

import importlib.metadata
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestHandler

from service.core.credentials import Verifier
from service.core.identity import Principal
from service.core.page import Tokens
from service.core.progress import ProgressReads
from service.core.rarity import Rarities
from service.core.releases import Releases
from service.errors import BadRequest, LaurelError, MethodNotAllowed, NotFound
from service.key_refresh import KeyRefresher
from service.observe import Observer
from service.settings import Settings


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What handlers ask: made once at the start, the same for every request."""

    settings: Settings
    verifier: Verifier
    keys: KeyRefresher | None
    releases: Releases
    progress: ProgressReads
    rarities: Rarities
    tokens: Tokens
    observer: Observer


SERVICES = web.AppKey("services", Services)
PRINCIPAL = web.RequestKey("principal", Principal)
PLAYER = web.RequestKey("player", str)
"""Whose data is asked for, once a handler knows: for the log line, which shows a keyed hash of it."""

VERSION = importlib.metadata.version("laurel")
SERVER = "laurel"  # not which library, and which version of it

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Route(NamedTuple):
    """One URL of a door. `path` is aiohttp's pattern, `name` what logs and metrics call it."""

    method: str
    path: str
    name: str
    handler: Handler


class Door(NamedTuple):
    """One wire contract. `prefixes` are the beginnings of the paths that it answers for, unknown ones included."""

    name: str
    prefixes: tuple[str, ...]
    routes: Sequence[Route]
    identify: Callable[[web.Request], Awaitable[Principal]]
    refuse: Callable[[web.BaseRequest, LaurelError | None], web.Response]
    """Our error → the door's own status and body; None for a bug of ours, which is told without detail."""
    openapi: Mapping[str, Any]
    """Its part of the OpenAPI document: `tags`, `paths` and `components`."""


def join(app: web.Application, doors: Sequence[Door]) -> None:
    """Give the application each door's routes, and to whatever matches none of them the nearest door's refusal."""
    for door in doors:
        for route in door.routes:
            resource = app.router.add_resource(route.path, name=f"{door.name}.{route.name}")
            methods = ("GET", "HEAD") if route.method == hdrs.METH_GET else (route.method,)
            for method in methods:
                resource.add_route(method, _boundary(door, route.name, route.handler), expect_handler=_expect)
    app.router.add_route("*", "/{path:.*}", _unmatched(doors), expect_handler=_expect)


def _boundary(door: Door, name: str, handler: Handler) -> Handler:
    async def bounded(request: web.Request) -> web.Response:
        started = time.perf_counter()
        observer = request.app[SERVICES].observer
        error: Exception | None = None
        try:
            request[PRINCIPAL] = await door.identify(request)
            response = await handler(request)
        except LaurelError as refusal:
            response = door.refuse(request, refusal)
        except Exception as bug:  # noqa: BLE001  (the boundary: said once, whole, and to the caller only that it is ours)
            error = bug
            response = door.refuse(request, None)
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


def refuse_unreadable(app: web.Application, door: Door) -> None:
    """Let what cannot be read as HTTP at all be refused by this door too, without an echo of what came.

    Such a request reaches no route. aiohttp's own answer would quote it, credentials and all, and name its version.
    """

    def handle_error(
        _protocol: RequestHandler,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        del message
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            response = door.refuse(request, BadRequest("this cannot be read as an HTTP request within its limits"))
        else:
            response = door.refuse(request, None)
        response.headers[hdrs.SERVER] = SERVER
        error = exc if isinstance(exc, Exception) and status >= HTTPStatus.INTERNAL_SERVER_ERROR else None
        app[SERVICES].observer.request("-", "unreadable", response.status, 0.0, door=door.name, error=error)
        response.force_close()
        return response

    RequestHandler.handle_error = handle_error  # type: ignore[assignment,method-assign]  # (the one place that sees them)


def _unmatched(doors: Sequence[Door]) -> Handler:
    """What answers where no route does: 405 if the path is one of ours, else 404, in the words of the nearest door."""
    bounded = {door.name: _boundary(door._replace(identify=nobody), "unmatched", _refuse_unmatched) for door in doors}

    async def unmatched(request: web.Request) -> web.Response:
        nearest = next((door for door in doors if request.path.startswith(door.prefixes)), doors[0])
        return await bounded[nearest.name](request)

    return unmatched


async def _refuse_unmatched(request: web.Request) -> web.Response:
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        if resource.canonical != "/{path}":
            allowed |= (await resource.resolve(request))[1]
    if allowed:
        methods = tuple(sorted(allowed))
        raise MethodNotAllowed(f"{request.method} is not for this path, but {' or '.join(methods)}", allowed=methods)
    raise NotFound("there is nothing at this path")


async def nobody(_request: web.Request) -> Principal:
    """Who asks where nothing is anyone's: no credential is looked at."""
    return Principal(players=(), title_id=None, country=None, scopes=frozenset(), expires_at=0)


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether an If-None-Match field names this ETag (RFC 9110 §13.1.2: weak comparison, `*` matches what is there)."""
    if if_none_match is None:
        return False
    if if_none_match == etag:
        return True
    named = [member.strip().removeprefix("W/") for member in if_none_match.split(",")]
    return etag in named or "*" in named
