"""The URLs of the Xbox door. A handler reads, allows, asks the core and answers; nothing is decided here."""

import functools
import hashlib
import re
import time

from aiohttp import hdrs, web

from service.api.xbox import list_request, list_response, title_history
from service.api.xbox.errors import correlation_vector, error_response
from service.api.xbox.list_request import ListKind, ListQuery
from service.api.xbox.list_response import Contract
from service.api.xbox.openapi import OPENAPI
from service.api.xbox.progress_update import update_progress
from service.api.xbox.rta import connect
from service.core.auth.permissions import may_read_progress
from service.core.auth.principal import Principal, canonical_xuid
from service.core.languages import negotiation
from service.core.languages.accept_language import MAX_FIELD
from service.core.progress import lists
from service.core.progress.lists import PageRequest
from service.core.progress.paging import Cursor, Order, TitleView
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.player_progress import PlayerProgress
from service.errors import InvalidParameter, NotFound, Unauthenticated
from service.http.api import Api, Route
from service.http.authenticate import authenticate_token
from service.http.conditional import etag_matches
from service.http.services import PLAYER, PRINCIPAL, SERVICES, VERSION, Services

VARY = "Accept-Language, Authorization, x-xbl-contract-version"
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"[0-9]{1,10}")
_LANGUAGE_CHARACTERS = MAX_FIELD + 1  # no more is read of it; the one more shows that there was more

_CONTRACTS = list_response.contracts()


async def authenticate(request: web.Request) -> Principal:
    """Who asks, from the one `Authorization: XBL3.0 x=<user hash>;<token>` field.

    Raises:
        Unauthenticated: the field is missing, given twice, malformed, forged or expired.
    """
    fields = request.headers.getall(hdrs.AUTHORIZATION, ())
    if len(fields) != 1:
        raise Unauthenticated(f"Authorization: expected one field, XBL3.0 x=<user hash>;<token>, got {len(fields)}")
    services = request.app[SERVICES]
    return await authenticate_token(services, services.verifier.principal, fields[0])


async def list_achievements(request: web.Request) -> web.Response:
    """A page of what one player has earned, and could."""
    question = _ListEndpoint(request)
    return await question.page(question.read("unlocked" if question.contract.is_legacy else "achievements"))


async def list_title_achievements(request: web.Request) -> web.Response:
    """A page of what can be earned, everything locked: where contracts 1 and 3 have their catalogue."""
    question = _ListEndpoint(request)
    return await question.page(question.read("possible"))


async def get_achievement(request: web.Request) -> web.Response:
    """One achievement by service config id and number."""
    question = _ListEndpoint(request)
    scid, number = request.match_info["scid"], request.match_info["number"]
    if _GUID.fullmatch(scid) is None:
        raise InvalidParameter("scid", "a GUID such as b5dd9daf-0000-0000-0000-000000000000", scid)
    if _NUMBER.fullmatch(number) is None:
        raise InvalidParameter("id", "the number of an achievement, decimal", number)
    return await question.one(scid.lower(), int(number))


async def list_titles(request: web.Request) -> web.Response:
    """A page of the titles that one player has anything in."""
    question = _ListEndpoint(request)
    return await question.history(question.read("titles"))


