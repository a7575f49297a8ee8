"""Routes of imports: a file is staged with a report, the report read, and the import applied."""

from aiohttp import hdrs, web

from service.api.localization import responses
from service.api.localization.context import RequestContext, json_response
from service.control_characters import LINE_EXPECTED, is_line
from service.core.auth.permissions import may_import
from service.core.formats.registry import IMPORT_FORMATS
from service.core.localization import import_batches, imports
from service.core.localization.import_batches import ImportBatch
from service.core.localization.import_report import MODES
from service.core.validation.diagnostics import MAX_BYTES
from service.db.limits import CATALOG
from service.errors import BadRequest, InvalidParameter
from service.http.api import Route
from service.http.body import read_body
from service.http.conditional import in_pieces
from service.http.limits.admission import TRANSFERS
from service.http.params import choice, locale_param, path_int, query_params
from service.http.title_request import CATALOG_TAG

LINES_SHOWN = 1000
"""How many lines of a report a response lists."""


async def post_import(request: web.Request) -> web.Response:
    """Read a file of texts and report what it would change; nothing but the report is stored."""
    context = RequestContext(request)
    query = query_params(request, "file", "format", "locale", "mode", "overApproved")
    locale = locale_param("locale", query["locale"]) if query["locale"] else None
    choice("format", query["format"], ("", *IMPORT_FORMATS))
    choice("mode", query["mode"] or "merge", MODES)
    choice("overApproved", query["overApproved"], ("", "false", "true"))
    if not is_line(query["file"]):
        raise InvalidParameter("file", f"a name {LINE_EXPECTED}", query["file"])
    may_import(context.principal, context.title_id, locale)
    with context.one_at_a_time():
        data = await read_body(request, limit=MAX_BYTES)
        if not data:
            raise BadRequest("the body is empty: expected a file")
        batch = await imports.stage_import(
            context.services.pool,
            context.principal,
            context.title_id,
            {query["file"] or "body": data},
            imports.ImportOptions(
                format=query["format"] or None,
                locale=locale,
                mode=next(mode for mode in MODES if mode == (query["mode"] or "merge")),
                overwrite_approved=query["overApproved"] == "true",
            ),
            run=context.run,
        )
    return await _batch_response(context, batch)


async def get_import(request: web.Request) -> web.Response:
    """The report of an import, and who applied it."""
    context = RequestContext(request)
    part = context.part(LINES_SHOWN)
    return await _batch_response(context, await _read_batch(context), part)


async def get_import_po(request: web.Request) -> web.Response:
    """The strings of one locale of a report as a PO file, with what happens to each as comment."""
    context = RequestContext(request)
    batch = await _read_batch(context)
    locale = context.report_locale(batch.report)
    with context.one_at_a_time():
        file = await imports.export_po(context.services.pool, batch, locale, run=context.run)
    headers = {
        hdrs.CACHE_CONTROL: "no-store",
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="{file.name}"',
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(
        body=in_pieces(file.data),
        headers=headers,
        content_type="text/x-gettext-translation",
        charset="utf-8",
    )


async def apply_import(request: web.Request) -> web.Response:
    """Write everything that a report announces, if the catalog is at the version of `If-Match` and of the report."""
    context = RequestContext(request)
    expected = context.expected_version(CATALOG_TAG)
    with context.one_at_a_time():
        batch = await imports.apply_import(
            context.services.pool,
            context.principal,
            context.title_id,
            path_int(request, "id"),
            expected_version=expected,
            run=context.run,
        )
    return await _batch_response(context, batch)


async def _read_batch(context: RequestContext) -> ImportBatch:
    async with context.services.pool.connection(CATALOG) as connection:
        return await import_batches.get_import(connection, context.title_id, path_int(context.request, "id"))


async def _batch_response(
    context: RequestContext, batch: ImportBatch, part: range = range(LINES_SHOWN)
) -> web.Response:
    location = f"/catalogs/{batch.title_id}/imports/{batch.batch_id}"
    async with context.services.pool.connection(CATALOG) as connection:
        lines = await import_batches.list_lines(connection, batch, part)
    return json_response(
        responses.batch(batch, lines), tag=context.version_etag(CATALOG_TAG, batch.catalog_version), location=location
    )


_IMPORT = "/catalogs/{title}/imports/{id:[0-9]+}"

ROUTES = (
    Route(hdrs.METH_POST, "/catalogs/{title}/imports", "imports", post_import, TRANSFERS),
    Route(hdrs.METH_GET, _IMPORT, "batch", get_import),
    Route(hdrs.METH_GET, f"{_IMPORT}.po", "batch-po", get_import_po),
    Route(hdrs.METH_POST, f"{_IMPORT}/apply", "apply-batch", apply_import, TRANSFERS),
)
