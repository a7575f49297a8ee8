"""The editor page of one string: shown with its context, saved over the version that was seen, reviewed, restored."""

import re
import time
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, get_args

import msgspec
from aiohttp import hdrs, web

from service.api.workbench import pages
from service.api.workbench.context import RequestContext
from service.api.workbench.forms import Form, read_form
from service.api.workbench.presence import Presence
from service.api.workbench.preview import card_of
from service.api.workbench.word_diff import word_diff
from service.core.auth.principal import Right
from service.core.localization import editing, strings
from service.core.localization.strings import String, WritableState
from service.core.validation.checks import is_hard_limit
from service.db.limits import CATALOG
from service.errors import Conflict, InvalidField
from service.http.api import Route
from service.http.params import locale_param, query_params
from service.http.title_request import STRING_TAG, filter_param

_REASON = re.compile(r"reason-([a-z0-9-]{1,64})", re.ASCII)
_SAVES: Mapping[str, WritableState] = {"save": "translated", "suggest": "needs_review", "approve": "approved"}
_RIGHTS: tuple[Right, ...] = get_args(Right)


async def get_string(request: web.Request) -> web.Response:
    """The editor of one string."""
    context = RequestContext(request)
    return await _editor(context)


async def post_string(request: web.Request) -> web.Response:
    """Do what the pressed button says; then show the next string of the list, or this one again."""
    context = RequestContext(request)
    form = await read_form(request)
    action, expected = form.get("action", "save"), form.whole("version")
    if action == "edit":  # from the conflict page: continue with the typed text, over the current version
        return await _editor(context, typed=form.get("text"), expected=expected)
    try:
        await _change(context, form, expected=expected)
    except Conflict as conflict:
        return await _conflict(context, form, conflict)
    except InvalidField as error:
        if action == "send-back" or error.field != "text":
            raise
        return await _editor(context, typed=form.get("text"), expected=expected, problem=str(error), status=422)
    if form.get("then") == "next":
        return pages.redirect(await _address_of_next(context))
    return pages.redirect(
        pages.address(context.title_id, context.locale(), context.key(), **_list_of(request), saved="yes")
    )


async def put_string(request: web.Request) -> web.Response:
    """The same for the script: over the version of `If-Match`, answered as JSON with the address of the next string."""
    context = RequestContext(request)
    expected = context.expected_version(STRING_TAG)
    saved = await _change(context, await read_form(request), expected=expected)
    next_address = await _address_of_next(context)
    body = msgspec.json.encode({"version": saved.version, "state": saved.state, "next": next_address})
    headers = {
        **pages.HEADERS,
        hdrs.ETAG: context.version_etag(STRING_TAG, saved.version),
        hdrs.CACHE_CONTROL: "no-store",
    }
    return web.Response(body=body, headers=headers, content_type="application/json")


async def _change(context: RequestContext, form: Form, *, expected: int) -> String:
    """Change the string as the pressed button says, at the version that was seen."""
    key, locale, action, text = context.key(), context.locale(), form.get("action", "save"), form.get("text")
    async with context.services.pool.transaction(CATALOG) as connection:
        target = connection, context.principal, context.title_id, key, locale
        if form.get("restore"):
            return await editing.restore_string(*target, version=form.whole("restore"), expected_version=expected)
        if action == "send-back":
            return await editing.review_string(*target, approve=False, expected_version=expected)
        if action not in _SAVES:
            raise InvalidField("action", "save, suggest, approve or send-back", action)
        return await editing.save_string(
            *target, text=text, expected_version=expected, state=_SAVES[action], reasons=_reasons(form)
        )


def _reasons(form: Form) -> dict[str, str]:
    """Why warnings do not apply to the text, by rule."""
    reasons = {}
    for name in form.fields:
        match = _REASON.fullmatch(name)
        if match is not None and (reason := form.line(name, editing.REASON_CHARACTERS)):
            reasons[match[1]] = reason
    return reasons


