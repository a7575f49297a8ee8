"""Strings: listed, read, saved against the version that was seen, reviewed, and taken back."""

from typing import get_args

from aiohttp import hdrs, web

from service.api.localization import responses
from service.api.localization.context import Asking, answer, if_match
from service.api.localization.schemas import RestoreBody, ReviewBody, TextBody, body
from service.core.auth.principal import may_localize
from service.core.localization import strings
from service.core.localization.strings import Filter, String
from service.core.publishing.drafts import lock_title
from service.errors import BadParameter
from service.http.api import Route
from service.http.params import chosen, locale, words

FILTERS: tuple[Filter, ...] = get_args(Filter)


async def list_strings(request: web.Request) -> web.Response:
    """A page of a title's strings in a locale, by key."""
    asking = Asking(request)
    asked = words(request, "locale", "filter", "q", "with", "after")
    where = locale("locale", asked["locale"])
    other = locale("with", asked["with"]) if asked["with"] else ""
    chosen("filter", asked["filter"], FILTERS)
    async with asking.services.pool.connection() as connection:
        found = await strings.page(
            connection,
            asking.title_id,
            where,
            filter=next(one for one in FILTERS if one == asked["filter"]),
            q=asked["q"],
            other=other,
            after=asked["after"],
        )
    return answer(responses.page(found, asking.served(where), other=other))


async def get_string(request: web.Request) -> web.Response:
    """One string in one locale, with its source, its state and what is to be said of it."""
    asking = Asking(request)
    asked = words(request, "with")
    other = locale("with", asked["with"]) if asked["with"] else ""
    async with asking.services.pool.connection() as connection:
        found = await strings.one(connection, asking.title_id, asking.key(), asking.locale(), other=other)
    shape = _shape(asking, found)
    if other:
        shape["with"] = {"locale": other, "text": found.other}
    return answer(shape, tag=responses.version_tag(found.version))


async def put_string(request: web.Request) -> web.Response:
    """Save a text, if the string still is at the version of `If-Match`."""
    asking = Asking(request)
    key, where, expected = asking.key(), asking.locale(), if_match(request, "v")
    wanted = await body(request, TextBody)
    async with asking.services.pool.transaction() as connection:
        await lock_title(connection, asking.title_id)  # what is allowed depends on what is there
        current = await strings.one(connection, asking.title_id, key, where)
        may_localize(asking.who, strings.right_to_save(current, wanted.state), asking.title_id, where)
        saved = await strings.save(
            connection,
            asking.title_id,
            key,
            where,
            text=wanted.text,
            expected=expected,
            actor=asking.who.name,
            state=wanted.state,
            reasons=wanted.reasons,
        )
    return answer(_shape(asking, saved), tag=responses.version_tag(saved.version))


async def review_string(request: web.Request) -> web.Response:
    """Approve a text, or send it back to be looked at again."""
    asking = Asking(request)
    key, where, expected = asking.key(), asking.locale(), if_match(request, "v")
    may_localize(asking.who, "review", asking.title_id, where)
    wanted = await body(request, ReviewBody)
    async with asking.services.pool.transaction() as connection:
        saved = await strings.review(
            connection,
            asking.title_id,
            key,
            where,
            approve=wanted.verdict == "approve",
            expected=expected,
            actor=asking.who.name,
        )
    return answer(_shape(asking, saved), tag=responses.version_tag(saved.version))


async def restore_string(request: web.Request) -> web.Response:
    """Write the text of an older revision again."""
    asking = Asking(request)
    key, where, expected = asking.key(), asking.locale(), if_match(request, "v")
    wanted = await body(request, RestoreBody)
    async with asking.services.pool.transaction() as connection:
        await lock_title(connection, asking.title_id)  # what is allowed depends on what is there
        current = await strings.one(connection, asking.title_id, key, where)
        may_localize(asking.who, strings.right_to_save(current, "translated"), asking.title_id, where)
        saved = await strings.restore(
            connection,
            asking.title_id,
            key,
            where,
            version=wanted.version,
            expected=expected,
            actor=asking.who.name,
        )
    return answer(_shape(asking, saved), tag=responses.version_tag(saved.version))


async def list_history(request: web.Request) -> web.Response:
    """What a string was in a locale, newest first, and who made it so."""
    asking = Asking(request)
    key, where = asking.key(), asking.locale()
    before = words(request, "before")["before"] or str(2**31 - 1)
    if not before.isascii() or not before.isdecimal() or len(before) > len(str(2**31)):
        raise BadParameter("before", "a version", before)
    async with asking.services.pool.connection() as connection:
        await strings.one(connection, asking.title_id, key, where)
        found = await strings.history(connection, asking.title_id, key, where, before=int(before))
    return answer({"revisions": [responses.revision(one) for one in found]})


def _shape(asking: Asking, found: String) -> responses.Shape:
    return responses.string(found, published=asking.served(found.locale).get(found.key))


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
