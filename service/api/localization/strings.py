"""Strings: listed, read, saved against the version that was seen, reviewed, and taken back."""

from typing import get_args

from aiohttp import hdrs, web

from service.api.localization import responses
from service.api.localization.context import RequestContext, json_response
from service.api.localization.schemas import RestoreBody, ReviewBody, TextBody, read_json
from service.core.auth.permissions import may_localize
from service.core.localization import strings
from service.core.localization.strings import Filter, String
from service.core.publishing.drafts import lock_title
from service.http.api import Route
from service.http.conditional import if_match_version
from service.http.params import choice, integer, locale_param, query_params

FILTERS: tuple[Filter, ...] = get_args(Filter)


async def list_strings(request: web.Request) -> web.Response:
    """A page of a title's strings in a locale, by key."""
    context = RequestContext(request)
    asked = query_params(request, "locale", "filter", "q", "with", "after")
    where = locale_param("locale", asked["locale"])
    other = locale_param("with", asked["with"]) if asked["with"] else ""
    choice("filter", asked["filter"], FILTERS)
    async with context.services.pool.connection() as connection:
        found = await strings.list_strings(
            connection,
            context.title_id,
            where,
            filter=next(one for one in FILTERS if one == asked["filter"]),
            q=asked["q"],
            other=other,
            after=asked["after"],
        )
    return json_response(responses.page(found, context.served_texts(where), other=other))


async def get_string(request: web.Request) -> web.Response:
    """One string in one locale, with its source, its state and what is to be said of it."""
    context = RequestContext(request)
    asked = query_params(request, "with")
    other = locale_param("with", asked["with"]) if asked["with"] else ""
    async with context.services.pool.connection() as connection:
        found = await strings.get_string(connection, context.title_id, context.key(), context.locale(), other=other)
    shape = _shape(context, found)
    if other:
        shape["with"] = {"locale": other, "text": found.other}
    return json_response(shape, tag=responses.version_tag(found.version))


async def put_string(request: web.Request) -> web.Response:
    """Save a text, if the string still is at the version of `If-Match`."""
    context = RequestContext(request)
    key, where, expected = context.key(), context.locale(), if_match_version(request, "v")
    wanted = await read_json(request, TextBody)
    async with context.services.pool.transaction() as connection:
        await lock_title(connection, context.title_id)  # what is allowed depends on what is there
        current = await strings.get_string(connection, context.title_id, key, where)
        may_localize(context.who, strings.required_right(current, wanted.state), context.title_id, where)
        saved = await strings.save(
            connection,
            context.title_id,
            key,
            where,
            text=wanted.text,
            expected=expected,
            actor=context.who.name,
            state=wanted.state,
            reasons=wanted.reasons,
        )
    return json_response(_shape(context, saved), tag=responses.version_tag(saved.version))


async def review_string(request: web.Request) -> web.Response:
    """Approve a text, or send it back to be looked at again."""
    context = RequestContext(request)
    key, where, expected = context.key(), context.locale(), if_match_version(request, "v")
    may_localize(context.who, "review", context.title_id, where)
    wanted = await read_json(request, ReviewBody)
    async with context.services.pool.transaction() as connection:
        saved = await strings.review(
            connection,
            context.title_id,
            key,
            where,
            approve=wanted.verdict == "approve",
            expected=expected,
            actor=context.who.name,
        )
    return json_response(_shape(context, saved), tag=responses.version_tag(saved.version))


async def restore_string(request: web.Request) -> web.Response:
    """Write the text of an older revision again."""
    context = RequestContext(request)
    key, where, expected = context.key(), context.locale(), if_match_version(request, "v")
    wanted = await read_json(request, RestoreBody)
    async with context.services.pool.transaction() as connection:
        await lock_title(connection, context.title_id)  # what is allowed depends on what is there
        current = await strings.get_string(connection, context.title_id, key, where)
        may_localize(context.who, strings.required_right(current, "translated"), context.title_id, where)
        saved = await strings.restore(
            connection,
            context.title_id,
            key,
            where,
            version=wanted.version,
            expected=expected,
            actor=context.who.name,
        )
    return json_response(_shape(context, saved), tag=responses.version_tag(saved.version))


async def list_history(request: web.Request) -> web.Response:
    """What a string was in a locale, newest first, and who made it so."""
    context = RequestContext(request)
    key, where = context.key(), context.locale()
    text = query_params(request, "before")["before"]
    before = integer("before", text, most=2**31 - 1) if text else 2**31 - 1
    async with context.services.pool.connection() as connection:
        await strings.get_string(connection, context.title_id, key, where)
        found = await strings.history(connection, context.title_id, key, where, before=before)
    return json_response({"revisions": [responses.revision(one) for one in found]})


def _shape(context: RequestContext, found: String) -> responses.Shape:
    return responses.string(found, published=context.served_texts(found.locale).get(found.key))


# A key may hold any number of slashes, so what stands behind a locale must not be taken for one.
_LOCALE = "{locale:(?!(?:history|restore|review)$)[^/]+}"
_ONE = f"/catalogs/{{title}}/strings/{{key:.+}}/{_LOCALE}"

ROUTES = (
    Route(hdrs.METH_GET, "/catalogs/{title}/strings", "strings", list_strings),
    Route(hdrs.METH_GET, f"{_ONE}/history", "history", list_history),
    Route(hdrs.METH_POST, f"{_ONE}/restore", "restore", restore_string),
    Route(hdrs.METH_POST, f"{_ONE}/review", "review", review_string),
    Route(hdrs.METH_GET, _ONE, "string", get_string),
    Route(hdrs.METH_PUT, _ONE, "save-string", put_string),
)
