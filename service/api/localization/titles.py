"""Routes of titles: coverage, publish settings, explanations, fallbacks and exports."""

import asyncio
import mimetypes
import re

from aiohttp import hdrs, web

from service.api.localization import responses
from service.api.localization.context import RequestContext, json_response
from service.api.localization.schemas import CatalogBody, read_json
from service.concurrency.cooperative import run_steps
from service.core.localization import coverage, fallbacks
from service.core.localization.explain import explain
from service.core.localization.exports import export_file
from service.core.publishing.draft_status import get_draft_status, set_publish_from
from service.db.limits import CATALOG
from service.errors import InvalidParameter, NotFound
from service.http.api import Route
from service.http.conditional import conditional_response, make_etag
from service.http.limits.admission import TRANSFERS
from service.http.params import query_params
from service.http.services import PRINCIPAL, SERVICES
from service.http.title_request import CATALOG_TAG

_GETTEXT = "text/x-gettext-translation"

_COUNTRY = re.compile("[A-Za-z]{2}", re.ASCII)


async def list_catalogs(request: web.Request) -> web.Response:
    """The titles that the caller has any right on, with the coverage of each locale."""
    query_params(request)
    async with request.app[SERVICES].pool.connection(CATALOG) as connection:
        titles = await coverage.list_coverage(connection, request[PRINCIPAL])
    return json_response({"catalogs": [responses.coverage(title) for title in titles]})


async def get_catalog(request: web.Request) -> web.Response:
    """One title with the coverage of each locale."""
    context = RequestContext(request)
    query_params(request)
    async with context.services.pool.connection(CATALOG) as connection:
        title = await coverage.get_coverage(connection, context.title_id)
    return json_response(responses.coverage(title), tag=context.version_etag(CATALOG_TAG, title.catalog_version))


async def change_catalog(request: web.Request) -> web.Response:
    """Choose which texts the next releases of a title take."""
    context = RequestContext(request)
    body = await read_json(request, CatalogBody)
    async with context.services.pool.transaction(CATALOG) as connection:
        await set_publish_from(connection, context.principal, context.title_id, body.publish_from)
        title = await coverage.get_coverage(connection, context.title_id)
    return json_response(responses.coverage(title), tag=context.version_etag(CATALOG_TAG, title.catalog_version))


async def explain_catalog(request: web.Request) -> web.Response:
    """For each served string, the locale that a caller would see it in, and the locales without a text."""
    context = RequestContext(request)
    query = query_params(request, "acceptLanguage", "country")
    if query["country"] and _COUNTRY.fullmatch(query["country"]) is None:
        raise InvalidParameter("country", "an ISO 3166 country such as CA", query["country"])
    if context.published is None:
        raise NotFound(f"nothing is published of title {context.title_id}")
    explanation = await run_steps(
        explain(
            context.published,
            query["acceptLanguage"] or ", ".join(request.headers.getall(hdrs.ACCEPT_LANGUAGE, ())),
            query["country"] or context.principal.country,
            max_distance=context.services.settings.locale_max_distance,
        )
    )
    return json_response(await run_steps(responses.explanation(explanation)))


async def list_fallbacks(request: web.Request) -> web.Response:
    """The strings that fall back most often in production, in descending order."""
    context = RequestContext(request)
    query_params(request)
    async with context.services.pool.connection(CATALOG) as connection:
        await get_draft_status(connection, context.title_id)
        rows = await fallbacks.list_fallbacks(connection, context.title_id)
    return json_response({"fallbacks": [responses.fallback(row) for row in rows]})


async def export(request: web.Request) -> web.Response:
    """The draft as a file for translators and their tools, or for a store; several files come as a ZIP."""
    context = RequestContext(request)
    kind, locale = context.export_params()
    with context.one_at_a_time():
        file = await export_file(
            context.services.pool, context.principal, context.title_id, kind, locale=locale, run=context.run
        )
    headers: dict[str, str] = {
        hdrs.CACHE_CONTROL: "private, no-cache",
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="{file.name}"',
    }
    is_gettext = file.name.endswith((".po", ".pot"))
    media_type = _GETTEXT if is_gettext else mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return conditional_response(
        request,
        file.data,
        etag=await asyncio.to_thread(make_etag, file.data),
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
    Route(hdrs.METH_GET, "/catalogs/{title}/export", "export", export, TRANSFERS),
)
