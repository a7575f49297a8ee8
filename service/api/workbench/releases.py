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
from service.core.publishing.publish import preview_publish, publish_title, roll_back
from service.core.publishing.releases import NOTE_CHARACTERS, list_releases
from service.db.limits import CATALOG
from service.errors import InvalidField
from service.http.api import Route
from service.http.params import path_int, query_params

TEXTS_SHOWN = 300


async def get_releases(request: web.Request) -> web.Response:
    """What a publish would change now and what prevents it; every release, publication and scheduled publish."""
    context = RequestContext(request)
    query_params(request)
    async with context.services.pool.connection(CATALOG) as connection:
        status = await get_draft_status(connection, context.title_id)
        preview = await preview_publish(connection, context.title_id)
        releases = await list_releases(connection, context.title_id)
        publications = await history.list_publications(connection, context.title_id)
        scheduled = await schedules.list_schedules(connection, context.title_id)
    return pages.render_page(
        request,
        "releases.html",
        title_id=context.title_id,
        editing=status,
        **_shown(preview.changes),
        authors=preview.authors,
        problems=preview.errors,
        warnings=preview.warnings[:TEXTS_SHOWN],
        releases=releases,
        publications=publications,
        scheduled=scheduled,
        may_publish=context.may("publish"),
    )


async def get_release(request: web.Request) -> web.Response:
    """What one release changed of the one before it."""
    context = RequestContext(request)
    query_params(request)
    number = context.release()
    async with context.services.pool.connection(CATALOG) as connection:
        details = await history.get_release(connection, context.title_id, number)
    return pages.render_page(
        request,
        "release.html",
        title_id=context.title_id,
        release=details.release,
        **_shown(details.changes),
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
    expected = form.whole("catalog_version") if due_at is None else None
    async with context.services.snapshots.transaction() as connection:
        target = connection, context.principal, context.title_id
        if due_at is not None:
            await schedules.schedule_publish(*target, due_at=due_at, note=note)
        else:
            await publish_title(*target, note=note, expected_version=expected)
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


def _shown(changes: DraftDiff) -> dict[str, Any]:
    """What the templates show of a diff: its first texts, and how many more there are."""
    return {
        "changes": changes,
        "shown": list(changes.texts.items())[:TEXTS_SHOWN],
        "more": max(0, len(changes.texts) - TEXTS_SHOWN),
    }


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
    Route(hdrs.METH_POST, "/l10n/{title}/releases", "publish", post_release),
    Route(hdrs.METH_GET, _RELEASE, "release", get_release),
    Route(hdrs.METH_POST, f"{_RELEASE}/activate", "activate", activate),
    Route(hdrs.METH_POST, "/l10n/{title}/schedules/{id:[0-9]+}/cancel", "cancel-schedule", cancel_schedule),
)
