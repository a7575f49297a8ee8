"""Imports of texts into a title: a file is staged as a batch with a report, and the batch applied whole or not at all."""

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import datetime

import msgspec

from service.core.auth.permissions import may_localize
from service.core.auth.principal import Principal
from service.core.catalog.model import Draft
from service.core.formats import read
from service.core.formats.registry import Files
from service.core.localization.exports import ExportedFile
from service.core.localization.import_report import (
    ExistingText,
    Mode,
    Report,
    State,
    compare,
    report_diagnostics,
    report_po,
    unreadable_report,
)
from service.core.publishing.draft_status import DraftStatus, get_draft_status
from service.core.publishing.drafts import Author, NewText, draft_of, lock_title, write_texts
from service.db import Connection
from service.db.limits import CATALOG, IMPORT
from service.db.pool import Pool
from service.db.queries import query, statement
from service.errors import Conflict, InvalidCatalog, NotFound


class ImportBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A file that `actor` staged at `at`, compared with the draft of `catalog_version`.

    `applied_at` and `applied_by` are None until somebody applies it.
    """

    batch_id: int
    title_id: int
    catalog_version: int
    format: str
    report: Report
    actor: str
    at: datetime
    applied_by: str | None
    applied_at: datetime | None


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How files are read and merged into a draft.

    `format` is detected where it is None. `locale` is the language of files that do not state it, or the one to read of
    those with several.
    """

    format: str | None = None
    locale: str | None = None
    mode: Mode = "merge"
    overwrite_approved: bool = False


async def stage_import(
    pool: Pool, principal: Principal, title_id: int, files: Files, options: ImportOptions
) -> ImportBatch:
    """Compare files of one format with a title's draft, and store the report. Nothing else is written.

    The same files with the same options on the same catalog version give the same batch.

    Raises:
        NotFound: there is no such title.
        PermissionDenied: the principal may not apply what the files would change; no batch is stored.
    """
    async with pool.connection(CATALOG) as connection:
        basis = await _read_basis(connection, title_id, files, options)
    # Without a connection: a large file delays nobody else.
    compared = await _compare(principal, basis, files, options)
    if isinstance(compared, ImportBatch):
        return compared
    async with pool.transaction(IMPORT) as connection:
        return await _store(connection, principal, basis, compared)


async def import_texts(
    connection: Connection, principal: Principal, title_id: int, files: Files, options: ImportOptions
) -> ImportBatch:
    """Stage files, and apply their report at once unless it has errors. The connection must be in a transaction.

    Raises:
        NotFound: there is no such title.
        PermissionDenied: the principal lacks a right in one of the locales that the files change.
    """
    await lock_title(connection, title_id)
    basis = await _read_basis(connection, title_id, files, options)
    compared = await _compare(principal, basis, files, options)
    batch = compared if isinstance(compared, ImportBatch) else await _store(connection, principal, basis, compared)
    return batch if batch.report.has_errors else await _apply(connection, principal, batch)


async def get_import(connection: Connection, title_id: int, batch_id: int) -> ImportBatch:
    """One batch of a title.

    Raises:
        NotFound: the title has no such batch.
    """
    row = await _get_batch.first(connection, title_id=title_id, batch_id=batch_id)
    if row is None:
        raise NotFound(f"title {title_id} has no import {batch_id}")
    return row.batch()


def export_report(batch: ImportBatch, locale: str) -> ExportedFile:
    """One locale of a batch's report as a PO file; "" is the locale of a file that cannot be read."""
    return ExportedFile(f"import-{batch.batch_id}-{locale or 'und'}.po", report_po(batch.report, locale))


