"""What all requests of this door have in common: whose key, which title, which languages, and how it is answered."""

import functools
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import TypeVar

from aiohttp import hdrs, web

from service import ticks
from service.api.trophy import cors
from service.api.trophy.rate_limit import Limiter, RateLimitStatus
from service.api.trophy.responses import Renderer
from service.api.trophy.schemas import user_id
from service.core.auth.permissions import may_read_progress, may_write_progress
from service.core.auth.principal import Principal
from service.core.events.change_queue import WriteResult
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.model import Change
from service.core.unlocks.player_progress import TitleProgress
from service.errors import NotFound, PermissionDenied
from service.http.authenticate import API_KEY, authenticate_api_key
from service.http.body import decode, read_body
from service.http.conditional import conditional_response, make_etag
from service.http.locale import RequestLocale, encode_localized, vary
from service.http.services import PLAYER, PRINCIPAL, SERVICES, Services

VARY = vary(API_KEY, "X-Fern-Language", "X-SDK-VERSION", hdrs.ORIGIN)
MOST_BYTES = 64 * 1024  # of a body about one user
_RENDERERS = 64  # kept of each process: releases × chains × two shapes

T = TypeVar("T")

RATE_LIMIT_STATUS = web.RequestKey("allowance", RateLimitStatus)

_limiter = Limiter()


async def authenticate(request: web.Request) -> Principal:
    """Who asks, from the one `X-API-KEY` field.

    Raises:
        Unauthenticated: the field is missing, given twice, or no key that is good.
        TooManyRequests: the operator's tier allows this title no more for now.
    """
    services, principal = request.app[SERVICES], await authenticate_api_key(request)
    is_write = request.method not in (hdrs.METH_GET, hdrs.METH_HEAD)
    allowance = _limiter.allow(services.settings.rate_tier, principal.title_id or 0, is_write=is_write)
    if allowance is not None:
        request[RATE_LIMIT_STATUS] = allowance
    return principal


class RequestContext:
    """One request: its title's release, and the renderer of its language and shape."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.services: Services = request.app[SERVICES]
        self.principal = request[PRINCIPAL]
        self.title_id = self.principal.title_id or 0
        published = self.services.snapshots.current.titles.get(self.title_id)
        if published is None:
            raise NotFound("nothing is published in the title of this key")
        self.published: PublishedTitle = published
        self.is_sdk = "X-Fern-Language" in request.headers or "X-SDK-VERSION" in request.headers
        self.now = ticks.of_unix_ns(time.time_ns())

    @functools.cached_property
    def chain(self) -> tuple[str, ...]:
        """The languages of this caller; `?language=` goes before the header."""
        locale = RequestLocale(self.request, language=self.request.rel_url.query.get("language"))
        return locale.chain(self.published)

    @functools.cached_property
    def renderer(self) -> Renderer:
        """The shapes of this release, language and kind of caller; made once, and kept."""
        return _renderer(self.published, self.chain, is_sdk=self.is_sdk)

    @property
    def with_progress(self) -> bool:
        """Whether `?include=progress` asks for how far along the player is."""
        return "progress" in self.request.rel_url.query.get("include", "").split(",")

    def player(self) -> str:
        """The user of the path, if this key may read of them.

        Raises:
            InvalidParameter: no user could be named so.
            PermissionDenied: the key is another user's.
        """
        return self.may_read(user_id(self.request.match_info["id"], "id", is_path=True))

    def may_read(self, player: str) -> str:
        """The user, if this key may read of them.

        Raises:
            PermissionDenied: the key is another user's.
        """
        self.request[PLAYER] = player
        if self.principal.players and player not in self.principal.players:
            raise PermissionDenied("this key is of another user")
        may_read_progress(self.principal, player, policy="self")
        return player

    async def progress(self, player: str) -> TitleProgress:
        """What the user has in this title.

        Raises:
            NotFound: the title knows no such user.
        """
        found = await self.services.progress.read_title(player, self.title_id)
        if found.progress is None:
            raise NotFound("User not found")
        return found.progress

    async def body(self, kind: type[T], *, limit: int = MOST_BYTES) -> T:
        """The body, read and decoded."""
        return decode(await read_body(self.request, limit=limit), kind)

    async def write(self, change: Change) -> WriteResult:
        """Do it, if this key may.

        Raises:
            PermissionDenied: it may not.
        """
        self.request[PLAYER] = change.player
        if self.principal.players and change.player not in self.principal.players:
            raise PermissionDenied("this key is of another user")
        may_write_progress(self.principal, change.player, title=self.published.title)
        return await self.services.writer.write(change)

    def answer(self, document: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
        """The document as JSON with its Content-Language; a GET has an ETag, and 304 where the client has it already."""
        body, languages = encode_localized(document)
        return self.answer_bytes(body, status=status, languages=languages, headers=headers)

    def answer_bytes(
        self,
        body: bytes,
        *,
        status: int = 200,
        languages: str | None = None,
        tag: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> web.Response:
        """The same of bytes that are JSON already."""
        sent = {
            hdrs.VARY: VARY,
            hdrs.CACHE_CONTROL: "private, no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        if languages is not None:
            sent[hdrs.CONTENT_LANGUAGE] = languages
        rate_limit = self.request.get(RATE_LIMIT_STATUS)
        if rate_limit is not None:
            sent |= rate_limit.headers()
        sent |= cors.headers(self.request)
        if headers is not None:
            sent |= headers
        if self.request.method in (hdrs.METH_GET, hdrs.METH_HEAD):
            return conditional_response(self.request, body, etag=tag or make_etag(body, languages), headers=sent)
        return web.Response(status=status, body=body, headers=sent, content_type="application/json")


_renderers: OrderedDict[tuple[int, tuple[str, ...], bool], Renderer] = OrderedDict()


def _renderer(published: PublishedTitle, chain: tuple[str, ...], *, is_sdk: bool) -> Renderer:
    key = published.key, chain, is_sdk
    renderer = _renderers.get(key)
    if renderer is None:
        renderer = _renderers[key] = Renderer(published, chain, is_sdk=is_sdk)
        if len(_renderers) > _RENDERERS:
            _renderers.popitem(last=False)
    return renderer
