"""The first page: the coverage of each title in each locale."""

from aiohttp import hdrs, web

from service.api.workbench import pages
from service.api.workbench.context import RequestContext
from service.core.localization import coverage
from service.db.limits import CATALOG
from service.http.api import Route
from service.http.params import locale_param, query_params
from service.http.services import PRINCIPAL, SERVICES


async def list_titles(request: web.Request) -> web.Response:
    """Every title that the caller has a right on, with the coverage of each locale."""
    query_params(request)
    async with request.app[SERVICES].pool.connection(CATALOG) as connection:
        titles = await coverage.list_coverage(connection, request[PRINCIPAL])
    return pages.render_page(request, "overview.html", titles=titles)


async def open_title(request: web.Request) -> web.Response:
    """One title; with `locale`, a redirect to the strings of that locale, which may be a new one."""
    context = RequestContext(request)
    query = query_params(request, "locale")
    if query["locale"]:
        return pages.redirect(pages.address(context.title_id, locale_param("locale", query["locale"])))
    async with context.services.pool.connection(CATALOG) as connection:
        title = await coverage.get_coverage(connection, context.title_id)
    return pages.render_page(request, "overview.html", titles=[title])


ROUTES = (
    Route(hdrs.METH_GET, "/l10n", "titles", list_titles),
    Route(hdrs.METH_GET, "/l10n/{title}", "title", open_title),
)
