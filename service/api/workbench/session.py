"""Signing in and out: a token is exchanged for a session cookie, which is valid for the workbench alone."""

import re
import time

from aiohttp import hdrs, web

from service.api.workbench import pages
from service.api.workbench.forms import read_fields, read_form
from service.api.workbench.pages import FORM_KEY, SESSION
from service.core.auth.principal import Principal
from service.errors import Unauthenticated
from service.http.api import Route
from service.http.authenticate import anonymous, authenticate_token
from service.http.forwarded import is_https
from service.http.services import SERVICES

COOKIE = "laurel-session"
_PATH = "/l10n"
_OWN_PAGE = re.compile(r"/l10n(?:[/?][\x21-\x5b\x5d-\x7e]*)?", re.ASCII)
_PUBLIC = ("/l10n/session", "/l10n/static/")


async def authenticate(request: web.Request) -> Principal:
    """The principal of the session cookie; nobody on public pages without a valid session.

    Raises:
        Unauthenticated: there is no session, or it is invalid or has expired.
    """
    cookie = request.cookies.get(COOKIE)
    if cookie is None:
        if request.path.startswith(_PUBLIC):
            return await anonymous(request)
        raise Unauthenticated("sign in to see this page")
    sessions = request.app[SERVICES].sessions
    try:
        who = sessions.open(cookie, time.time())
    except Unauthenticated:
        if request.path.startswith(_PUBLIC):
            return await anonymous(request)
        raise
    request[SESSION] = cookie
    request[FORM_KEY] = sessions.form_key(cookie)
    return who


async def sign_in_page(request: web.Request) -> web.Response:
    """The page to sign in with a token."""
    return pages.render_page(request, "sign_in.html", then=_then(request.rel_url.query.get("then", "")), problem=None)


async def sign_in(request: web.Request) -> web.Response:
    """Exchange a token that grants any right on texts for a session that expires with it."""
    form = await read_fields(request)
    then = _then(form.get("then"))
    token = form.get("token").strip()
    services, now = request.app[SERVICES], time.time()
    try:
        who = await authenticate_token(services, services.verifier.bearer, f"Bearer {token.removeprefix('Bearer ')}")
    except Unauthenticated as error:
        return pages.render_page(request, "sign_in.html", status=401, then=then, problem=str(error))
    if not who.grants:
        problem = "this token gives no right on texts: it needs the claim l10n"
        return pages.render_page(request, "sign_in.html", status=403, then=then, problem=problem)
    response = pages.redirect(then)
    response.set_cookie(
        COOKIE,
        services.sessions.seal(who),
        max_age=int(who.expires_at - now),
        path=_PATH,
        httponly=True,
        samesite="Strict",
        secure=is_https(request),
    )
    return response


async def sign_out(request: web.Request) -> web.Response:
    """Delete the session cookie."""
    if SESSION in request:
        await read_form(request)
    response = pages.redirect("/l10n/session")
    response.del_cookie(COOKIE, path=_PATH)
    return response


def _then(address: str) -> str:
    """The address to continue at after signing in: a page of the workbench, by default the first."""
    return address if _OWN_PAGE.fullmatch(address) and not address.startswith(_PUBLIC) else "/l10n"


ROUTES = (
    Route(hdrs.METH_GET, "/l10n/session", "session", sign_in_page),
    Route(hdrs.METH_POST, "/l10n/session", "begin-session", sign_in),
    Route(hdrs.METH_POST, "/l10n/session/end", "end-session", sign_out),
)
