"""The list of strings of a title in a locale: filtered, searched, fifty a page."""

from typing import get_args

from aiohttp import hdrs, web

from service.api.workbench import pages
from service.api.workbench.context import RequestContext
from service.core.localization import strings
from service.core.localization.strings import Filter
from service.http.api import Route
from service.http.params import choice, locale_param, query_params

FILTERS: tuple[Filter, ...] = get_args(Filter)


async def list_strings(request: web.Request) -> web.Response:
    """A page of strings by key, each with its source, its text, and a third language beside them if one is asked for."""
    context = RequestContext(request)
    where = context.locale()
    asked = query_params(request, "filter", "q", "with", "after")
    other = locale_param("with", asked["with"]) if asked["with"] else ""
    async with context.services.pool.connection() as connection:
        found = await strings.list_strings(
            connection,
            context.title_id,
            where,
            filter=filter_of(asked["filter"]),
            q=asked["q"],
            other=other,
            after=asked["after"],
        )
        editing = await strings.get_draft_status(connection, context.title_id)
    return pages.render_page(
        request,
        "strings.html",
        title_id=context.title_id,
        locale=where,
        source_locale=editing.default_locale,
        other=other,
        found=found,
        filters=FILTERS,
        filter=asked["filter"],
        q=asked["q"],
        after=asked["after"],
        asked={"filter": asked["filter"], "q": asked["q"], "with_": other},
    )


def filter_of(text: str) -> Filter:
    """The filter of that name.

    Raises:
        InvalidParameter: there is none.
    """
    choice("filter", text, FILTERS)
    return next(one for one in FILTERS if one == text)


ROUTES = (Route(hdrs.METH_GET, "/l10n/{title}/{locale}", "list-strings", list_strings),)