async def apply_import(
    connection: Connection, principal: Principal, title_id: int, batch_id: int, *, expected_version: int
) -> ImportBatch:
    """Write everything that a batch's report announces. The connection must be in a transaction.

    `expected_version` is the catalog version that the caller has seen. A batch that is applied already is returned
    unchanged.

    Raises:
        NotFound: the title has no such batch.
        PermissionDenied: the principal lacks a right in one of the locales that the batch changes.
        Conflict: the draft changed after the report or after the caller looked; it carries the current version.
        InvalidCatalog: the report has errors.
    """
    await lock_title(connection, title_id)
    batch = await get_import(connection, title_id, batch_id)
    status = await get_draft_status(connection, title_id)
    _may_apply(principal, title_id, batch.report, status.default_locale)
    if batch.applied_at is not None:
        return batch
    version = status.catalog_version
    if not version == expected_version == batch.catalog_version:
        raise Conflict(f"the catalog is at version {version}, the report is of {batch.catalog_version}", version)
    if batch.report.has_errors:
        diagnostics = report_diagnostics(batch.report, file=f"import-{batch.batch_id}")
        raise InvalidCatalog([diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"])
    return await _apply(connection, principal, batch)


class _Basis(msgspec.Struct, frozen=True, kw_only=True):
    """What files are compared with. `batch` is that of the same files on the same catalog version, if there is one."""

    status: DraftStatus
    sha256: bytes
    batch: ImportBatch | None = None
    draft: Draft | None = None
    existing: Mapping[tuple[str, str], ExistingText] = {}


class _Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The report on files, and the same as JSON."""

    format: str
    report: Report
    encoded: str


async def _read_basis(connection: Connection, title_id: int, files: Files, options: ImportOptions) -> _Basis:
    content = [*msgspec.structs.astuple(options), *files, *files.values()]
    sha256 = hashlib.sha256(msgspec.msgpack.encode(content)).digest()
    # The version is read first: a change after it makes the batch outdated, and an outdated batch is never applied.
    status = await get_draft_status(connection, title_id)
    version = status.catalog_version
    known = await _find_batch.first(connection, title_id=title_id, sha256=sha256, catalog_version=version)
    if known is not None:
        return _Basis(status=status, sha256=sha256, batch=known.batch())
    draft = await draft_of(connection, title_id)
    rows = await _existing_texts.all(connection, title_id=title_id)
    existing = {(row.locale, row.key): ExistingText(row.text, row.state, row.is_stale) for row in rows}
    return _Basis(status=status, sha256=sha256, draft=draft, existing=existing)


async def _compare(
    principal: Principal, basis: _Basis, files: Files, options: ImportOptions
) -> "ImportBatch | _Compared":
    """Compare files in a thread; the batch of `basis`, if it has one.

    Raises:
        PermissionDenied: the principal may not apply what the files would change.
    """
    draft, title_id, default_locale = basis.draft, basis.status.title_id, basis.status.default_locale
    if basis.batch is not None or draft is None:
        assert basis.batch is not None  # noqa: S101  (there is a draft or a batch)
        _may_apply(principal, title_id, basis.batch.report, default_locale)
        return basis.batch

    def read_and_compare() -> _Compared:
        parsed = read.read(files, draft=draft, format=options.format, locale=options.locale)
        if parsed.diagnostics:
            report = unreadable_report(parsed.diagnostics, mode=options.mode, locale=options.locale)
        else:
            report = compare(
                parsed.entries,
                draft,
                basis.existing,
                mode=options.mode,
                overwrite_approved=options.overwrite_approved,
            )
        return _Compared(format=parsed.format, report=report, encoded=msgspec.json.encode(report).decode())

    compared = await asyncio.to_thread(read_and_compare)
    _may_apply(principal, title_id, compared.report, default_locale)
    return compared


async def _store(connection: Connection, principal: Principal, basis: _Basis, compared: _Compared) -> ImportBatch:
    title_id, version = basis.status.title_id, basis.status.catalog_version
    await _delete_expired.run(connection, title_id=title_id)
    added = await _add_batch.first(
        connection,
        title_id=title_id,
        catalog_version=version,
        sha256=basis.sha256,
        format=compared.format,
        report=compared.encoded,
        actor=principal.name,
    )
    # None: the same files were staged at the same time, so the batch exists by now.
    row = added or await _find_batch.one(connection, title_id=title_id, sha256=basis.sha256, catalog_version=version)
    return row.batch()


async def _apply(connection: Connection, principal: Principal, batch: ImportBatch) -> ImportBatch:
    """Write a batch whose report has no errors; one that was applied before is returned unchanged."""
    if batch.applied_at is not None:
        return batch
    await _write_batch(connection, principal, batch)
    row = await _mark_applied.one(connection, title_id=batch.title_id, batch_id=batch.batch_id, actor=principal.name)
    return row.batch()


async def _write_batch(connection: Connection, principal: Principal, batch: ImportBatch) -> None:
    lines = batch.report.written
    if not lines:
        return
    draft = await draft_of(connection, batch.title_id)
    assert draft is not None  # noqa: S101  (its row is locked)
    new = [
        NewText(line.locale, line.key, line.text, line.state, is_stale=line.kind == "stale")
        for line in lines
        if line.text is not None
    ]
    texts = {locale: dict(of_locale) for locale, of_locale in draft.texts.items()}
    for text in new:
        texts.setdefault(text.locale, {})[text.key] = text.text
    await write_texts(
        connection,
        msgspec.structs.replace(draft, texts=texts),
        new,
        [(line.locale, line.key) for line in lines if line.kind == "removed"],
        author=Author(actor=principal.name, batch_id=batch.batch_id),
    )


def _may_apply(principal: Principal, title_id: int, report: Report, default_locale: str) -> None:
    """Allow a report to those who may write in every locale that it changes.

    Raises:
        PermissionDenied: a right is missing; the message names it.
    """
    for right, locale in report.rights(default_locale):
        may_localize(principal, right, title_id, locale)


class _BatchRow(msgspec.Struct, frozen=True):
    batch_id: int
    title_id: int
    catalog_version: int
    format: str
    report: str
    actor: str
    at: datetime
    applied_by: str | None
    applied_at: datetime | None

    def batch(self) -> ImportBatch:
        fields = msgspec.structs.asdict(self)
        return ImportBatch(**(fields | {"report": msgspec.json.decode(self.report, type=Report)}))


class _ExistingTextRow(msgspec.Struct, frozen=True):
    locale: str
    key: str
    text: str
    state: State
    is_stale: bool


_find_batch = query("imports.find_batch", row=_BatchRow)
_get_batch = query("imports.get_batch", row=_BatchRow)
_add_batch = query("imports.add_batch", row=_BatchRow)
_mark_applied = query("imports.mark_applied", row=_BatchRow)
_delete_expired = statement("imports.delete_expired")
_existing_texts = query("texts.existing_texts", row=_ExistingTextRow)
