"""Routes of releases: publish now or later, preview a publish, roll back, and the history."""

from aiohttp import hdrs, web

from service.api.localization import responses
from service.api.localization.context import RequestContext, json_response
from service.api.localization.schemas import ActivateBody, PublishBody, read_json
from service.core.publishing import history, schedules
from service.core.publishing.draft_status import get_draft_status
from service.core.publishing.publish import preview_publish, publish_concurrently, roll_back
from service.core.publishing.releases import list_releases
from service.core.publishing.schedules import Schedule
from service.db.limits import CATALOG
from service.errors import InvalidField
from service.http.api import Route
from service.http.limits.admission import TRANSFERS
from service.http.params import path_int

TEXTS_SHOWN = 1000
"""How many changed texts a response lists."""


async def get_releases(request: web.Request) -> web.Response:
    """The last releases of a title, its publications and its scheduled publishes, newest first."""
    context = RequestContext(request)
    before = context.releases_before()
    async with context.services.pool.connection(CATALOG) as connection:
        await get_draft_status(connection, context.title_id)
        releases = await list_releases(connection, context.title_id, before=before)
        publications = await history.list_publications(connection, context.title_id)
        scheduled = await schedules.list_schedules(connection, context.title_id)
    return json_response(
        {
            "releases": [responses.release(release) for release in releases],
            "publications": [responses.publication(publication) for publication in publications],
            "schedules": [responses.schedule(schedule) for schedule in scheduled],
        }
    )


async def get_release(request: web.Request) -> web.Response:
    """One release: what it changed of the one before it, and who wrote each text."""
    context = RequestContext(request)
    details = await history.get_release(
        context.services.pool, context.title_id, context.release(), texts=context.part(TEXTS_SHOWN), run=context.run
    )
    return json_response(
        responses.release(details.release) | {"changes": responses.changes(details.changes, details.authors)}
    )


async def post_release(request: web.Request) -> web.Response:
    """Publish what is ready: now, at a later moment (`at`), or only preview the changes (`dryRun`)."""
    context = RequestContext(request)
    body = await read_json(request, PublishBody)
    if body.dry_run and body.at is not None:
        raise InvalidField("at", "none together with dryRun: what is ready then is not known now")
    pool, texts = context.services.pool, range(TEXTS_SHOWN)
    if body.dry_run:
        preview = await preview_publish(pool, context.title_id, texts=texts, run=context.run)
        return json_response(responses.preview(preview))
    if body.at is not None:
        async with pool.transaction(CATALOG) as connection:
            schedule = await schedules.schedule_publish(
                connection, context.principal, context.title_id, due_at=body.at, note=body.note
            )
        return _scheduled(schedule)
    result = await publish_concurrently(
        pool, context.principal, context.title_id, note=body.note, texts=texts, run=context.run
    )
    await context.services.snapshots.refresh()
    return json_response(
        {"release": result.release, "changes": responses.changes(result.changes, result.authors)},
        status=201 if result.changes else 200,
        location=f"/catalogs/{context.title_id}/releases/{result.release}",
    )


async def activate(request: web.Request) -> web.Response:
    """Serve an older release again; the draft stays unchanged."""
    context = RequestContext(request)
    number = context.release()
    body = await read_json(request, ActivateBody)
    async with context.services.snapshots.transaction() as connection:
        await roll_back(connection, context.principal, context.title_id, number, note=body.note)
    return json_response({"release": number})


async def cancel_schedule(request: web.Request) -> web.Response:
    """Cancel a scheduled publish."""
    context = RequestContext(request)
    async with context.services.pool.connection(CATALOG) as connection:
        await schedules.cancel_schedule(connection, context.principal, context.title_id, path_int(request, "id"))
    return web.Response(status=204, headers={hdrs.CACHE_CONTROL: "no-store"})


def _scheduled(schedule: Schedule) -> web.Response:
    location = f"/catalogs/{schedule.title_id}/schedules/{schedule.schedule_id}"
    return json_response({"release": None, "schedule": responses.schedule(schedule)}, status=202, location=location)


_RELEASE = "/catalogs/{title}/releases/{release:[0-9]+}"

ROUTES = (
    Route(hdrs.METH_GET, "/catalogs/{title}/releases", "releases", get_releases),
    Route(hdrs.METH_POST, "/catalogs/{title}/releases", "publish", post_release, TRANSFERS),
    Route(hdrs.METH_GET, _RELEASE, "release", get_release),
    Route(hdrs.METH_POST, f"{_RELEASE}/activate", "activate", activate, TRANSFERS),
    Route(hdrs.METH_DELETE, "/catalogs/{title}/schedules/{id:[0-9]+}", "cancel-schedule", cancel_schedule),
)
