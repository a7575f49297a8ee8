"""Releases: what was published by whom, publishing now or later, and going back."""

from datetime import datetime

from aiohttp import hdrs, web

from service.api.localization import responses
from service.api.localization.context import RequestContext, json_response
from service.api.localization.schemas import ActivateBody, PublishBody, read_json
from service.core.auth.permissions import may_localize
from service.core.localization import strings
from service.core.publishing import history, publish, schedules
from service.core.validation import publish_rules
from service.errors import InvalidField
from service.http.api import Route
from service.http.params import path_int, query_params

_RELEASES = 2**31 - 1
_YEARS = range(2000, 3000)  # Postgres and Python agree on these in every time zone


async def list_releases(request: web.Request) -> web.Response:
    """Every release of a title, what was served when, and what is scheduled; newest first."""
    context = RequestContext(request)
    query_params(request)
    async with context.services.pool.connection() as connection:
        await strings.get_draft_status(connection, context.title_id)
        releases = await publish.list_releases(connection, context.title_id)
        publications = await history.list_publications(connection, context.title_id)
        scheduled = await schedules.of_title(connection, context.title_id)
    return json_response(
        {
            "releases": [responses.release(one) for one in releases],
            "publications": [responses.publication(one) for one in publications],
            "schedules": [responses.schedule(one) for one in scheduled],
        }
    )


async def get_release(request: web.Request) -> web.Response:
    """One release: what it changed of the one before, and who wrote each text."""
    context = RequestContext(request)
    query_params(request)
    release = path_int(request, "release", most=_RELEASES)
    async with context.services.pool.connection() as connection:
        changes = await history.changes_of(connection, context.title_id, release)
        found = next(one for one in await publish.list_releases(connection, context.title_id) if one.release == release)
        made = datetime.fromisoformat(found.created_at)
        authors = await history.authors(connection, context.title_id, changes, before=made.replace(microsecond=999_999))
    return json_response(responses.release(found) | {"changes": responses.changes(changes, authors)})


async def post_release(request: web.Request) -> web.Response:
    """Publish what is ready: now, at a later moment (`at`), or only to show what it would change (`dryRun`)."""
    context = RequestContext(request)
    may_localize(context.who, "publish", context.title_id)
    wanted = await read_json(request, PublishBody)
    if wanted.dry_run and wanted.at is not None:
        raise InvalidField("at", "none together with dryRun: what is ready then is not known now")
    if wanted.at is not None and wanted.at.year not in _YEARS:
        raise InvalidField("at", f"a year from {_YEARS[0]} to {_YEARS[-1]}", wanted.at.year)
    if wanted.dry_run:
        return await _foreseen(context)
    if wanted.at is not None:
        return await _scheduled(context, wanted.at, wanted.note)
    async with context.services.pool.transaction() as connection:
        release, changes = await publish.publish(connection, context.title_id, actor=context.who.name, note=wanted.note)
        authors = await history.authors(connection, context.title_id, changes)
    await context.services.snapshots.refresh()
    where = f"/catalogs/{context.title_id}/releases/{release}"
    shape = {"release": release, "changes": responses.changes(changes, authors)}
    return json_response(shape, status=201 if changes else 200, location=where)


async def activate(request: web.Request) -> web.Response:
    """Serve a release again that was published before; what is being edited stays as it is."""
    context = RequestContext(request)
    may_localize(context.who, "publish", context.title_id)
    release = path_int(request, "release", most=_RELEASES)
    wanted = await read_json(request, ActivateBody)
    async with context.services.pool.transaction() as connection:
        await publish.rollback(connection, context.title_id, release, actor=context.who.name, note=wanted.note)
    await context.services.snapshots.refresh()
    return json_response({"release": release})


async def cancel_schedule(request: web.Request) -> web.Response:
    """Take a scheduled publish back."""
    context = RequestContext(request)
    may_localize(context.who, "publish", context.title_id)
    async with context.services.pool.connection() as connection:
        await schedules.cancel(connection, context.title_id, path_int(request, "id"))
    return web.Response(status=204, headers={hdrs.CACHE_CONTROL: "no-store"})


async def _foreseen(context: RequestContext) -> web.Response:
    async with context.services.pool.connection() as connection:
        draft, served = await publish.ready_draft(connection, context.title_id)
        changes = publish.diff_drafts(served, draft)
        authors = await history.authors(connection, context.title_id, changes)
    problems, warnings = publish_rules.check(draft)
    return json_response(
        {
            "release": None,
            "changes": responses.changes(changes, authors),
            "problems": [responses.diagnostic(one) for one in problems],
            "warnings": [responses.diagnostic(one) for one in warnings],
        }
    )


async def _scheduled(context: RequestContext, at: datetime, note: str | None) -> web.Response:
    async with context.services.pool.transaction() as connection:
        found = await schedules.schedule(connection, context.title_id, due_at=at, actor=context.who.name, note=note)
    where = f"/catalogs/{context.title_id}/schedules/{found.schedule_id}"
    return json_response({"release": None, "schedule": responses.schedule(found)}, status=202, location=where)


_ONE = "/catalogs/{title}/releases/{release:[0-9]+}"

ROUTES = (
    Route(hdrs.METH_GET, "/catalogs/{title}/releases", "releases", list_releases),
    Route(hdrs.METH_POST, "/catalogs/{title}/releases", "publish", post_release),
    Route(hdrs.METH_GET, _ONE, "release", get_release),
    Route(hdrs.METH_POST, f"{_ONE}/activate", "activate", activate),
    Route(hdrs.METH_DELETE, "/catalogs/{title}/schedules/{id:[0-9]+}", "cancel-schedule", cancel_schedule),
)
