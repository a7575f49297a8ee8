"""Files in and out: uploaded and reported on, applied as they were reported, and downloaded."""

from typing import get_args

from aiohttp import hdrs, web

from service.api.workbench import pages
from service.api.workbench.context import RequestContext
from service.api.workbench.forms import read_form, read_upload
from service.core.formats.registry import EXPORT_FORMATS, IMPORT_FORMATS
from service.core.formats.write import DOWNLOAD_FORMATS, download
from service.core.localization import coverage, imports, strings
from service.core.localization.import_report import Mode, report_po
from service.core.publishing.drafts import draft_of
from service.errors import InvalidField, InvalidParameter, NotFound
from service.http.api import Route
from service.http.params import choice, locale_param, path_int, query_params

SHOWN = 300  # lines of a report
_MODES: tuple[Mode, ...] = get_args(Mode)
_READ_AS = ("", *(str(kind) for kind in IMPORT_FORMATS))


async def import_page(request: web.Request) -> web.Response:
    """Where a file is chosen, to be read or to be downloaded."""
    context = RequestContext(request)
    query_params(request)
    async with context.services.pool.connection() as connection:
        title = await coverage.of_title(connection, context.title_id)
    return pages.render_page(
        request,
        "imports.html",
        title_id=context.title_id,
        title=title,
        modes=_MODES,
        formats=_READ_AS[1:],
        exports=EXPORT_FORMATS,
    )


async def post_import(request: web.Request) -> web.Response:
    """Read a file and keep the report; nothing else is written."""
    context = RequestContext(request)
    query_params(request)
    upload = await read_upload(request)
    form = upload.form
    if form.get("format") not in _READ_AS:
        raise InvalidField("format", " or ".join(_READ_AS[1:]), form.get("format"))
    if form.get("mode", "merge") not in _MODES:
        raise InvalidField("mode", " or ".join(_MODES), form.get("mode"))
    where = form.line("locale", 64)
    batch = await imports.read_files(
        context.services.pool,
        context.title_id,
        {upload.name: upload.data},
        who=context.who,
        format=form.get("format") or None,
        locale=locale_param("locale", where) if where else None,
        mode=next(mode for mode in _MODES if mode == form.get("mode", "merge")),
        overwrite_approved=form.get("over_approved") == "yes",
    )
    return pages.redirect(pages.address(context.title_id, "imports", batch.batch_id))


async def get_import(request: web.Request) -> web.Response:
    """The report of a file: what it would change, or did."""
    context = RequestContext(request)
    query_params(request)
    async with context.services.pool.connection() as connection:
        batch = await imports.get_batch(connection, context.title_id, path_int(request, "id"))
        editing = await strings.get_draft_status(connection, context.title_id)
    return pages.render_page(
        request,
        "import.html",
        title_id=context.title_id,
        batch=batch,
        lines=batch.report.lines[:SHOWN],
        more=max(0, len(batch.report.lines) - SHOWN),
        is_current=batch.catalog_version == editing.catalog_version,
        may_apply=all(context.may(right, where) for right, where in batch.report.rights(editing.default_locale)),
    )


async def get_import_po(request: web.Request) -> web.Response:
    """The strings of one locale of a report as a PO file, each with what is to be said of it."""
    context = RequestContext(request)
    where = query_params(request, "locale")["locale"]
    async with context.services.pool.connection() as connection:
        batch = await imports.get_batch(connection, context.title_id, path_int(request, "id"))
    if where not in batch.report.counts:
        raise InvalidParameter("locale", f"one of the report: {', '.join(sorted(batch.report.counts))}", where)
    return pages.download(report_po(batch.report, where), name=f"import-{batch.batch_id}-{where or 'und'}.po")


async def apply_import(request: web.Request) -> web.Response:
    """Write what a report says, all of it, if the catalogue still is the one that it saw."""
    context = RequestContext(request)
    query_params(request)
    form = await read_form(request)
    async with context.services.pool.transaction() as connection:
        batch = await imports.get_batch(connection, context.title_id, path_int(request, "id"))
        imports.may_apply(
            context.who, batch, (await strings.get_draft_status(connection, context.title_id)).default_locale
        )
        await imports.apply_batch(
            connection,
            context.title_id,
            batch.batch_id,
            catalog_version=form.whole("catalog_version"),
            actor=context.who.name,
        )
    return pages.redirect(pages.address(context.title_id, "imports", batch.batch_id))


async def export(request: web.Request) -> web.Response:
    """What is being edited as a file for translators and their tools, or for a store."""
    context = RequestContext(request)
    asked = query_params(request, "format", "locale")
    kind = choice("format", asked["format"] or "po", DOWNLOAD_FORMATS)
    where = locale_param("locale", asked["locale"]) if kind == "po" and asked["locale"] else ""
    async with context.services.pool.connection() as connection:
        draft = await draft_of(connection, context.title_id)
    if draft is None:
        raise NotFound(f"there is no title {context.title_id}")
    name, data = download(draft, kind, locale=where)
    return pages.download(data, name=name)


_ONE = "/l10n/{title}/imports/{id:[0-9]+}"

ROUTES = (
    Route(hdrs.METH_GET, "/l10n/{title}/imports", "imports", import_page),
    Route(hdrs.METH_POST, "/l10n/{title}/imports", "read-file", post_import),
    Route(hdrs.METH_GET, _ONE, "report", get_import),
    Route(hdrs.METH_GET, f"{_ONE}.po", "report-po", get_import_po),
    Route(hdrs.METH_POST, f"{_ONE}/apply", "apply-report", apply_import),
    Route(hdrs.METH_GET, "/l10n/{title}/export", "export", export),
)
