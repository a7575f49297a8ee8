"""What every HTTP room shares: how a door is joined to the application, answers in JSON, and ETags.

A door is three things: its routes, how it identifies who asks, and how it refuses in its own words. `join` wraps every
route in the door's boundary, so that each error a caller can meet, the router's own 404 and 405 included, is said by
the door that was asked.
"""

import asyncio
import functools
import importlib.metadata
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

import msgspec
from aiohttp import ClientPayloadError, hdrs, web
from aiohttp.web_protocol import RequestHandler

from service.core.auth.api_keys import ApiKeys
from service.core.auth.oauth_clients import OAuthClients
from service.core.auth.principal import Principal
from service.core.auth.sessions import Sessions
from service.core.auth.tokens import UnknownKey, Verifier
from service.core.auth.user_contexts import UserContexts
from service.core.events.subscriptions import Subscriptions
from service.core.events.writer import Writer
from service.core.localization.fallbacks import Fallbacks
from service.core.localization.presence import Presence
from service.core.progress.holder_counts import HolderCounts
from service.core.progress.paging import ContinuationTokens
from service.core.progress.rarity import Rarities
from service.core.progress.reader import ProgressReader
from service.core.publishing.snapshot import SnapshotStore
from service.db.pool import Pool
from service.errors import (
    BadRequest,
    InvalidField,
    LaurelError,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    RequestTimeout,
    UnsupportedMediaType,
)
from service.outbound.jwks import JwksRefresher
from service.settings import Settings
from service.telemetry import Observer


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What handlers ask: made once at the start, the same for every request."""

    settings: Settings
    pool: Pool
    verifier: Verifier
    jwks: JwksRefresher | None
    api_keys: ApiKeys
    oauth_clients: OAuthClients
    user_contexts: UserContexts
    snapshots: SnapshotStore
    progress: ProgressReader
    writer: Writer
    subscriptions: Subscriptions
    holder_counts: HolderCounts
    rarities: Rarities
    fallbacks: Fallbacks
    continuation_tokens: ContinuationTokens
    cursor_key: bytes
    sessions: Sessions
    presence: Presence
    observer: Observer


SERVICES = web.AppKey("services", Services)
STOPPING = web.AppKey("stopping", asyncio.Event)
"""Set when the service ends: whoever holds a connection open for long lets go of it then."""
PRINCIPAL = web.RequestKey("principal", Principal)
PLAYER = web.RequestKey("player", str)
"""Whose data is asked for, once a handler knows: for the log line, which shows a keyed hash of it."""

VERSION = importlib.metadata.version("laurel")
SERVER = "laurel"  # not which library, and which version of it

BODY_TIMEOUT = 10.0  # seconds; a slow sender holds a connection, and nothing else

T = TypeVar("T")
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


def handle_unreadable_requests(app: web.Application, door: Api) -> None:
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
            response = door.error_response(
                request, BadRequest("this cannot be read as an HTTP request within its limits")
            )
        else:
            response = door.error_response(request, None)
        response.headers[hdrs.SERVER] = SERVER
        error = exc if isinstance(exc, Exception) and status >= HTTPStatus.INTERNAL_SERVER_ERROR else None
        app[SERVICES].observer.request("-", "unreadable", response.status, 0.0, door=door.name, error=error)
        response.force_close()
        return response

    RequestHandler.handle_error = handle_error  # type: ignore[assignment,method-assign]  # (the one place that sees them)


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


async def anonymous(_request: web.Request) -> Principal:
    """Who asks where nothing is anyone's: no credential is looked at."""
    return Principal(players=(), title_id=None, country=None, scopes=frozenset(), expires_at=0)


async def authenticate_token(services: Services, read: Callable[[str, float], Principal], field: str) -> Principal:
    """Who a token speaks for. A key that is not known here is asked of the issuer at once: it may be newer than ours.

    Raises:
        Unauthenticated: `read`, a way of the verifier's to read a credential, refuses it.
    """
    try:
        return read(field, time.time())
    except UnknownKey as unknown:
        if services.jwks is None or not await services.jwks.unknown_kid(unknown.kid):
            raise
        return read(field, time.time())


async def read_body(request: web.Request, *, limit: int) -> bytes:
    """The body, at most `limit` bytes of it, as it was sent.

    Raises:
        PayloadTooLarge: there are more bytes.
        RequestTimeout: they did not come in time.
        UnsupportedMediaType: they are compressed: nothing is unpacked that a caller sends.
        BadRequest: the connection ended within them.
    """
    coding = request.headers.get(hdrs.CONTENT_ENCODING, "identity")
    if coding.lower() != "identity":
        raise UnsupportedMediaType("Content-Encoding: expected none, the body as it is")
    if (request.content_length or 0) > limit:
        raise PayloadTooLarge(f"the body has {request.content_length} bytes, at most {limit} are read")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > limit:
                    raise PayloadTooLarge(f"the body has more than the {limit} bytes that are read")
    except TimeoutError:
        raise RequestTimeout(f"the body did not arrive within {BODY_TIMEOUT:g} s") from None
    except (web.RequestPayloadError, ClientPayloadError):
        raise BadRequest("the body cannot be read as HTTP") from None
    return bytes(body)


_PATH = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL)
_GOT = re.compile(r"Expected `(.*)`, got `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)


def describe_validation_error(error: msgspec.ValidationError) -> tuple[str, str]:
    """The path of the member that will not do, and what would, from msgspec's own words."""
    place = _PATH.fullmatch(str(error))
    what, path = (place[1], place[2]) if place else (str(error), "")
    if missing := _MISSING.fullmatch(what):
        return f"{path}.{missing[1]}".removeprefix("."), "a value, and it is missing"
    got = _GOT.fullmatch(what)
    return path or "body", f"{got[1]}, got {got[2]}" if got else what.removeprefix("Expected ").replace("`", "")


def decode(body: bytes, kind: type[T]) -> T:
    """A JSON body as a value of this type.

    Raises:
        BadRequest: it is no JSON in UTF-8, is nested too deeply, or carries a NUL character.
        InvalidField: it is JSON, and a member is missing or of another type.
    """
    if b"\\u0000" in body or b"\0" in body:
        raise BadRequest("the body holds a NUL character")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidField(*describe_validation_error(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRequest("the body is not JSON in UTF-8") from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None


def etag_matches(if_none_match: str | None, etag: str) -> bool:
    """Whether an If-None-Match field names this ETag (RFC 9110 §13.1.2: weak comparison, `*` matches what is there)."""
    if if_none_match is None:
        return False
    if if_none_match == etag:
        return True
    named = [member.strip().removeprefix("W/") for member in if_none_match.split(",")]
    return etag in named or "*" in named
