"""What the requests of the Trophy API share: its key, title, languages, and responses with their headers."""

import functools
import time
from collections.abc import Iterable, Mapping
from typing import TypeVar

from aiohttp import hdrs, web

from service import ticks
from service.api.trophy import cors
from service.api.trophy.rate_limit import Limiter
from service.api.trophy.renderer import Renderer, Renderers
from service.api.trophy.schemas import parse_user_id
from service.core.auth.permissions import may_read_progress, may_use_key, may_write_progress
from service.core.auth.principal import Principal
from service.core.events.change_queue import WriteResult
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.model import Change
from service.core.unlocks.player_progress import TitleProgress
from service.errors import NotFound
from service.http.api import Route
from service.http.authenticate import API_KEY, authenticate_api_key
from service.http.body import decode, read_body
from service.http.conditional import conditional_response, make_etag
from service.http.locale import RequestLocale, encode_localized, language_headers, vary
from service.http.services import PLAYER, PRINCIPAL, SERVICES, Services

VARY = vary(API_KEY, "X-Fern-Language", "X-SDK-VERSION", hdrs.ORIGIN)
USER_PATH = "/users/{id:(?!xuid[(]).+}"  # any id with its slashes, but the Xbox API's `xuid(…)`
MAX_BODY_BYTES = 64 * 1024

T = TypeVar("T")

TIER_HEADERS = web.RequestKey("headers of the rate tier", dict)


def versioned(routes: Iterable[Route]) -> tuple[Route, ...]:
    """The routes at `/` and at `/v1`."""
    routes = tuple(routes)
    return (
        *routes,
        *(route._replace(path=f"/v1{route.path}", name=f"{route.name}-v1") for route in routes),
    )


async def authenticate(request: web.Request) -> Principal:
    """The principal of the `X-API-KEY`, whose request the rate limit allows.

    Raises:
        Unauthenticated: the field is missing, given twice, or no valid key.
        TooManyRequests: the title has used up the operator's tier for this second.
    """
    services, principal = request.app[SERVICES], await authenticate_api_key(request)
    is_write = request.method not in (hdrs.METH_GET, hdrs.METH_HEAD)
    limiter = services.api_state.of(Limiter)
    headers = limiter.allow(
        services.settings.rate_tier, principal.title_id or 0, is_write=is_write, now=time.perf_counter()
    )
    if headers:
        request[TIER_HEADERS] = headers
    return principal


class RequestContext:
    """One request: the release of its title, its languages, and what its key may do.

    Raises:
        PermissionDenied: the key is not for reading, or not for events.
        NotFound: nothing is published in the title.
    """

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.services: Services = request.app[SERVICES]
        self.principal = request[PRINCIPAL]
        may_use_key(self.principal, "read" if request.method in (hdrs.METH_GET, hdrs.METH_HEAD) else "events")
        self.title_id = self.principal.title_id or 0
        published = self.services.snapshots.current.titles.get(self.title_id)
        if published is None:
            raise NotFound("nothing is published in the title of this key")
        self.published: PublishedTitle = published
        self.is_sdk = "X-Fern-Language" in request.headers or "X-SDK-VERSION" in request.headers
        self.now = ticks.from_unix_ns(time.time_ns())

    @functools.cached_property
    def renderer(self) -> Renderer:
        """The renderer of the release that the request began with."""
        return self.renderer_of(self.published)

    def renderer_of(self, published: PublishedTitle) -> Renderer:
        """The renderer of a release for this kind of client, in the caller's locales; `?language=` replaces the header."""
        locale = RequestLocale(self.request, language=self.request.rel_url.query.get("language"))
        return self.services.api_state.of(Renderers).get(published, locale.chain(published), is_sdk=self.is_sdk)

    @property
    def with_progress(self) -> bool:
        """Whether `?include=progress` requests the progress towards each achievement."""
        return "progress" in self.request.rel_url.query.get("include", "").split(",")

    def player(self) -> str:
        """The user of the path, whom the key may read.

        Raises:
            InvalidParameter: the path has no valid user id.
            PermissionDenied: the key is another user's.
        """
        return self.readable_player(self._path_player())

    def writable_player(self) -> str:
        """The user of the path, whom the key may write.

        Raises:
            InvalidParameter: the path has no valid user id.
            PermissionDenied: the key is another user's.
        """
        player = self._path_player()
        may_write_progress(self.principal, player, title=self.published.title)
        return player

    def _path_player(self) -> str:
        player = self.request[PLAYER] = parse_user_id(self.request.match_info["id"], "id", is_path=True)
        return player

    def readable_player(self, player: str) -> str:
        """The user, whom the key may read.

        Raises:
            PermissionDenied: the key is another user's.
        """
        self.request[PLAYER] = player
        may_read_progress(self.principal, player, policy="self")
        return player

    async def progress(self, player: str) -> TitleProgress:
        """What the user has in this title.

        Raises:
            NotFound: the title has no such user.
        """
        progress = (await self.services.progress.read_title(player, self.title_id)).progress
        if progress is None:
            raise NotFound("User not found")
        return progress

    async def body(self, kind: type[T], *, limit: int = MAX_BODY_BYTES) -> T:
        """The body, read and decoded.

        Raises:
            LaurelError: it cannot be read, or does not fit the type.
        """
        return decode(await read_body(self.request, limit=limit), kind)

    async def write(self, change: Change) -> WriteResult:
        """Write a change that the key allows.

        Raises:
            PermissionDenied: the key may not write it.
            LaurelError: the change is invalid or cannot be written now.
        """
        self.request[PLAYER] = change.player
        may_write_progress(self.principal, change.player, title=self.published.title)
        return await self.services.writer.write(change)

    def respond(self, document: object, *, status: int = 200) -> web.Response:
        """The document as JSON with its Content-Language; a GET has an ETag, and 304 if the client already has it."""
        body, languages = encode_localized(document)
        return self.respond_bytes(body, status=status, languages=languages)

    def respond_bytes(
        self, body: bytes, *, languages: str | None, status: int = 200, etag: str | None = None
    ) -> web.Response:
        """The same for bytes of JSON; without `etag`, it is made from the body."""
        headers = self._headers(languages)
        if self.request.method in (hdrs.METH_GET, hdrs.METH_HEAD):
            return conditional_response(self.request, body, etag=etag or make_etag(body, languages), headers=headers)
        return web.Response(status=status, body=body, headers=headers, content_type="application/json")

    def _headers(self, languages: str | None) -> Mapping[str, str]:
        headers = {hdrs.VARY: VARY, hdrs.CACHE_CONTROL: "private, no-cache", "X-Content-Type-Options": "nosniff"}
        headers |= language_headers(languages)
        tier_headers: dict[str, str] = self.request.get(TIER_HEADERS, {})
        return headers | tier_headers | cors.headers(self.request)
