"""What requests of the Open Badges API have in common: authentication, the issuer, and conditional responses."""

import re
from collections.abc import Mapping

import msgspec
from aiohttp import hdrs, web

from service.core.auth.principal import PLAYER_EXPECTED, Principal, parse_player
from service.core.badges.credential import CONTEXTS, IssuerContext, LocalizedDocument
from service.core.badges.issue import PublicSignatures, SignableDocument
from service.core.badges.status_list import JsonObject
from service.core.catalog.model import U32
from service.core.publishing.published_title import PublishedTitle
from service.errors import CredentialMissing, InvalidParameter, NotFound, PermissionDenied, Unauthenticated
from service.http.accept import media_ranges
from service.http.authenticate import API_KEY, anonymous, authenticate_api_key, authenticate_bearer_or_xbl3
from service.http.conditional import conditional_response, make_etag
from service.http.forwarded import is_https
from service.http.locale import RequestLocale, content_language, language_headers, vary
from service.http.services import SERVICES
from service.integers import parse_integer

TOKEN = "application/vc+jwt"  # noqa: S105  (a media type of VC-JOSE-COSE)
JSON = "application/json"
_PUBLIC: Mapping[str, str] = {hdrs.CACHE_CONTROL: "public, no-cache", hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*"}
_LOCALIZED = {**_PUBLIC, hdrs.VARY: hdrs.ACCEPT_LANGUAGE}
_PRIVATE: Mapping[str, str] = {hdrs.CACHE_CONTROL: "private, no-cache", hdrs.VARY: vary(hdrs.ACCEPT, API_KEY)}
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", re.ASCII)


async def authenticate(request: web.Request) -> Principal:
    """The principal of one `X-API-KEY` or `Authorization` field; anonymous for paths without a user.

    Raises:
        Unauthenticated: there is no credential, several, or one that is not valid.
        PermissionDenied: it is an API key of another title.
    """
    if "user" not in request.match_info:
        return await anonymous(request)
    credentials = len(request.headers.getall(API_KEY, ())) + len(request.headers.getall(hdrs.AUTHORIZATION, ()))
    if credentials != 1:
        error = Unauthenticated if credentials else CredentialMissing
        raise error(
            "expected one credential, Authorization: Bearer <token>, Authorization: XBL3.0 x=<user hash>;<token> "
            f"or X-API-KEY, got {credentials}"
        )
    if API_KEY not in request.headers:
        return await authenticate_bearer_or_xbl3(request)
    principal = await authenticate_api_key(request)
    if principal.title_id != title_param(request):
        raise PermissionDenied("this key is of another title")
    return principal


def title_param(request: web.Request) -> int:
    """The title in the path.

    Raises:
        NotFound: it is out of range.
    """
    return path_number(request, "title_id")


def path_number(request: web.Request, name: str) -> int:
    """The number of a title or of a status list in the path.

    Raises:
        NotFound: it is out of range.
    """
    try:
        return parse_integer(request.match_info[name], most=U32 - 1)
    except ValueError:
        raise NotFound(f"{name}: expected a number from 0 to {U32 - 1}") from None


def player_param(request: web.Request) -> str:
    """The player in the path.

    Raises:
        InvalidParameter: the id is too long or has control characters.
    """
    try:
        return parse_player(request.match_info["user"])
    except ValueError:
        raise InvalidParameter("user", PLAYER_EXPECTED, ascii(request.match_info["user"])) from None


def base_url(request: web.Request) -> str:
    """The prefix of all URLs: the setting, or the scheme and host of the request.

    Raises:
        InvalidParameter: Host is not a valid host.
    """
    public_url = request.app[SERVICES].settings.public_url
    if public_url is not None:
        return public_url
    if _HOST.fullmatch(request.host) is None:
        raise InvalidParameter("Host", "a host such as badges.example.com:8080", ascii(request.host))
    return f"{'https' if is_https(request) else 'http'}://{request.host}"


def published_title(request: web.Request) -> PublishedTitle:
    """What is published of the title in the path.

    Raises:
        NotFound: nothing is.
    """
    published = request.app[SERVICES].snapshots.current.titles.get(title_param(request))
    if published is None:
        raise NotFound("nothing is published in this title")
    return published


def issuer_context(request: web.Request) -> IssuerContext:
    """The title in the path as an issuer, in the caller's languages; `?language=` overrides Accept-Language.

    Raises:
        NotFound: nothing is published in it.
    """
    published = published_title(request)
    locale = RequestLocale(request, language=request.rel_url.query.get("language"))
    return IssuerContext(base_url(request), published, locale.chain(published))


def json_response(request: web.Request, document: JsonObject, *, media_type: str = JSON) -> web.Response:
    """A public JSON document without texts."""
    body = msgspec.json.encode(document)
    return conditional_response(request, body, etag=make_etag(body), headers=_PUBLIC, content_type=media_type)


def localized_response(request: web.Request, document: LocalizedDocument) -> web.Response:
    """A public JSON-LD document in the caller's language."""
    body = msgspec.json.encode({"@context": CONTEXTS, **document.members})
    languages = content_language(document.locales)
    headers = {**_LOCALIZED, **language_headers(languages)}
    return conditional_response(request, body, etag=make_etag(body, languages), headers=headers)


def token_response(request: web.Request, document: SignableDocument) -> web.Response:
    """A public signed document. Verifiers accept JSON too, but expect a token, so Accept is ignored."""
    etag = _token_etag(document, TOKEN)
    signatures = request.app[SERVICES].api_state.of(PublicSignatures)
    return conditional_response(
        request, lambda: signatures.sign(document).encode(), etag=etag, headers=_PUBLIC, content_type=TOKEN
    )


def credential_response(request: web.Request, document: SignableDocument) -> web.Response:
    """A player's credential: the token, or a JSON object of token and claims for clients that accept only JSON."""
    media_type = _token_media_type(request)

    def body() -> bytes:
        token = document.sign()
        if media_type == TOKEN:
            return token.encode()
        return msgspec.json.encode({"credential": token, "claims": document.claims})

    headers = {**_PRIVATE, **language_headers(content_language(document.locales))}
    etag = _token_etag(document, media_type)
    return conditional_response(request, body, etag=etag, headers=headers, content_type=media_type)


def _token_media_type(request: web.Request) -> str:
    """JSON if Accept names JSON and not the token's media type; everybody else gets the token, never a 406."""
    accepted = {media_range for media_range, weight in media_ranges(request).items() if weight > 0}
    return JSON if JSON in accepted and TOKEN not in accepted else TOKEN


def _token_etag(document: SignableDocument, media_type: str) -> str:
    return make_etag(msgspec.json.encode(document.claims), document.keys.thumbprint, media_type)
