"""The page that lists the strings of a title in a locale, with filters and search."""

from aiohttp import hdrs, web

from service.api.workbench import pages
from service.api.workbench.context import RequestContext
from service.core.localization import strings
from service.core.localization.strings import FILTERS
from service.core.publishing.draft_status import get_draft_status
from service.db.limits import CATALOG
from service.http.api import Route
from service.http.params import locale_param, query_params
from service.http.title_request import filter_param


async def list_strings(request: web.Request) -> web.Response:
    """A page of strings by key, each with its source, its text, and on request its text in a third language."""
    context = RequestContext(request)
    locale = context.locale()
    query = query_params(request, "filter", "q", "with", "after")
    other = locale_param("with", query["with"]) if query["with"] else ""
    async with context.services.pool.connection(CATALOG) as connection:
        page = await strings.list_strings(
            connection,
            context.title_id,
            locale,
            filter=filter_param(query["filter"]),
            q=query["q"],
            other=other,
            after=query["after"],
        )
        status = await get_draft_status(connection, context.title_id)
    return pages.render_page(
        request,
        "strings.html",
        title_id=context.title_id,
        locale=locale,
        source_locale=status.default_locale,
        other=other,
        page=page,
        filters=FILTERS,
        filter=query["filter"],
        q=query["q"],
        after=query["after"],
        list_query={"filter": query["filter"], "q": query["q"], "with_": other},
    )


ROUTES = (Route(hdrs.METH_GET, "/l10n/{title}/{locale}", "list-strings", list_strings),)
