"""Imports: a file is read and compared, its report looked at, and then applied or left alone."""

from typing import get_args

from aiohttp import hdrs, web

from service.api.localization import responses
from service.api.localization.context import RequestContext, json_response
from service.core.formats.registry import IMPORT_FORMATS
from service.core.localization import imports, strings
from service.core.localization.import_report import Mode, report_po
from service.core.localization.imports import Batch
from service.core.validation.diagnostics import MAX_BYTES
from service.errors import BadRequest, InvalidParameter
from service.http.api import Route
from service.http.body import read_body
from service.http.conditional import if_match_version
from service.http.params import choice, locale_param, path_int, query_params

MODES: tuple[Mode, ...] = get_args(Mode)
_READ_AS = tuple(str(kind) for kind in IMPORT_FORMATS)


async def post_import(request: web.Request) -> web.Response:
    """Read a file of texts and report what it would change; nothing is written but the report."""
    context = RequestContext(request)
    asked = query_params(request, "file", "format", "locale", "mode", "overApproved")
    choice("format", asked["format"], ("", *_READ_AS))
    choice("mode", asked["mode"] or "merge", MODES)
    choice("overApproved", asked["overApproved"], ("", "false", "true"))
    data = await read_body(request, limit=MAX_BYTES)
    if not data:
        raise BadRequest("the body is empty: expected a file")
    batch = await imports.read_files(
        context.services.pool,
        context.title_id,
        {asked["file"] or "body": data},
        who=context.who,
        format=asked["format"] or None,
        locale=locale_param("locale", asked["locale"]) if asked["locale"] else None,
        mode=next(mode for mode in MODES if mode == (asked["mode"] or "merge")),
        overwrite_approved=asked["overApproved"] == "true",
    )
    return _answer(context, batch)


async def get_import(request: web.Request) -> web.Response:
    """The report of an import, and who applied it."""
    context = RequestContext(request)
    query_params(request)
    return _answer(context, await _batch(context))


async def get_import_po(request: web.Request) -> web.Response:
    """The strings of one locale of a report as a PO file, each with what is to be said of it."""
    context = RequestContext(request)
    asked = query_params(request, "locale")["locale"]
    batch = await _batch(context)
    locales = sorted(batch.report.counts)
    wanted = locale_param("locale", asked) if asked else locales[0] if len(locales) == 1 else ""
    if wanted not in locales:
        raise InvalidParameter("locale", f"one of the report: {', '.join(locales)}", asked)
    headers = {
        hdrs.CACHE_CONTROL: "no-store",
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="import-{batch.batch_id}-{wanted or "und"}.po"',
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(
        body=report_po(batch.report, wanted),
        headers=headers,
        content_type="text/x-gettext-translation",
        charset="utf-8",
    )


async def apply_import(request: web.Request) -> web.Response:
    """Write what a report says, all of it, if the catalogue still is the one that it saw."""
    context = RequestContext(request)
    expected = if_match_version(request, "c")
    async with context.services.pool.transaction() as connection:
        batch = await imports.get_batch(connection, context.title_id, path_int(request, "id"))
        imports.may_apply(
            context.who, batch, (await strings.get_draft_status(connection, context.title_id)).default_locale
        )
        done = await imports.apply_batch(
            connection, context.title_id, batch.batch_id, catalog_version=expected, actor=context.who.name
        )
    return _answer(context, done)


async def _batch(context: RequestContext) -> Batch:
    async with context.services.pool.connection() as connection:
        return await imports.get_batch(connection, context.title_id, path_int(context.request, "id"))


def _answer(context: RequestContext, batch: Batch) -> web.Response:
    where = f"/catalogs/{context.title_id}/imports/{batch.batch_id}"
    return json_response(responses.batch(batch), tag=responses.catalog_tag(batch.catalog_version), location=where)


_ONE = "/catalogs/{title}/imports/{id:[0-9]+}"

ROUTES = (
    Route(hdrs.METH_POST, "/catalogs/{title}/imports", "imports", post_import),
    Route(hdrs.METH_GET, _ONE, "batch", get_import),
    Route(hdrs.METH_GET, f"{_ONE}.po", "batch-po", get_import_po),
    Route(hdrs.METH_POST, f"{_ONE}/apply", "apply-batch", apply_import),
)
