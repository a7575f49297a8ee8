"""Titles as localization teams see them: how far each locale is, who would see what, and what falls back."""

import mimetypes
import re

from aiohttp import hdrs, web

from service.api.localization import responses
from service.api.localization.context import RequestContext, json_response
from service.api.localization.schemas import CatalogBody, read_json
from service.core.auth.permissions import may_localize, titles_with_rights
from service.core.formats.write import DOWNLOAD_FORMATS, download
from service.core.localization import coverage, fallbacks, strings
from service.core.localization.explain import explain
from service.core.publishing.drafts import draft_of
from service.errors import InvalidParameter, NotFound
from service.http.api import Route
from service.http.conditional import conditional_response, make_etag
from service.http.params import choice, locale_param, query_params
from service.http.services import PRINCIPAL, SERVICES

_GETTEXT = "text/x-gettext-translation"

_COUNTRY = re.compile("[A-Za-z]{2}", re.ASCII)


async def list_catalogs(request: web.Request) -> web.Response:
    """The titles that the caller has any right on, and how far each of their locales is."""
    query_params(request)
    async with request.app[SERVICES].pool.connection() as connection:
        allowed = titles_with_rights(request[PRINCIPAL], await coverage.title_ids(connection))
        found = await coverage.matrix(connection, allowed)
    return json_response({"catalogs": [responses.coverage(title) for title in found]})


async def get_catalog(request: web.Request) -> web.Response:
    """One title, and how far each of its locales is."""
    context = RequestContext(request)
    query_params(request)
    async with context.services.pool.connection() as connection:
        found = await coverage.of_title(connection, context.title_id)
    return json_response(responses.coverage(found), tag=responses.catalog_tag(found.catalog_version))


async def change_catalog(request: web.Request) -> web.Response:
    """Say which texts the releases of a title take from now on."""
    context = RequestContext(request)
    may_localize(context.who, "publish", context.title_id)
    wanted = await read_json(request, CatalogBody)
    async with context.services.pool.transaction() as connection:
        await strings.set_publish_from(connection, context.title_id, wanted.publish_from)
        found = await coverage.of_title(connection, context.title_id)
    return json_response(responses.coverage(found), tag=responses.catalog_tag(found.catalog_version))


async def explain_catalog(request: web.Request) -> web.Response:
    """For each string that is served, the locale that a caller would see, and which ones lacked it."""
    context = RequestContext(request)
    asked = query_params(request, "acceptLanguage", "country")
    if asked["country"] and _COUNTRY.fullmatch(asked["country"]) is None:
        raise InvalidParameter("country", "an ISO 3166 country such as CA", asked["country"])
    if context.published is None:
        raise NotFound(f"nothing is published of title {context.title_id}")
    found = explain(
        context.published,
        asked["acceptLanguage"] or ", ".join(request.headers.getall(hdrs.ACCEPT_LANGUAGE, ())),
        asked["country"] or context.who.country,
        max_distance=context.services.settings.locale_max_distance,
    )
    return json_response(responses.explanation(found))


async def list_fallbacks(request: web.Request) -> web.Response:
    """The strings that fell back in production, most often first."""
    context = RequestContext(request)
    query_params(request)
    async with context.services.pool.connection() as connection:
        await strings.get_draft_status(connection, context.title_id)
        found = await fallbacks.of_title(connection, context.title_id)
    return json_response({"fallbacks": [responses.fallback(one) for one in found]})


async def export(request: web.Request) -> web.Response:
    """What is being edited as a file for translators and their tools, or for a store; several files come as a ZIP."""
    context = RequestContext(request)
    asked = query_params(request, "format", "locale")
    kind = choice("format", asked["format"] or "po", DOWNLOAD_FORMATS)
    wanted = locale_param("locale", asked["locale"]) if kind == "po" and asked["locale"] else ""
    async with context.services.pool.connection() as connection:
        draft = await draft_of(connection, context.title_id)
    if draft is None:
        raise NotFound(f"there is no title {context.title_id}")
    name, data = download(draft, kind, locale=wanted)
    headers: dict[str, str] = {
        hdrs.CACHE_CONTROL: "private, no-cache",
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
    }
    is_gettext = name.endswith((".po", ".pot"))
    media_type = _GETTEXT if is_gettext else mimetypes.guess_type(name)[0] or "application/octet-stream"
    return conditional_response(
        request,
        data,
        etag=make_etag(data),
        headers=headers,
        content_type=media_type,
        charset="utf-8" if is_gettext else None,
    )


ROUTES = (
    Route(hdrs.METH_GET, "/catalogs", "catalogs", list_catalogs),
    Route(hdrs.METH_GET, "/catalogs/{title}", "catalog", get_catalog),
    Route(hdrs.METH_PATCH, "/catalogs/{title}", "change-catalog", change_catalog),
    Route(hdrs.METH_GET, "/catalogs/{title}/explain", "explain", explain_catalog),
    Route(hdrs.METH_GET, "/catalogs/{title}/fallbacks", "fallbacks", list_fallbacks),
    Route(hdrs.METH_GET, "/catalogs/{title}/export", "export", export),
)
