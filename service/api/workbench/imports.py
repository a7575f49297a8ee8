"""Pages of imports and exports: a file is uploaded and reported on, then applied; files are downloaded."""

from aiohttp import hdrs, web

from service.api.workbench import pages
from service.api.workbench.context import RequestContext
from service.api.workbench.forms import Form, read_form, read_upload
from service.core.auth.permissions import may_import
from service.core.formats.registry import EXPORT_FORMATS, IMPORT_FORMATS
from service.core.localization import coverage, import_batches, imports
from service.core.localization.exports import export_file
from service.core.localization.import_report import MODES
from service.core.publishing.draft_status import get_draft_status
from service.db.limits import CATALOG
from service.errors import InvalidField
from service.http.api import Route
from service.http.limits.admission import TRANSFERS
from service.http.params import locale_param, path_int, query_params

LINES_SHOWN = 100


async def get_imports(request: web.Request) -> web.Response:
    """The page to choose a file to import, or to download an export."""
    context = RequestContext(request)
    query_params(request)
    async with context.services.pool.connection(CATALOG) as connection:
        title = await coverage.get_coverage(connection, context.title_id)
    return pages.render_page(
        request,
        "imports.html",
        title_id=context.title_id,
        title=title,
        modes=MODES,
        formats=IMPORT_FORMATS,
        exports=EXPORT_FORMATS,
    )


async def post_import(request: web.Request) -> web.Response:
    """Read a file and store the report; nothing else is written."""
    context = RequestContext(request)
    query_params(request)
    may_import(context.principal, context.title_id)
    with context.one_at_a_time():
        upload = await read_upload(request)
        batch = await imports.stage_import(
            context.services.pool,
            context.principal,
            context.title_id,
            {upload.name: upload.data},
            _options(upload.form),
            run=context.run,
        )
    return pages.redirect(pages.address(context.title_id, "imports", batch.batch_id))


async def get_import(request: web.Request) -> web.Response:
    """The report of an import: what it would change, or changed."""
    context = RequestContext(request)
    part = context.part(LINES_SHOWN)
    async with context.services.pool.connection(CATALOG) as connection:
        batch = await import_batches.get_import(connection, context.title_id, path_int(request, "id"))
        lines = await import_batches.list_lines(connection, batch, part)
        status = await get_draft_status(connection, context.title_id)
    return pages.render_page(
        request,
        "import.html",
        title_id=context.title_id,
        batch=batch,
        lines=lines,
        skipped=part.start,
        next=part.stop if part.stop < batch.report.line_count else 0,
        is_current=batch.catalog_version == status.catalog_version,
        may_apply=all(context.may(right, locale) for right, locale in batch.report.rights(status.default_locale)),
    )


async def get_import_po(request: web.Request) -> web.Response:
    """The strings of one locale of a report as a PO file, with what happens to each as comment."""
    context = RequestContext(request)
    async with context.services.pool.connection(CATALOG) as connection:
        batch = await import_batches.get_import(connection, context.title_id, path_int(request, "id"))
    locale = context.report_locale(batch.report)
    with context.one_at_a_time():
        file = await imports.export_po(context.services.pool, batch, locale, run=context.run)
    return pages.download(file.data, name=file.name)


async def apply_import(request: web.Request) -> web.Response:
    """Write everything that a report announces, if the catalog is at the version that the page showed."""
    context = RequestContext(request)
    query_params(request)
    form = await read_form(request)
    with context.one_at_a_time():
        batch = await imports.apply_import(
            context.services.pool,
            context.principal,
            context.title_id,
            path_int(request, "id"),
            expected_version=form.whole("catalog_version"),
            run=context.run,
        )
    return pages.redirect(pages.address(context.title_id, "imports", batch.batch_id))


async def export(request: web.Request) -> web.Response:
    """The draft as a file for translators and their tools, or for a store."""
    context = RequestContext(request)
    kind, locale = context.export_params()
    with context.one_at_a_time():
        file = await export_file(
            context.services.pool, context.principal, context.title_id, kind, locale=locale, run=context.run
        )
    return pages.download(file.data, name=file.name)


def _options(form: Form) -> imports.ImportOptions:
    """How the form asks to read a file."""
    if form.get("format") not in ("", *IMPORT_FORMATS):
        raise InvalidField("format", " or ".join(IMPORT_FORMATS), form.get("format"))
    if form.get("mode", "merge") not in MODES:
        raise InvalidField("mode", " or ".join(MODES), form.get("mode"))
    locale = form.line("locale", 64)
    return imports.ImportOptions(
        format=form.get("format") or None,
        locale=locale_param("locale", locale) if locale else None,
        mode=next(mode for mode in MODES if mode == form.get("mode", "merge")),
        overwrite_approved=form.get("over_approved") == "yes",
    )


_IMPORT = "/l10n/{title}/imports/{id:[0-9]+}"

ROUTES = (
    Route(hdrs.METH_GET, "/l10n/{title}/imports", "imports", get_imports),
    Route(hdrs.METH_POST, "/l10n/{title}/imports", "read-file", post_import, TRANSFERS),
    Route(hdrs.METH_GET, _IMPORT, "report", get_import),
    Route(hdrs.METH_GET, f"{_IMPORT}.po", "report-po", get_import_po),
    Route(hdrs.METH_POST, f"{_IMPORT}/apply", "apply-report", apply_import, TRANSFERS),
    Route(hdrs.METH_GET, "/l10n/{title}/export", "export", export, TRANSFERS),
)
