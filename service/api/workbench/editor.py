"""One string: looked at with all that is known of it, saved over the version that was seen, reviewed, taken back."""

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
from service.api.workbench.preview import card_of
from service.api.workbench.strings import filter_of
from service.api.workbench.word_diff import word_diff
from service.core.auth.permissions import may_localize
from service.core.auth.principal import Right
from service.core.localization import strings
from service.core.localization.strings import String, WritableState
from service.core.publishing.drafts import lock_title
from service.core.validation.checks import is_hard_limit
from service.errors import Conflict, InvalidField, InvalidParameter, PreconditionRequired
from service.http.api import Route
from service.http.params import locale_param, query_params

_REASON = re.compile(r"reason-([a-z0-9-]{1,64})", re.ASCII)
_REASON_CHARACTERS = 500
_TAG = re.compile(r'"v(0|[1-9][0-9]{0,9})"', re.ASCII)
_SAVES: Mapping[str, WritableState] = {"save": "translated", "suggest": "needs_review", "approve": "approved"}
_RIGHTS: tuple[Right, ...] = get_args(Right)


async def get_string(request: web.Request) -> web.Response:
    """The editor of one string."""
    context = RequestContext(request)
    return await _editor(context, context.key(), context.locale())


async def post_string(request: web.Request) -> web.Response:
    """Do what the button says; then the next string of the list, or this one again."""
    context = RequestContext(request)
    key, where = context.key(), context.locale()
    form = await read_form(request)
    action = form.get("action", "save")
    if action == "edit":  # out of a conflict: what was typed goes on, over what is there now
        return await _editor(context, key, where, typed=form.get("text"), expected=form.whole("version"))
    try:
        await _change(context, form, expected=form.whole("version"))
    except Conflict as conflict:
        return await _conflict(context, form, conflict)
    except InvalidField as refusal:
        if action == "send-back" or refusal.field != "text":
            raise
        return await _editor(
            context,
            key,
            where,
            typed=form.get("text"),
            expected=form.whole("version"),
            problem=str(refusal),
            status=422,
        )
    asked = _list_of(request)
    if form.get("then") == "next":
        following = await _next(context, key, where)
        if following is None:
            return pages.redirect(pages.address(context.title_id, where, **(asked | {"from_": ""})))
        return pages.redirect(pages.address(context.title_id, where, following, **(asked | {"from_": key})))
    return pages.redirect(pages.address(context.title_id, where, key, **asked, saved="yes"))


