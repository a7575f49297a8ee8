"""Pages of releases: what a publish would change, publishing now or later, rolling back, and the history."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import hdrs, web

from service.api.workbench import pages
from service.api.workbench.context import RequestContext
from service.api.workbench.forms import Form, read_form
from service.core.publishing import history, schedules
from service.core.publishing.diff import DraftDiff
from service.core.publishing.draft_status import get_draft_status
from service.core.publishing.publish import preview_publish, publish_concurrently, roll_back
from service.core.publishing.releases import LISTED, NOTE_CHARACTERS, list_releases
from service.db.limits import CATALOG
from service.errors import InvalidField
from service.http.api import Route
from service.http.limits.admission import TRANSFERS
from service.http.params import path_int, query_params

TEXTS_SHOWN = 100


async def get_releases(request: web.Request) -> web.Response:
    """What a publish would change now and what prevents it; the last releases, publications and scheduled publishes."""
    context = RequestContext(request)
    texts, before = context.part(TEXTS_SHOWN, "before"), context.releases_before("skip")
    preview = await preview_publish(context.services.pool, context.title_id, texts=texts, run=context.run)
    async with context.services.pool.connection(CATALOG) as connection:
        status = await get_draft_status(connection, context.title_id)
        releases = await list_releases(connection, context.title_id, before=before)
        publications = await history.list_publications(connection, context.title_id)
        scheduled = await schedules.list_schedules(connection, context.title_id)
    return pages.render_page(
        request,
        "releases.html",
        title_id=context.title_id,
        editing=status,
        **_shown(preview.changes, texts),
        authors=preview.authors,
        problems=preview.errors,
        warnings=preview.warnings[:TEXTS_SHOWN],
        releases=releases,
        older=releases[-1].release if len(releases) == LISTED else 0,
        publications=publications,
        scheduled=scheduled,
        may_publish=context.may("publish"),
    )


async def get_release(request: web.Request) -> web.Response:
    """What one release changed of the one before it."""
    context = RequestContext(request)
    texts = context.part(TEXTS_SHOWN)
    details = await history.get_release(
        context.services.pool, context.title_id, context.release(), texts=texts, run=context.run
    )
    return pages.render_page(
        request,
        "release.html",
        title_id=context.title_id,
        release=details.release,
        **_shown(details.changes, texts),
        authors=details.authors,
        may_publish=context.may("publish"),
    )


async def post_release(request: web.Request) -> web.Response:
    """Publish the changes that the page showed, now or at a later moment."""
    context = RequestContext(request)
    query_params(request)
    form = await read_form(request)
    note = form.line("note", NOTE_CHARACTERS) or None
    due_at = _moment(form) if form.get("action") == "schedule" else None
    if due_at is not None:
        async with context.services.pool.transaction(CATALOG) as connection:
            await schedules.schedule_publish(connection, context.principal, context.title_id, due_at=due_at, note=note)
    else:
        await publish_concurrently(
            context.services.pool,
            context.principal,
            context.title_id,
            note=note,
            expected_version=form.whole("catalog_version"),
            texts=range(0),
            run=context.run,
        )
        await context.services.snapshots.refresh()
    return _back_to_releases(context)


async def activate(request: web.Request) -> web.Response:
    """Serve an older release again; the draft stays unchanged."""
    context = RequestContext(request)
    query_params(request)
    form = await read_form(request)
    note = form.line("note", NOTE_CHARACTERS) or None
    number = context.release()
    async with context.services.snapshots.transaction() as connection:
        await roll_back(connection, context.principal, context.title_id, number, note=note)
    return _back_to_releases(context)


async def cancel_schedule(request: web.Request) -> web.Response:
    """Cancel a scheduled publish."""
    context = RequestContext(request)
    query_params(request)
    await read_form(request)
    async with context.services.pool.connection(CATALOG) as connection:
        await schedules.cancel_schedule(connection, context.principal, context.title_id, path_int(request, "id"))
    return _back_to_releases(context)


def _shown(changes: DraftDiff, texts: range) -> dict[str, Any]:
    """What the templates show of a diff: some of its texts, how many it has, and where the next page begins."""
    count = len(changes.texts) + changes.omitted_texts
    return {"changes": changes, "count": count, "skipped": texts.start, "next": texts.stop if texts.stop < count else 0}


def _back_to_releases(context: RequestContext) -> web.Response:
    return pages.redirect(pages.address(context.title_id, "releases"))


def _moment(form: Form) -> datetime:
    """The moment of a date field, in UTC."""
    text = form.get("at")
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidField("at", "a day and time such as 2026-12-24T08:00, in UTC", text) from None


_RELEASE = "/l10n/{title}/releases/{release:[0-9]+}"

ROUTES = (
    Route(hdrs.METH_GET, "/l10n/{title}/releases", "releases", get_releases),
    Route(hdrs.METH_POST, "/l10n/{title}/releases", "publish", post_release, TRANSFERS),
    Route(hdrs.METH_GET, _RELEASE, "release", get_release),
    Route(hdrs.METH_POST, f"{_RELEASE}/activate", "activate", activate, TRANSFERS),
    Route(hdrs.METH_POST, "/l10n/{title}/schedules/{id:[0-9]+}/cancel", "cancel-schedule", cancel_schedule),
)
