"""Routes of strings: list, read, save, review, restore, and their revisions."""

from aiohttp import hdrs, web

from service.api.localization import responses
from service.api.localization.context import RequestContext, json_response
from service.api.localization.schemas import RestoreBody, ReviewBody, TextBody, read_json
from service.core.localization import editing, strings
from service.core.localization.strings import String
from service.db.limits import CATALOG
from service.http.api import Route
from service.http.params import integer, locale_param, query_params
from service.http.title_request import STRING_TAG, filter_param


async def list_strings(request: web.Request) -> web.Response:
    """A page of a title's strings in a locale, ordered by key."""
    context = RequestContext(request)
    query = query_params(request, "locale", "filter", "q", "with", "after")
    locale = locale_param("locale", query["locale"])
    other = locale_param("with", query["with"]) if query["with"] else ""
    async with context.services.pool.connection(CATALOG) as connection:
        page = await strings.list_strings(
            connection,
            context.title_id,
            locale,
            filter=filter_param(query["filter"]),
            q=query["q"],
            other=other,
            after=query["after"],
        )
    return json_response(responses.page(page, context.served_texts(locale), other=other))


async def get_string(request: web.Request) -> web.Response:
    """One string in one locale, with its source, state, limit and remarks."""
    context = RequestContext(request)
    query = query_params(request, "with")
    other = locale_param("with", query["with"]) if query["with"] else ""
    async with context.services.pool.connection(CATALOG) as connection:
        string = await strings.get_string(connection, context.title_id, context.key(), context.locale(), other=other)
    return _string_response(context, string, other=other)


async def put_string(request: web.Request) -> web.Response:
    """Save a text, if the string is at the version of `If-Match`."""
    context = RequestContext(request)
    key, locale, expected = context.key(), context.locale(), context.expected_version(STRING_TAG)
    body = await read_json(request, TextBody)
    async with context.services.pool.transaction(CATALOG) as connection:
        saved = await editing.save_string(
            connection,
            context.principal,
            context.title_id,
            key,
            locale,
            text=body.text,
            expected_version=expected,
            state=body.state,
            reasons=body.reasons,
        )
    return _string_response(context, saved)


async def review_string(request: web.Request) -> web.Response:
    """Approve a text, or send it back for review."""
    context = RequestContext(request)
    key, locale, expected = context.key(), context.locale(), context.expected_version(STRING_TAG)
    body = await read_json(request, ReviewBody)
    async with context.services.pool.transaction(CATALOG) as connection:
        saved = await editing.review_string(
            connection,
            context.principal,
            context.title_id,
            key,
            locale,
            approve=body.verdict == "approve",
            expected_version=expected,
        )
    return _string_response(context, saved)


async def restore_string(request: web.Request) -> web.Response:
    """Save the text of an older revision again."""
    context = RequestContext(request)
    key, locale, expected = context.key(), context.locale(), context.expected_version(STRING_TAG)
    body = await read_json(request, RestoreBody)
    async with context.services.pool.transaction(CATALOG) as connection:
        saved = await editing.restore_string(
            connection,
            context.principal,
            context.title_id,
            key,
            locale,
            version=body.version,
            expected_version=expected,
        )
    return _string_response(context, saved)


async def list_revisions(request: web.Request) -> web.Response:
    """The revisions of a string in a locale, newest first, with their authors."""
    context = RequestContext(request)
    key, locale = context.key(), context.locale()
    text = query_params(request, "before")["before"]
    before = integer("before", text, most=2**31 - 1) if text else 2**31 - 1
    async with context.services.pool.connection(CATALOG) as connection:
        await strings.get_string(connection, context.title_id, key, locale)
        revisions = await strings.list_revisions(connection, context.title_id, key, locale, before=before)
    return json_response({"revisions": [responses.revision(revision) for revision in revisions]})


def _string_response(context: RequestContext, string: String, *, other: str = "") -> web.Response:
    served = context.served_texts(string.locale).get(string.key)
    return json_response(
        responses.string(string, published=served, other=other), tag=context.version_etag(STRING_TAG, string.version)
    )


# A key may contain slashes, so the last segment of these routes must not be read as a locale.
_LOCALE = "{locale:(?!(?:history|restore|review)$)[^/]+}"
_STRING = f"/catalogs/{{title}}/strings/{{key:.+}}/{_LOCALE}"

ROUTES = (
    Route(hdrs.METH_GET, "/catalogs/{title}/strings", "strings", list_strings),
    Route(hdrs.METH_GET, f"{_STRING}/history", "history", list_revisions),
    Route(hdrs.METH_POST, f"{_STRING}/restore", "restore", restore_string),
    Route(hdrs.METH_POST, f"{_STRING}/review", "review", review_string),
    Route(hdrs.METH_GET, _STRING, "string", get_string),
    Route(hdrs.METH_PUT, _STRING, "save-string", put_string),
)
