"""The first page: titles by locales, and how far each is."""

from aiohttp import hdrs, web

from service.api.workbench import pages
from service.api.workbench.context import RequestContext
from service.core.auth.permissions import titles_with_rights
from service.core.localization import coverage
from service.http.api import Route
from service.http.params import locale_param, query_params
from service.http.services import PRINCIPAL, SERVICES


async def list_titles(request: web.Request) -> web.Response:
    """Every title that the caller has a right on, and how far each of its locales is."""
    query_params(request)
    async with request.app[SERVICES].pool.connection() as connection:
        allowed = titles_with_rights(request[PRINCIPAL], await coverage.title_ids(connection))
        found = await coverage.matrix(connection, allowed)
    return pages.render_page(request, "overview.html", titles=found)


async def open_title(request: web.Request) -> web.Response:
    """One title; with `locale`, on to the strings of that locale, which may be a new one."""
    context = RequestContext(request)
    asked = query_params(request, "locale")
    if asked["locale"]:
        return pages.redirect(pages.address(context.title_id, locale_param("locale", asked["locale"])))
    async with context.services.pool.connection() as connection:
        found = await coverage.of_title(connection, context.title_id)
    return pages.render_page(request, "overview.html", titles=[found])


ROUTES = (
    Route(hdrs.METH_GET, "/l10n", "titles", list_titles),
    Route(hdrs.METH_GET, "/l10n/{title}", "title", open_title),
)
