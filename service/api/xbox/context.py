"""What the requests of this API have in common: the player, the title, the contract version and the headers."""

import re

from aiohttp import hdrs, web

from service.api.xbox.contract import Contracts
from service.api.xbox.errors import correlation_vector
from service.core.auth.permissions import may_read_progress
from service.core.auth.principal import Principal, canonical_xuid
from service.core.languages import negotiation
from service.core.languages.accept_language import MAX_FIELD
from service.core.publishing.published_title import PublishedTitle
from service.core.publishing.snapshot import Snapshot
from service.errors import InvalidParameter, NotFound, Unauthenticated
from service.http.authenticate import authenticate_token
from service.http.services import PLAYER, PRINCIPAL, SERVICES, Services

VARY = "Accept-Language, Authorization, x-xbl-contract-version"
GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_GUID = re.compile(GUID)
_LANGUAGE_CHARACTERS = MAX_FIELD + 1  # no more is read of it; the one more shows that there was more


async def authenticate(request: web.Request) -> Principal:
    """The principal of the one `Authorization: XBL3.0 x=<user hash>;<token>` field.

    Raises:
        Unauthenticated: the field is missing, repeated, malformed, forged or expired.
    """
    fields = request.headers.getall(hdrs.AUTHORIZATION, ())
    if len(fields) != 1:
        raise Unauthenticated(f"Authorization: expected one field, XBL3.0 x=<user hash>;<token>, got {len(fields)}")
    services = request.app[SERVICES]
    return await authenticate_token(services, services.verifier.principal, fields[0])


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
            request.headers.get("x-xbl-contract-version"), default=settings.default_contract
        )
        self.condition = ", ".join(request.headers.getall(hdrs.IF_NONE_MATCH, ())) or None
        self.accept_language = ", ".join(request.headers.getall(hdrs.ACCEPT_LANGUAGE, ()))[:_LANGUAGE_CHARACTERS]

    def chain(self, published: PublishedTitle) -> tuple[str, ...]:
        """The locales in which to look for each text of a title, best first."""
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

    def response(self, body: bytes, etag: str, languages: str | None) -> web.Response:
        """A JSON body with its ETag and Content-Language (None: the body holds no text)."""
        headers = self._headers(etag)
        if languages is not None:
            headers[hdrs.CONTENT_LANGUAGE] = languages
        headers[hdrs.CONTENT_TYPE] = "application/json"
        return web.Response(body=body, headers=headers)

    def not_modified(self, etag: str) -> web.Response:
        """304: the client has the current response already."""
        return web.Response(status=304, headers=self._headers(etag))

    def _headers(self, etag: str) -> dict[str, str]:
        headers = {
            hdrs.ETAG: etag,
            hdrs.VARY: VARY,
            hdrs.CACHE_CONTROL: "private, no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        if "MS-CV" in self.request.headers and (vector := correlation_vector(self.request)) is not None:
            headers["MS-CV"] = vector
        return headers
