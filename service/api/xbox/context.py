"""What the requests of this API have in common: the player, the title, the contract version and the headers."""

import re
from collections.abc import Iterable

from aiohttp import hdrs, web

from service.api.xbox.contract import Contracts
from service.api.xbox.errors import correlation_vector
from service.core.auth.permissions import may_read_progress
from service.core.auth.principal import canonical_xuid
from service.core.publishing.published_title import PublishedTitle
from service.core.publishing.snapshot import Snapshot
from service.errors import InvalidParameter, NotFound
from service.http.conditional import if_none_match, not_modified
from service.http.locale import RequestLocale, content_language, language_headers, vary
from service.http.services import PLAYER, PRINCIPAL, SERVICES, Services

_CONTRACT = "x-xbl-contract-version"
_VARY = vary(_CONTRACT)
GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_GUID = re.compile(GUID)


def path_player(request: web.Request) -> str:
    """The player in the path, as their canonical XUID; the log line of the request names them by a keyed hash.

    Raises:
        InvalidParameter: it is not an XUID.
    """
    try:
        player = canonical_xuid(request.match_info["xuid"])
    except ValueError:
        raise InvalidParameter("xuid", "a decimal below 2^64", request.match_info["xuid"]) from None
    request[PLAYER] = player
    return player


def path_scid(request: web.Request) -> str:
    """The service config id in the path, in lower case.

    Raises:
        InvalidParameter: it is not a GUID.
    """
    scid = request.match_info["scid"]
    if _GUID.fullmatch(scid) is None:
        raise InvalidParameter("scid", "a GUID such as b5dd9daf-0000-0000-0000-000000000000", scid)
    return scid.lower()


def title_of_service_config(snapshot: Snapshot, scid: str) -> PublishedTitle:
    """The published title with this service config id.

    Raises:
        NotFound: no published title has it.
    """
    published = snapshot.titles.get(snapshot.by_scid.get(scid.lower(), 0))
    if published is None:
        raise NotFound(f"there is no service config {scid}")
    return published


class ReadContext:
    """A request that reads a player's progress: whose, in which contract version and languages."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.services: Services = request.app[SERVICES]
        self.principal = request[PRINCIPAL]
        self.player = path_player(request)
        settings = self.services.settings
        may_read_progress(self.principal, self.player, policy=settings.read_policy)
        self.contract = self.services.api_state.of(Contracts).select(
            request.headers.get(_CONTRACT), default=settings.default_contract
        )
        self.locale = RequestLocale(request)
        self.condition = if_none_match(request)

    def response(self, body: bytes, etag: str, locales: Iterable[str]) -> web.Response:
        """A JSON body with its ETag and the locales of its texts, in order of appearance."""
        headers = self._headers() | language_headers(content_language(locales))
        headers |= {hdrs.ETAG: etag, hdrs.CONTENT_TYPE: "application/json", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=body, headers=headers)

    def not_modified(self, etag: str) -> web.Response:
        """304: the client has the current response already."""
        return not_modified(etag, self._headers())

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {hdrs.VARY: _VARY, hdrs.CACHE_CONTROL: "private, no-cache"}
        if "MS-CV" in self.request.headers and (vector := correlation_vector(self.request)) is not None:
            headers["MS-CV"] = vector
        return headers
