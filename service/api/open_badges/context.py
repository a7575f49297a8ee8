"""What all requests of this door have in common: who asks, of which title, in which languages, and how it is answered."""

import hashlib
import re
from collections.abc import Callable, Mapping

import msgspec
from aiohttp import hdrs, web

from service.core.auth.principal import Principal
from service.core.badges.credential import IssuerContext, JsonObject
from service.core.badges.signing_keys import SigningKeys
from service.core.languages import negotiation
from service.core.languages.accept_language import MAX_FIELD
from service.core.publishing.published_title import PublishedTitle
from service.errors import InvalidParameter, NotFound, PermissionDenied, Unauthenticated
from service.http.authenticate import anonymous, authenticate_token
from service.http.conditional import etag_matches
from service.http.services import PRINCIPAL, SERVICES, VERSION, Services

TOKEN = "application/vc+jwt"  # noqa: S105  (a media type of VC-JOSE-COSE)
JSON = "application/json"
PUBLIC: Mapping[str, str] = {hdrs.CACHE_CONTROL: "public, no-cache", hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*"}
PRIVATE: Mapping[str, str] = {
    hdrs.CACHE_CONTROL: "private, no-cache",
    hdrs.VARY: "Accept, Accept-Language, Authorization, X-API-KEY",
}
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", re.ASCII)


async def authenticate(request: web.Request) -> Principal:
    """Who asks, from one `X-API-KEY` or one `Authorization` field; nobody where the path is nobody's.

    Raises:
        Unauthenticated: there is no credential, more than one, or one that is not good.
        PermissionDenied: it is a key of another title.
    """
    if "user" not in request.match_info:
        return await anonymous(request)
    services = request.app[SERVICES]
    keys = request.headers.getall("X-API-KEY", [])
    fields = request.headers.getall(hdrs.AUTHORIZATION, [])
    if len(keys) + len(fields) != 1:
        raise Unauthenticated(
            "expected one credential, Authorization: Bearer <token>, Authorization: XBL3.0 x=<user hash>;<token> "
            f"or X-API-KEY, got {len(keys) + len(fields)}"
        )
    if keys:
        principal = await services.api_keys.principal(keys[0])
        if principal.title_id != int(request.match_info["title_id"]):
            raise PermissionDenied("this key is of another title")
        return principal
    is_bearer = fields[0][:7].lower() == "bearer "
    return await authenticate_token(
        services, services.verifier.bearer if is_bearer else services.verifier.principal, fields[0]
    )


class RequestContext:
    """One request."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.services: Services = request.app[SERVICES]
        self.principal = request[PRINCIPAL]

    @property
    def base(self) -> str:
        """What all URLs begin with: as the operator says, else as the caller found us.

        Raises:
            InvalidParameter: the caller's Host is no host.
        """
        public_url = self.services.settings.public_url
        if public_url is not None:
            return public_url
        if _HOST.fullmatch(self.request.host) is None:
            raise InvalidParameter("Host", "a host such as badges.example.com:8080", ascii(self.request.host))
        return f"{self.request.scheme}://{self.request.host}"

    @property
    def title_id(self) -> int:
        """The title of the path."""
        return int(self.request.match_info["title_id"])

    def published(self) -> PublishedTitle:
        """What is published of the title.

        Raises:
            NotFound: nothing is.
        """
        published = self.services.snapshots.current.titles.get(self.title_id)
        if published is None:
            raise NotFound("nothing is published in this title")
        return published

    def issuing(self) -> IssuerContext:
        """The title as an issuer, in the languages of this caller; `?language=` goes before the header.

        Raises:
            NotFound: nothing is published in it.
        """
        published = self.published()
        wanted = self.request.rel_url.query.get("language")
        fields = [wanted] if wanted else self.request.headers.getall(hdrs.ACCEPT_LANGUAGE, ())
        chain = negotiation.chain(
            ", ".join(fields)[: MAX_FIELD + 1],
            country=self.principal.country,
            locales=published.locales,
            default=published.title.default_locale,
            max_distance=self.services.settings.locale_max_distance,
        )
        return IssuerContext(self.base, published, published.trim_chain(chain))

    def public(
        self, document: object, *, spoken: str | None = None, vary: str | None = None, kind: str = JSON
    ) -> web.Response:
        """A JSON document that anybody may read, from any page in any browser."""
        body = msgspec.json.encode(document)
        headers = PUBLIC if vary is None else {**PUBLIC, hdrs.VARY: vary}
        return self._answer(lambda: body, tag=_etag(body, spoken), kind=kind, spoken=spoken, headers=headers)

    def signed(
        self,
        claims: JsonObject,
        keys: SigningKeys,
        *,
        headers: Mapping[str, str],
        spoken: str | None = None,
        kind: str = TOKEN,
    ) -> web.Response:
        """The claims as a token, or as a JSON object with token and claims; signed only where it is sent."""

        def body() -> bytes:
            token = keys.sign(claims, base=self.base)
            return token.encode() if kind == TOKEN else msgspec.json.encode({"credential": token, "claims": claims})

        tag = _etag(msgspec.json.encode(claims), keys.thumbprint, kind)
        return self._answer(body, tag=tag, kind=kind, spoken=spoken, headers=headers)

    def kind_of_token(self) -> str:
        """JSON for who asks for that and not for a token; anybody else gets the token itself, and never a 406."""
        ranges = ", ".join(self.request.headers.getall(hdrs.ACCEPT, [])).split(",")
        accepted = {each.partition(";")[0].strip().lower() for each in ranges}
        return JSON if JSON in accepted and TOKEN not in accepted else TOKEN

    def _answer(
        self, body: Callable[[], bytes], *, tag: str, kind: str, spoken: str | None, headers: Mapping[str, str]
    ) -> web.Response:
        """The body with its ETag and language, or 304 where the caller has it already."""
        said = {**headers, hdrs.ETAG: tag, "X-Content-Type-Options": "nosniff"}
        if spoken is not None:
            said[hdrs.CONTENT_LANGUAGE] = spoken
        if etag_matches(", ".join(self.request.headers.getall(hdrs.IF_NONE_MATCH, [])) or None, tag):
            return web.Response(status=304, headers=said)
        return web.Response(body=body(), headers=said, content_type=kind)


def _etag(body: bytes, *variants: str | None) -> str:
    """A strong ETag of a body, or of what it follows from, in one of its variants."""
    variant = msgspec.json.encode([VERSION, *variants])
    return f'"{hashlib.blake2b(variant + body, digest_size=12).hexdigest()}"'
