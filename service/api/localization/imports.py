"""Routes of imports: a file is staged with a report, the report read, and the import applied."""

from aiohttp import hdrs, web

from service.api.localization import responses
from service.api.localization.context import RequestContext, json_response
from service.core.formats.registry import IMPORT_FORMATS
from service.core.localization import imports
from service.core.localization.import_report import MODES
from service.core.localization.imports import ImportBatch
from service.core.validation.diagnostics import MAX_BYTES
from service.db.limits import CATALOG, IMPORT
from service.errors import BadRequest
from service.http.api import Route
from service.http.body import read_body
from service.http.conditional import if_match_version
from service.http.params import choice, locale_param, path_int, query_params
from service.http.title_request import CATALOG_TAG


async def post_import(request: web.Request) -> web.Response:
    """Read a file of texts and report what it would change; nothing but the report is stored."""
    context = RequestContext(request)
    query = query_params(request, "file", "format", "locale", "mode", "overApproved")
    choice("format", query["format"], ("", *IMPORT_FORMATS))
    choice("mode", query["mode"] or "merge", MODES)
    choice("overApproved", query["overApproved"], ("", "false", "true"))
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
            locale=locale_param("locale", query["locale"]) if query["locale"] else None,
            mode=next(mode for mode in MODES if mode == (query["mode"] or "merge")),
            overwrite_approved=query["overApproved"] == "true",
        ),
    )
    return _batch_response(batch)


async def get_import(request: web.Request) -> web.Response:
    """The report of an import, and who applied it."""
    context = RequestContext(request)
    query_params(request)
    return _batch_response(await _read_batch(context))


async def get_import_po(request: web.Request) -> web.Response:
    """The strings of one locale of a report as a PO file, with what happens to each as comment."""
    context = RequestContext(request)
    batch = await _read_batch(context)
    file = imports.export_report(batch, context.report_locale(batch.report))
    headers = {
        hdrs.CACHE_CONTROL: "no-store",
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="{file.name}"',
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(
        body=file.data,
        headers=headers,
        content_type="text/x-gettext-translation",
        charset="utf-8",
    )


async def apply_import(request: web.Request) -> web.Response:
    """Write everything that a report announces, if the catalog is at the version of `If-Match` and of the report."""
    context = RequestContext(request)
    expected = if_match_version(request, CATALOG_TAG)
    async with context.services.pool.transaction(IMPORT) as connection:
        batch = await imports.apply_import(
            connection, context.principal, context.title_id, path_int(request, "id"), expected_version=expected
        )
    return _batch_response(batch)


async def _read_batch(context: RequestContext) -> ImportBatch:
    async with context.services.pool.connection(CATALOG) as connection:
        return await imports.get_import(connection, context.title_id, path_int(context.request, "id"))


def _batch_response(batch: ImportBatch) -> web.Response:
    location = f"/catalogs/{batch.title_id}/imports/{batch.batch_id}"
    return json_response(responses.batch(batch), tag=responses.catalog_tag(batch.catalog_version), location=location)


_IMPORT = "/catalogs/{title}/imports/{id:[0-9]+}"

ROUTES = (
    Route(hdrs.METH_POST, "/catalogs/{title}/imports", "imports", post_import),
    Route(hdrs.METH_GET, _IMPORT, "batch", get_import),
    Route(hdrs.METH_GET, f"{_IMPORT}.po", "batch-po", get_import_po),
    Route(hdrs.METH_POST, f"{_IMPORT}/apply", "apply-batch", apply_import),
)