async def put_string(request: web.Request) -> web.Response:
    """The same for the script: over the version of `If-Match`, answered as JSON with where to go on."""
    context = RequestContext(request)
    tags = request.headers.getall(hdrs.IF_MATCH, ())
    if not tags:
        raise PreconditionRequired("If-Match: expected the version that you saw, and there is none")
    match = _TAG.fullmatch(tags[0]) if len(tags) == 1 else None
    if match is None or int(match[1]) >= 2**31:
        raise InvalidParameter(hdrs.IF_MATCH, 'one version such as "v7"', ", ".join(tags))
    form = await read_form(request)
    saved = await _change(context, form, expected=int(match[1]))
    following = await _next(context, saved.key, saved.locale)
    asked = _list_of(request)
    after = (
        pages.address(context.title_id, saved.locale, **(asked | {"from_": ""}))
        if following is None
        else pages.address(context.title_id, saved.locale, following, **(asked | {"from_": saved.key}))
    )
    body = msgspec.json.encode({"version": saved.version, "state": saved.state, "next": after})
    headers = {**pages.HEADERS, hdrs.ETAG: f'"v{saved.version}"', hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(body=body, headers=headers, content_type="application/json")


async def _change(context: RequestContext, form: Form, *, expected: int) -> String:
    """What the button says, done to the string at the version that was seen."""
    key, where, action, text = context.key(), context.locale(), form.get("action", "save"), form.get("text")
    who, title_id = context.who, context.title_id
    async with context.services.pool.transaction() as connection:
        await lock_title(connection, context.title_id)  # what is allowed depends on what is there
        current = await strings.get_string(connection, title_id, key, where)
        place = connection, title_id, key, where
        if form.get("restore"):
            may_localize(who, strings.required_right(current, "translated"), title_id, where)
            return await strings.restore(*place, version=form.whole("restore"), expected=expected, actor=who.name)
        if action == "send-back" or (action == "approve" and text == current.text and not _reasons(form)):
            may_localize(who, "review", title_id, where)
            approve = action == "approve"
            return await strings.review(*place, approve=approve, expected=expected, actor=who.name)
        if action not in _SAVES:
            raise InvalidField("action", "save, suggest, approve or send-back", action)
        state = _SAVES[action]
        may_localize(who, strings.required_right(current, state), title_id, where)
        return await strings.save(
            *place, text=text, expected=expected, actor=who.name, state=state, reasons=_reasons(form)
        )


def _reasons(form: Form) -> dict[str, str]:
    """Why warnings do not hold here, by rule."""
    found = {}
    for name in form.fields:
        match = _REASON.fullmatch(name)
        if match is not None and (reason := form.line(name, _REASON_CHARACTERS)):
            found[match[1]] = reason
    return found


async def _editor(
    context: RequestContext,
    key: str,
    where: str,
    *,
    typed: str | None = None,
    expected: int | None = None,
    problem: str | None = None,
    status: int = 200,
) -> web.Response:
    """The page of a string: `typed` in place of its text, over the version `expected`, with what was wrong."""
    asked, title_id = _list_of(context.request), context.title_id
    published = context.services.snapshots.current.titles.get(title_id)
    async with context.services.pool.connection() as connection:
        string = await strings.get_string(connection, title_id, key, where, other=asked["with_"])
        revisions = await strings.history(connection, title_id, key, where)
        text = string.text if typed is None else typed
        card = await card_of(connection, title_id, string, text=text, published=published)
    visit = context.services.presence.open(title_id, key, where, name=context.who.name, now=time.monotonic())
    following = await _next(context, key, where)
    step = asked | {"from_": ""}
    changes = [word_diff(old.text or "", new.text or "") for new, old in pairwise(revisions)]
    return pages.render_page(
        context.request,
        "editor.html",
        status=status,
        title_id=title_id,
        string=string,
        text=text or "",
        version=string.version if expected is None else expected,
        is_hard_limit=is_hard_limit(key),
        served=None if published is None else published.texts.get(where, {}).get(key),
        other=asked["with_"],
        may=_buttons(context, string),
        history=list(zip(revisions, [*changes, None], strict=True)) if revisions else [],
        overrides=string.overridden(),
        card=card,
        visit=visit,
        visit_minutes=0 if visit is None else int((time.monotonic() - visit.at) // 60),
        problem=problem,
        is_saved=context.request.rel_url.query.get("saved") == "yes" and problem is None,
        here=pages.address(title_id, where, key, **asked),
        back=pages.address(title_id, where, **step),
        previous=pages.address(title_id, where, asked["from_"], **step) if asked["from_"] else None,
        next=None if following is None else pages.address(title_id, where, following, **(asked | {"from_": key})),
    )


def _buttons(context: RequestContext, string: String) -> dict[str, bool]:
    """What the caller may do to a string, so that no button is there that would be refused."""
    may = {right: context.may(right, string.locale) for right in _RIGHTS}
    return {
        "save": may[strings.required_right(string, "translated")],
        "suggest": string.locale != string.source_locale and may[strings.required_right(string, "needs_review")],
        "approve": may["review"] and may[strings.required_right(string, "approved")],
        "send-back": may["review"] and string.text is not None and string.state != "needs_review",
    }


async def _conflict(context: RequestContext, form: Form, conflict: Conflict) -> web.Response:
    """The page of two people on one string: what both began with, what is there now, and what was typed."""
    theirs = conflict.current
    assert isinstance(theirs, String)  # noqa: S101  (so `texts` raises it)
    seen = form.whole("version")
    async with context.services.pool.connection() as connection:
        old = await strings.history(connection, context.title_id, theirs.key, theirs.locale, before=seen + 1, count=1)
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


async def _next(context: RequestContext, key: str, where: str) -> str | None:
    """The key that follows in the list; None at its end."""
    asked = _list_of(context.request)
    async with context.services.pool.connection() as connection:
        found = await strings.list_strings(
            connection,
            context.title_id,
            where,
            filter=filter_of(asked["filter"]),
            q=asked["q"],
            after=key,
            count=1,
        )
    return found.strings[0].key if found.strings else None


def _list_of(request: web.Request) -> dict[str, Any]:
    """The list that a string was opened from, as `address` takes it; `from_` is the string before it."""
    asked = query_params(request, "filter", "q", "with", "from", "saved")
    filter_of(asked["filter"])
    other = locale_param("with", asked["with"]) if asked["with"] else ""
    return {"filter": asked["filter"], "q": asked["q"], "with_": other, "from_": asked["from"]}


_ONE = "/l10n/{title}/{locale}/{key:.+}"

ROUTES = (
    Route(hdrs.METH_GET, _ONE, "edit-string", get_string),
    Route(hdrs.METH_POST, _ONE, "change-string", post_string),
    Route(hdrs.METH_PUT, _ONE, "save-string", put_string),
)