class _ListEndpoint:
    """What all requests of this door have in common: whose, in which contract and languages."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.services: Services = request.app[SERVICES]
        self.principal = request[PRINCIPAL]
        settings = self.services.settings
        try:
            self.player = canonical_xuid(request.match_info["xuid"])
        except ValueError:
            raise InvalidParameter("xuid", "a decimal below 2^64", request.match_info["xuid"]) from None
        request[PLAYER] = self.player
        may_read_progress(self.principal, self.player, policy=settings.read_policy)
        self.contract: Contract = list_response.contract(
            _CONTRACTS, request.headers.get("x-xbl-contract-version"), default=settings.default_contract
        )
        self.condition = ", ".join(request.headers.getall(hdrs.IF_NONE_MATCH, ())) or None
        self.accept_language = ", ".join(request.headers.getall(hdrs.ACCEPT_LANGUAGE, ()))[:_LANGUAGE_CHARACTERS]

    def read(self, holds: ListKind) -> ListQuery:
        return list_request.parse_list_query(
            self.request.rel_url.raw_query_string, own_title=self.principal.title_id, holds=holds
        )

    def chain_of(self, published: PublishedTitle) -> tuple[str, ...]:
        chain = negotiation.chain(
            self.accept_language,
            country=self.principal.country,
            locales=published.locales,
            default=published.title.default_locale,
            max_distance=self.services.settings.locale_max_distance,
        )
        chain = published.trim_chain(chain)
        self.services.fallbacks.count(published, chain)
        return chain

    def walk(self, asked: ListQuery) -> PageRequest:
        cursor: Cursor | None = None
        if asked.token is not None:
            cursor = self.services.continuation_tokens.read(asked.token, player=self.player, spec=asked.spec)
        return PageRequest(
            player=self.player, spec=asked.spec, cursor=cursor, offset=asked.offset, now=int(time.time())
        )

    async def page(self, asked: ListQuery) -> web.Response:
        walk = self.walk(asked)
        views, revision, everything, tag = await self._scope(walk, asked)
        if views is None:
            return self._not_modified(tag)
        page = lists.read_page(walk, views, count=asked.count, revision=revision, everything=everything)
        token = None
        if page.cursor is not None:
            token = self.services.continuation_tokens.make(page.cursor, player=self.player, spec=asked.spec)
        body, languages = list_response.achievements(
            page,
            self.contract,
            chain_of=self.chain_of,
            rarities=self.services.rarities,
            token=token,
            possible_only=asked.spec.possible_only,
        )
        return self._answer(body, tag, languages)

    async def history(self, asked: ListQuery) -> web.Response:
        walk = self.walk(asked)
        views, revision, everything, tag = await self._scope(walk, asked)
        if views is None:
            return self._not_modified(tag)
        newest = lists.newest([view.published for view in views])
        views = [view for view in views if view.progress is not None]
        as_of = walk.cursor.as_of if walk.cursor is not None else max(revision, 0)
        version = walk.cursor.version if walk.cursor is not None else newest
        views = title_history.in_order(views, asked.spec.order, as_of=as_of, everything=everything)
        start = walk.offset if walk.cursor is None else title_history.after(views, walk.cursor)
        shown = views[start : start + asked.count]
        token = None
        if shown and start + len(shown) < len(views):
            last = Cursor(title_id=shown[-1].published.title_id, number=0, as_of=as_of, version=version)
            token = self.services.continuation_tokens.make(last, player=self.player, spec=asked.spec)
        body, languages = title_history.titles(
            shown, self.contract, chain_of=self.chain_of, token=token, total=len(views)
        )
        return self._answer(body, tag, languages)

    async def one(self, scid: str, number: int) -> web.Response:
        snapshot = self.services.snapshots.current
        published = snapshot.titles.get(snapshot.by_scid.get(scid, 0))
        position = None if published is None else published.position_of(number)
        if published is None or position is None:
            raise NotFound(f"there is no achievement {number} in service config {scid}")
        found = await self.services.progress.read_title(self.player, published.title_id)
        page = lists.Page(views=[TitleView(published, found.progress)], runs=[(0, (position,))], total=1, cursor=None)
        tag = _tag(found.revision, self._digest(f"{scid} {number}", published.publication_id, [published]))
        if etag_matches(self.condition, tag):
            return self._not_modified(tag)
        body, languages = list_response.achievement(
            page, self.contract, chain_of=self.chain_of, rarities=self.services.rarities
        )
        return self._answer(body, tag, languages)

    async def _scope(
        self, walk: PageRequest, asked: ListQuery
    ) -> tuple[list[TitleView] | None, int, PlayerProgress | None, str]:
        """The titles of the list with the player's progress, its revision, and the ETag; None: not modified."""
        services = self.services
        condition = self.condition
        if not walk.spec.titles:
            everything = await services.progress.read_all(self.player)
            views = await lists.player_titles(walk, services.snapshots, everything)
            titles = [view.published for view in views]
            tag = _tag(everything.revision, self._digest_of_list(walk, asked, titles))
            return None if etag_matches(condition, tag) else views, everything.revision, everything, tag
        titles = await lists.requested_titles(walk, services.snapshots)
        digest = self._digest_of_list(walk, asked, titles)
        if walk.spec.possible_only:
            tag = _tag(-1, digest)
            views = [TitleView(published, None) for published in titles]
            return None if etag_matches(condition, tag) else views, -1, None, tag
        known = _known_revision(condition, digest)
        revision, progress = await lists.progress_in(services.progress, self.player, titles, known=known)
        tag = _tag(revision, digest)
        views = [TitleView(published, own) for published, own in zip(titles, progress, strict=True)]
        return None if etag_matches(condition, tag) else views, revision, None, tag

    def _digest_of_list(self, walk: PageRequest, asked: ListQuery, titles: list[PublishedTitle]) -> str:
        closed = 0
        if walk.spec.order is Order.ENDING_SOON and walk.cursor is None:
            closed = lists.last_closing(walk, titles)
        return self._digest(f"{asked.canonical} {closed}", lists.newest(titles), titles)

    def _digest(self, what: str, newest: int, titles: list[PublishedTitle]) -> str:
        """What an ETag depends on besides the player: the same for all who ask the same in the same words."""
        stamp = 0
        if self.contract.has_rarity:
            stamp = hash(tuple(self.services.rarities.of(published.title_id).stamp for published in titles))
        return _digest(
            self.request.match_info.route.name or "",
            what,
            newest,
            stamp,
            self.contract.version,
            self.accept_language,
            self.principal.country,
        )

    def _headers(self, tag: str) -> dict[str, str]:
        headers = {
            hdrs.ETAG: tag,
            hdrs.VARY: VARY,
            hdrs.CACHE_CONTROL: "private, no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        if "MS-CV" in self.request.headers and (vector := correlation_vector(self.request)) is not None:
            headers["MS-CV"] = vector
        return headers

    def _answer(self, body: bytes, tag: str, languages: str | None) -> web.Response:
        headers = self._headers(tag)
        if languages is not None:
            headers[hdrs.CONTENT_LANGUAGE] = languages
        headers[hdrs.CONTENT_TYPE] = "application/json"
        return web.Response(body=body, headers=headers)

    def _not_modified(self, tag: str) -> web.Response:
        return web.Response(status=304, headers=self._headers(tag))


def _tag(revision: int, digest: str) -> str:
    """A strong ETag. The revision stands in the open, so that a client's copy tells what it already knows."""
    return f'"{revision + 1:x}-{digest}"'


def _known_revision(condition: str | None, digest: str) -> int:
    """The revision that the caller's copy is of, -1 if there is none."""
    match = None if condition is None else re.search(rf'"([0-9a-f]{{1,15}})-{digest}"', condition)
    known = -1 if match is None else int(match[1], 16) - 1
    return known if etag_matches(condition, _tag(known, digest)) else -1


@functools.lru_cache(maxsize=4096)  # players share it
def _digest(*parts: object) -> str:
    text = repr((VERSION, *parts))  # another version may say the same in other bytes
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


_PLAYER = "/users/xuid({xuid:[^/]*})"

API = Api(
    name="xbox",
    prefixes=("/users/xuid(", "/users/xuid%28", "/connect"),
    routes=(
        Route("GET", _PLAYER + "/achievements{slash:/?}", "achievements", list_achievements),
        Route("GET", _PLAYER + "/titleachievements{slash:/?}", "titleachievements", list_title_achievements),
        Route(
            "GET",
            _PLAYER + "/achievements/{scid:[^/]+}/{number:(?!update/?$)[^/]+}{slash:/?}",
            "achievement",
            get_achievement,
        ),
        Route("POST", _PLAYER + "/achievements/{scid:[^/]+}/update{slash:/?}", "update", update_progress),
        Route("GET", "/connect", "connect", connect),
        Route("GET", _PLAYER + "/history/titles{slash:/?}", "history", list_titles),
    ),
    authenticate=authenticate,
    error_response=error_response,
    openapi=OPENAPI,
)
