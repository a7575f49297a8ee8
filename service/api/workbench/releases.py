"""Releases: what a publish would change, publishing now or later, and going back."""

from datetime import UTC, datetime

from aiohttp import hdrs, web

from service.api.workbench import pages
from service.api.workbench.context import RequestContext
from service.api.workbench.forms import Form, read_form
from service.core.auth.permissions import may_localize
from service.core.localization import strings
from service.core.publishing import history, publish, schedules
from service.core.validation import publish_rules
from service.errors import Conflict, InvalidField
from service.http.api import Route
from service.http.params import path_int, query_params

SHOWN = 300  # texts of a difference
_RELEASES = 2**31 - 1
_YEARS = range(2000, 3000)  # Postgres and Python agree on these in every time zone
_NOTE_CHARACTERS = 1000


async def list_releases(request: web.Request) -> web.Response:
    """What a publish would change now, with what keeps it from happening; every release, and what is scheduled."""
    context = RequestContext(request)
    query_params(request)
    async with context.services.pool.connection() as connection:
        editing = await strings.get_draft_status(connection, context.title_id)
        draft, served = await publish.ready_draft(connection, context.title_id)
        changes = publish.diff_drafts(served, draft)
        authors = await history.authors(connection, context.title_id, changes)
        releases = await publish.list_releases(connection, context.title_id)
        publications = await history.list_publications(connection, context.title_id)
        scheduled = await schedules.of_title(connection, context.title_id)
    problems, warnings = publish_rules.check(draft)
    return pages.render_page(
        request,
        "releases.html",
        title_id=context.title_id,
        editing=editing,
        changes=changes,
        shown=list(changes.texts.items())[:SHOWN],
        more=max(0, len(changes.texts) - SHOWN),
        authors=authors,
        problems=problems,
        warnings=warnings[:SHOWN],
        releases=releases,
        publications=publications,
        scheduled=scheduled,
        may_publish=context.may("publish"),
    )


async def get_release(request: web.Request) -> web.Response:
    """What one release changed of the one before."""
    context = RequestContext(request)
    query_params(request)
    release = path_int(request, "release", most=_RELEASES)
    async with context.services.pool.connection() as connection:
        changes = await history.changes_of(connection, context.title_id, release)
        found = next(one for one in await publish.list_releases(connection, context.title_id) if one.release == release)
        made = datetime.fromisoformat(found.created_at)
        authors = await history.authors(connection, context.title_id, changes, before=made.replace(microsecond=999_999))
    return pages.render_page(
        request,
        "release.html",
        title_id=context.title_id,
        release=found,
        changes=changes,
        shown=list(changes.texts.items())[:SHOWN],
        more=max(0, len(changes.texts) - SHOWN),
        authors=authors,
        may_publish=context.may("publish"),
    )


async def post_release(request: web.Request) -> web.Response:
    """Publish what the page showed, now; or promise it for a moment."""
    context = RequestContext(request)
    query_params(request)
    form = await read_form(request)
    may_localize(context.who, "publish", context.title_id)
    note = form.line("note", _NOTE_CHARACTERS) or None
    if form.get("action") == "schedule":
        due_at = _moment(form)
        async with context.services.pool.transaction() as connection:
            await schedules.schedule(connection, context.title_id, due_at=due_at, actor=context.who.name, note=note)
        return _again(context)
    seen = form.whole("catalog_version")
    async with context.services.pool.transaction() as connection:
        await publish.lock_title(connection, context.title_id)
        version = (await strings.get_draft_status(connection, context.title_id)).catalog_version
        if version != seen:
            raise Conflict("texts changed since this page was made: look at the difference again", version)
        await publish.publish(connection, context.title_id, actor=context.who.name, note=note)
    await context.services.snapshots.refresh()
    return _again(context)


async def activate(request: web.Request) -> web.Response:
    """Serve a release again that was published before; what is being edited stays as it is."""
    context = RequestContext(request)
    query_params(request)
    form = await read_form(request)
    may_localize(context.who, "publish", context.title_id)
    note = form.line("note", _NOTE_CHARACTERS) or None
    release = path_int(request, "release", most=_RELEASES)
    async with context.services.pool.transaction() as connection:
        await publish.rollback(connection, context.title_id, release, actor=context.who.name, note=note)
    await context.services.snapshots.refresh()
    return _again(context)


async def cancel_schedule(request: web.Request) -> web.Response:
    """Take a scheduled publish back."""
    context = RequestContext(request)
    query_params(request)
    await read_form(request)
    may_localize(context.who, "publish", context.title_id)
    async with context.services.pool.connection() as connection:
        await schedules.cancel(connection, context.title_id, path_int(request, "id"))
    return _again(context)


def _again(context: RequestContext) -> web.Response:
    return pages.redirect(pages.address(context.title_id, "releases"))


def _moment(form: Form) -> datetime:
    """The moment that a date field names, in UTC."""
    text = form.get("at")
    try:
        found = datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
    except ValueError:
        found = None
    if found is None or found.year not in _YEARS:
        raise InvalidField("at", "a day and time such as 2026-12-24T08:00, in UTC", text)
    return found


_ONE = "/l10n/{title}/releases/{release:[0-9]+}"

ROUTES = (
    Route(hdrs.METH_GET, "/l10n/{title}/releases", "releases", list_releases),
    Route(hdrs.METH_POST, "/l10n/{title}/releases", "publish", post_release),
    Route(hdrs.METH_GET, _ONE, "release", get_release),
    Route(hdrs.METH_POST, f"{_ONE}/activate", "activate", activate),
    Route(hdrs.METH_POST, "/l10n/{title}/schedules/{id:[0-9]+}/cancel", "cancel-schedule", cancel_schedule),
)
