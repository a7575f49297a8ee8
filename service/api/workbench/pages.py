"""Rendering pages: templates, response headers, and addresses."""

import functools
import pathlib
import urllib.parse
from collections.abc import Mapping
from typing import Any

import jinja2
from aiohttp import hdrs, web

from service.api.workbench import i18n
from service.api.workbench.static import url_of
from service.core.auth.principal import Principal
from service.http.conditional import in_pieces
from service.http.services import PRINCIPAL

SESSION = web.RequestKey("session", str)
"""The session cookie."""
FORM_KEY = web.RequestKey("form_key", str)
"""The key that forms of this session send."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' https: data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send forms with `Origin: null`
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}

_HERE = pathlib.Path(__file__).parent


def render_page(request: web.BaseRequest, template: str, *, status: int = 200, **context: Any) -> web.Response:
    """The template as a page in the caller's language, which no cache stores."""
    language = i18n.language_for(request.headers.getall(hdrs.ACCEPT_LANGUAGE, ()))
    who: Principal | None = request.get(PRINCIPAL)
    text = (
        templates()
        .get_template(template)
        .render(
            language=language,
            who=who if SESSION in request else None,
            form_key=request.get(FORM_KEY, ""),
            **context,
        )
    )
    headers = {
        **HEADERS,
        hdrs.CACHE_CONTROL: "no-store",
        hdrs.CONTENT_LANGUAGE: language.locale,
        hdrs.VARY: "Accept-Language, Cookie",
    }
    return web.Response(status=status, text=text, headers=headers, content_type="text/html", charset="utf-8")


def redirect(where: str) -> web.Response:
    """A redirect to another page, which the browser requests with GET (303, RFC 9110 §15.4.4)."""
    return web.Response(status=303, headers={**HEADERS, hdrs.CACHE_CONTROL: "no-store", hdrs.LOCATION: where})


def download(data: bytes, *, name: str) -> web.Response:
    """A file to download under this name."""
    headers = {
        **HEADERS,
        hdrs.CACHE_CONTROL: "no-store",
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
    }
    return web.Response(body=in_pieces(data), headers=headers, content_type="application/octet-stream")


def address(*parts: object, **query: object) -> str:
    """The address of a page from the parts of its path and its query; values of "" and None are omitted."""
    path = "/".join(("/l10n", *(urllib.parse.quote(str(part), safe="/") for part in parts)))
    kept = {name.removesuffix("_"): value for name, value in query.items() if value not in ("", None)}
    return f"{path}?{urllib.parse.urlencode(kept)}" if kept else path


@functools.cache
def templates() -> jinja2.Environment:
    """The templates, read and compiled once. Values are escaped, and an undefined name is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    i18n.install(environment)
    environment.globals.update(address=address, direction=i18n.direction, static=url_of)
    for name in environment.list_templates():
        environment.get_template(name)
    return environment
