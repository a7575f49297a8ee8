"""Signing in and out: a token is exchanged for a session cookie, which is valid for the workbench alone."""

import re
import time

from aiohttp import hdrs, web

from service.api.workbench import pages
from service.api.workbench.forms import read_fields, read_form
from service.api.workbench.pages import FORM_KEY, SESSION
from service.core.auth.principal import Principal
from service.errors import CredentialMissing, Unauthenticated
from service.http.api import Route
from service.http.authenticate import anonymous, authenticate_token
from service.http.forwarded import is_https
from service.http.security_events import log_event
from service.http.services import SERVICES

COOKIE = "__Host-laurel-session"  # browsers keep it over https alone, and from this very host (RFC 6265bis §4.1.3.2)
LOOPBACK_COOKIE = "laurel-session"  # on this machine without https, where not every browser keeps the other
_PATH = "/l10n"
_OWN_PAGE = re.compile(r"/l10n(?:[/?][\x21-\x5b\x5d-\x7e]*)?", re.ASCII)
_STATIC = "/l10n/static/"
_PUBLIC = ("/l10n/session", _STATIC)
_LOOPBACK_HOST = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?", re.ASCII)


async def authenticate(request: web.Request) -> Principal:
    """The principal of the session cookie; nobody on public pages without a valid session.

    Raises:
        Unauthenticated: there is no session, or it is over.
    """
    is_public = request.path.startswith(_PUBLIC)
    cookie = None if request.path.startswith(_STATIC) else session_cookie(request)
    if cookie is None:
        if is_public:
            return await anonymous(request)
        raise CredentialMissing("sign in to see this page")
    sessions = request.app[SERVICES].sessions
    try:
        who = await sessions.find(cookie)
    except Unauthenticated:
        if is_public:
            return await anonymous(request)
        raise
    request[SESSION] = cookie
    request[FORM_KEY] = sessions.form_key(cookie)
    return who


def session_cookie(request: web.Request) -> str | None:
    """The session cookie; the one that needs no https counts only on this machine."""
    cookie = request.cookies.get(COOKIE)
    if cookie is None and _is_loopback(request):
        return request.cookies.get(LOOPBACK_COOKIE)
    return cookie


async def sign_in_page(request: web.Request) -> web.Response:
    """The page to sign in with a token."""
    return pages.render_page(request, "sign_in.html", then=_then(request.rel_url.query.get("then", "")), problem=None)


async def sign_in(request: web.Request) -> web.Response:
    """Exchange a token that grants any right on texts for a session that expires with it."""
    form = await read_fields(request)
    then = _then(form.get("then"))
    token = form.get("token").strip()
    services = request.app[SERVICES]
    try:
        who = await authenticate_token(services, services.verifier.bearer, f"Bearer {token.removeprefix('Bearer ')}")
    except Unauthenticated as error:
        return pages.render_page(request, "sign_in.html", status=401, then=then, problem=str(error))
    problem = None
    if not who.grants:
        problem = "this token gives no right on texts: it needs the claim l10n"
    elif hdrs.ORIGIN in request.headers and not _uses_https(request) and not _is_loopback(request):
        problem = "open this page over https: without it, only a browser on the same machine may sign in"
    if problem is not None:
        return pages.render_page(request, "sign_in.html", status=403, then=then, problem=problem)
    former = session_cookie(request)
    if former is not None:
        await services.sessions.end(former)
    log_event(request, "signed_in", principal=who)
    response = pages.redirect(then)
    is_secure = _uses_https(request) or not _is_loopback(request)
    response.set_cookie(
        COOKIE if is_secure else LOOPBACK_COOKIE,
        await services.sessions.begin(who),
        max_age=int(who.expires_at - time.time()),
        path="/" if is_secure else _PATH,
        httponly=True,
        samesite="Strict",
        secure=is_secure,
    )
    return response


async def sign_out(request: web.Request) -> web.Response:
    """End the session, and delete its cookie."""
    if SESSION in request:
        await read_form(request)
        await request.app[SERVICES].sessions.end(request[SESSION])
        log_event(request, "signed_out")
    response = pages.redirect("/l10n/session")
    response.del_cookie(COOKIE, path="/", secure=True)
    response.del_cookie(LOOPBACK_COOKIE, path=_PATH)
    return response


def _is_loopback(request: web.Request) -> bool:
    """Whether the browser runs on the machine that it calls."""
    return _LOOPBACK_HOST.fullmatch(request.host.lower()) is not None


def _uses_https(request: web.Request) -> bool:
    """Whether the client uses https: browsers say so in `Origin`, whatever proxies are between."""
    origin = request.headers.get(hdrs.ORIGIN)
    return is_https(request) if origin is None else origin.lower().startswith("https:")


def _then(address: str) -> str:
    """The address to continue at after signing in: a page of the workbench, by default the first."""
    return address if _OWN_PAGE.fullmatch(address) and not address.startswith(_PUBLIC) else "/l10n"


ROUTES = (
    Route(hdrs.METH_GET, "/l10n/session", "session", sign_in_page),
    Route(hdrs.METH_POST, "/l10n/session", "begin-session", sign_in),
    Route(hdrs.METH_POST, "/l10n/session/end", "end-session", sign_out),
)
