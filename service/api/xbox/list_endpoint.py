"""Handlers that read progress: lists of achievements and titles, and one achievement."""

import time

from aiohttp import web

from service.api.xbox.context import ReadContext, path_scid, title_of_service_config
from service.api.xbox.etag import ProgressETag, list_etag
from service.api.xbox.list_request import ListKind, ListQuery, parse_list_query
from service.api.xbox.list_response import fill_fragments, render_achievement, render_achievements
from service.api.xbox.title_history import render_titles
from service.core.progress.lists import find_titles, read_views
from service.core.progress.ordering import Cursor, TitleView
from service.core.progress.paging import Page, PageRequest, read_page
from service.errors import NotFound
from service.http.params import integer

_MAX_NUMBER = 10**10 - 1  # any ten digits: a number that no achievement can have is not found


async def list_achievements(request: web.Request) -> web.Response:
    """A page of the achievements that one player has earned or can earn."""
    context = ReadContext(request)
    return await _list(context, "unlocked" if context.contract.is_legacy else "achievements")


async def list_title_achievements(request: web.Request) -> web.Response:
    """A page of the achievements that can be earned, all locked: the catalog of contracts 1 and 3."""
    return await _list(ReadContext(request), "possible")


async def list_titles(request: web.Request) -> web.Response:
    """A page of the titles that one player has progress in."""
    return await _list(ReadContext(request), "titles")


async def get_achievement(request: web.Request) -> web.Response:
    """One achievement by service config id and number."""
    context = ReadContext(request)
    services = context.services
    scid, number = path_scid(request), integer("id", request.match_info["number"], most=_MAX_NUMBER)
    published = title_of_service_config(services.snapshots.current, scid)
    position = published.position_of(number)
    if position is None:
        raise NotFound(f"there is no achievement {number} in service config {scid}")
    row = await services.progress.read_title(context.player, published.title_id)
    etag = ProgressETag(context, f"{scid} {number}", publication=published.publication_id, titles=[published])
    if etag.matches(row.revision):
        return context.not_modified(etag.at(row.revision))
    page = Page(views=[TitleView(published, row.progress)], slices=[(0, (position,))], total=1, cursor=None)
    body, locales = render_achievement(page, context)
    return context.response(body, etag.at(row.revision), locales)


async def _list(context: ReadContext, kind: ListKind) -> web.Response:
    services = context.services
    query = parse_list_query(context.request.rel_url.raw_query_string, own_title=context.principal.title_id, kind=kind)
    page_request = _page_request(context, query)
    scope = await find_titles(page_request, services.snapshots, services.progress)
    etag = list_etag(context, query, page_request, scope.titles)
    views, revision = await read_views(page_request, scope, services.progress, known=etag.known_revision)
    if etag.matches(revision):
        return context.not_modified(etag.at(revision))
    page = read_page(page_request, views, count=query.count, revision=revision, player_progress=scope.player_progress)
    token = _continuation_token(context, query, page.cursor)
    if kind == "titles":
        body, locales = render_titles(page, context, token=token)
    else:
        await fill_fragments(page, context)
        body, locales = render_achievements(page, context, token=token, spec=query.spec)
    return context.response(body, etag.at(revision), locales)


def _page_request(context: ReadContext, query: ListQuery) -> PageRequest:
    cursor = None
    if query.token is not None:
        cursor = context.services.continuation_tokens.read(query.token, player=context.player, spec=query.spec)
    return PageRequest(player=context.player, spec=query.spec, cursor=cursor, skip=query.skip, now=int(time.time()))


def _continuation_token(context: ReadContext, query: ListQuery, cursor: Cursor | None) -> str | None:
    if cursor is None:
        return None
    return context.services.continuation_tokens.make(cursor, player=context.player, spec=query.spec)
