"""What all requests of this door have in common: who asks, of which title, in which languages, and how it is answered."""

import re
from collections.abc import Callable, Mapping

import msgspec
from aiohttp import hdrs, web

from service.core.auth.principal import Principal
from service.core.badges.credential import IssuerContext
from service.core.badges.issue import SignableDocument
from service.core.publishing.published_title import PublishedTitle
from service.errors import InvalidParameter, NotFound, PermissionDenied, Unauthenticated
from service.http.authenticate import API_KEY, anonymous, authenticate_api_key, authenticate_bearer_or_xbl3
from service.http.conditional import conditional_response, make_etag
from service.http.locale import RequestLocale, vary
from service.http.services import PRINCIPAL, SERVICES, Services

TOKEN = "application/vc+jwt"  # noqa: S105  (a media type of VC-JOSE-COSE)
JSON = "application/json"
PUBLIC: Mapping[str, str] = {hdrs.CACHE_CONTROL: "public, no-cache", hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*"}
PRIVATE: Mapping[str, str] = {
    hdrs.CACHE_CONTROL: "private, no-cache",
    hdrs.VARY: vary(hdrs.ACCEPT, API_KEY),
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
    sent = len(request.headers.getall(API_KEY, ())) + len(request.headers.getall(hdrs.AUTHORIZATION, ()))
    if sent != 1:
        raise Unauthenticated(
            "expected one credential, Authorization: Bearer <token>, Authorization: XBL3.0 x=<user hash>;<token> "
            f"or X-API-KEY, got {sent}"
        )
    if API_KEY not in request.headers:
        return await authenticate_bearer_or_xbl3(request)
    principal = await authenticate_api_key(request)
    if principal.title_id != int(request.match_info["title_id"]):
        raise PermissionDenied("this key is of another title")
    return principal


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
        locale = RequestLocale(self.request, language=self.request.rel_url.query.get("language"))
        return IssuerContext(self.base, published, locale.chain(published))

    def public(
        self, document: object, *, spoken: str | None = None, vary: str | None = None, kind: str = JSON
    ) -> web.Response:
        """A JSON document that anybody may read, from any page in any browser."""
        body = msgspec.json.encode(document)
        headers = PUBLIC if vary is None else {**PUBLIC, hdrs.VARY: vary}
        return self._answer(body, etag=make_etag(body, spoken), kind=kind, spoken=spoken, headers=headers)

    def signed(self, document: SignableDocument, *, headers: Mapping[str, str], kind: str = TOKEN) -> web.Response:
        """The claims as a token, or as a JSON object with token and claims; signed only where it is sent."""

        def body() -> bytes:
            token = document.sign()
            if kind == TOKEN:
                return token.encode()
            return msgspec.json.encode({"credential": token, "claims": document.claims})

        etag = make_etag(msgspec.json.encode(document.claims), document.keys.thumbprint, kind)
        return self._answer(body, etag=etag, kind=kind, spoken=document.locale, headers=headers)

    def kind_of_token(self) -> str:
        """JSON for who asks for that and not for a token; anybody else gets the token itself, and never a 406."""
        ranges = ", ".join(self.request.headers.getall(hdrs.ACCEPT, [])).split(",")
        accepted = {each.partition(";")[0].strip().lower() for each in ranges}
        return JSON if JSON in accepted and TOKEN not in accepted else TOKEN

    def _answer(
        self, body: bytes | Callable[[], bytes], *, etag: str, kind: str, spoken: str | None, headers: Mapping[str, str]
    ) -> web.Response:
        if spoken is not None:
            headers = {**headers, hdrs.CONTENT_LANGUAGE: spoken}
        return conditional_response(self.request, body, etag=etag, headers=headers, content_type=kind)