async def _editor(
    context: RequestContext,
    *,
    typed: str | None = None,
    expected: int | None = None,
    problem: str | None = None,
    status: int = 200,
) -> web.Response:
    """The page of a string: with `typed` instead of its text, over the version `expected`, and a problem to show."""
    key, locale, title_id = context.key(), context.locale(), context.title_id
    list_query = _list_of(context.request)
    published = context.services.snapshots.current.titles.get(title_id)
    async with context.services.pool.connection(CATALOG) as connection:
        string = await strings.get_string(connection, title_id, key, locale, other=list_query["with_"])
        revisions = await strings.list_revisions(connection, title_id, key, locale)
        text = string.text if typed is None else typed
        card = await card_of(connection, title_id, string, text=text, published=published)
    visit = context.services.api_state.of(Presence).open(
        title_id, key, locale, name=context.principal.name, now=time.monotonic()
    )
    next_key = await _next_key(context)
    version = string.version if expected is None else expected
    first = list_query | {"from_": ""}
    changes = [word_diff(old.text or "", new.text or "") for new, old in pairwise(revisions)]
    return pages.render_page(
        context.request,
        "editor.html",
        status=status,
        title_id=title_id,
        string=string,
        text=text or "",
        version=version,
        tag=context.version_etag(STRING_TAG, version),
        is_hard_limit=is_hard_limit(key),
        served=None if published is None else published.texts.get(locale, {}).get(key),
        other=list_query["with_"],
        may=_buttons(context, string),
        history=list(zip(revisions, [*changes, None], strict=True)) if revisions else [],
        overrides=string.overridden(),
        card=card,
        visit=visit,
        visit_minutes=0 if visit is None else int((time.monotonic() - visit.at) // 60),
        problem=problem,
        is_saved=context.request.rel_url.query.get("saved") == "yes" and problem is None,
        here=pages.address(title_id, locale, key, **list_query),
        back=pages.address(title_id, locale, **first),
        previous=pages.address(title_id, locale, list_query["from_"], **first) if list_query["from_"] else None,
        next=None if next_key is None else pages.address(title_id, locale, next_key, **(list_query | {"from_": key})),
    )


def _buttons(context: RequestContext, string: String) -> dict[str, bool]:
    """Which buttons to show: only those that the server would accept from the caller."""
    may = {right: context.may(right, string.locale) for right in _RIGHTS}
    return {
        "save": may[editing.required_right(string, "translated")],
        "suggest": string.locale != string.source_locale and may[editing.required_right(string, "needs_review")],
        "approve": may["review"] and may[editing.required_right(string, "approved")],
        "send-back": may["review"] and string.text is not None and string.state != "needs_review",
    }


async def _conflict(context: RequestContext, form: Form, conflict: Conflict) -> web.Response:
    """The page of two people on one string: the text that both began with, the current one, and the typed one."""
    theirs = conflict.current
    assert isinstance(theirs, String)  # noqa: S101  (so `editing` raises it)
    seen = form.whole("version")
    async with context.services.pool.connection(CATALOG) as connection:
        old = await strings.list_revisions(
            connection, context.title_id, theirs.key, theirs.locale, before=seen + 1, count=1
        )
    base = old[0].text or "" if old else ""
    return pages.render_page(
        context.request,
        "conflict.html",
        status=409,
        title_id=context.title_id,
        string=theirs,
        base=base,
        theirs=word_diff(base, theirs.text or ""),
        yours=word_diff(base, form.get("text")),
        text=form.get("text"),
        action=form.get("action", "save") if form.get("action", "save") in _SAVES else "save",
        here=pages.address(context.title_id, theirs.locale, theirs.key, **_list_of(context.request)),
    )


async def _next_key(context: RequestContext) -> str | None:
    """The key of the next string in the list; None at its end."""
    list_query = _list_of(context.request)
    async with context.services.pool.connection(CATALOG) as connection:
        page = await strings.list_strings(
            connection,
            context.title_id,
            context.locale(),
            filter=filter_param(list_query["filter"]),
            q=list_query["q"],
            after=context.key(),
            count=1,
        )
    return page.strings[0].key if page.strings else None


async def _address_of_next(context: RequestContext) -> str:
    """The address of the next string in the list; of the list itself at its end."""
    list_query, next_key = _list_of(context.request), await _next_key(context)
    if next_key is None:
        return pages.address(context.title_id, context.locale(), **(list_query | {"from_": ""}))
    return pages.address(context.title_id, context.locale(), next_key, **(list_query | {"from_": context.key()}))


def _list_of(request: web.Request) -> dict[str, Any]:
    """The list that a string was opened from, as arguments of `address`; `from_` is the key of the string before it."""
    query = query_params(request, "filter", "q", "with", "from", "saved")
    filter_param(query["filter"])
    other = locale_param("with", query["with"]) if query["with"] else ""
    return {"filter": query["filter"], "q": query["q"], "with_": other, "from_": query["from"]}


_STRING = "/l10n/{title}/{locale}/{key:.+}"

ROUTES = (
    Route(hdrs.METH_GET, _STRING, "edit-string", get_string),
    Route(hdrs.METH_POST, _STRING, "change-string", post_string),
    Route(hdrs.METH_PUT, _STRING, "save-string", put_string),
)
