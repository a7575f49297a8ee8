"""Imports of texts into a title: a file is staged as a batch with a report, and the batch applied whole or not at all.

Files are read, compared and made ready for writing by `run`: in a child process where the service serves players.
"""

import asyncio
import hashlib

import msgspec

from service.concurrency.processes import Run, in_place
from service.core.auth.permissions import may_localize
from service.core.auth.principal import Principal
from service.core.formats import read
from service.core.formats.registry import Files
from service.core.localization import import_batches
from service.core.localization.exports import ExportedFile
from service.core.localization.import_batches import ImportBatch, get_import
from service.core.localization.import_report import (
    ExistingText,
    Mode,
    Report,
    ReportSummary,
    State,
    compare,
    report_diagnostics,
    report_po,
    unreadable_report,
)
from service.core.publishing.draft_status import DraftStatus, get_draft_status
from service.core.publishing.drafts import (
    Author,
    NewText,
    TextWrites,
    lock_title,
    prepare_texts,
    stored_draft,
    write_prepared_texts,
)
from service.core.publishing.stored import StoredDraft
from service.core.validation.diagnostics import MAX_DIAGNOSTICS
from service.db import Connection
from service.db.limits import CATALOG, IMPORT
from service.db.pool import Pool
from service.db.queries import query
from service.errors import Conflict, Diagnostic, InvalidCatalog


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
    pool: Pool, principal: Principal, title_id: int, files: Files, options: ImportOptions, *, run: Run = in_place
) -> ImportBatch:
    """Compare files of one format with a title's draft, and store the report. Nothing else is written.

    The same files with the same options on the same catalog version give the same batch.

    Raises:
        NotFound: there is no such title.
        PermissionDenied: the principal may not apply what the files would change; no batch is stored.
    """
    sha256 = await asyncio.to_thread(_digest, files, options)
    async with pool.connection(IMPORT) as connection:
        basis = await _read_basis(connection, title_id, sha256)
    if basis.batch is not None:
        _may_apply(principal, title_id, basis.batch.report, basis.status.default_locale)
        return basis.batch
    compared = await run(_read_and_compare, files, options, basis)
    _may_apply(principal, title_id, compared.report, basis.status.default_locale)
    async with pool.transaction(IMPORT) as connection:
        return await _store(connection, principal, basis, compared)


async def import_texts(
    connection: Connection, principal: Principal, title_id: int, files: Files, options: ImportOptions
) -> Report:
    """Stage files, and apply their report at once unless it has errors. The connection must be in a transaction.

    Raises:
        NotFound: there is no such title.
        PermissionDenied: the principal lacks a right in one of the locales that the files change.
    """
    await lock_title(connection, title_id)
    basis = await _read_basis(connection, title_id, _digest(files, options))
    batch = basis.batch or await _store(connection, principal, basis, _read_and_compare(files, options, basis))
    _may_apply(principal, title_id, batch.report, basis.status.default_locale)
    report = await import_batches.read_report(connection, batch)
    if not batch.report.has_errors and batch.applied_at is None:
        draft = await stored_draft(connection, title_id)
        assert draft is not None  # noqa: S101  (its row is locked)
        await _apply(connection, principal, batch, _prepare_writes(report, draft))
    return msgspec.json.decode(report, type=Report)


async def export_po(pool: Pool, batch: ImportBatch, locale: str, *, run: Run = in_place) -> ExportedFile:
    """One locale of a batch's report as a PO file; "" is the locale of a file that cannot be read."""
    async with pool.connection(CATALOG) as connection:
        report = await import_batches.read_report(connection, batch)
    return ExportedFile(f"import-{batch.batch_id}-{locale or 'und'}.po", await run(_write_po, report, locale))


async def apply_import(
    pool: Pool,
    principal: Principal,
    title_id: int,
    batch_id: int,
    *,
    expected_version: int,
    run: Run = in_place,
) -> ImportBatch:
    """Write everything that a batch's report announces.

    `expected_version` is the catalog version that the caller has seen. A batch that is applied already is returned
    unchanged. No connection or lock is held until everything is ready to be written.

    Raises:
        NotFound: the title has no such batch.
        PermissionDenied: the principal lacks a right in one of the locales that the batch changes.
        Conflict: the draft changed after the report or after the caller looked; it carries the current version.
        InvalidCatalog: the report has errors.
    """
    async with pool.connection(IMPORT) as connection:
        batch = await _applicable(connection, principal, title_id, batch_id, expected_version)
        if batch.applied_at is not None:
            return batch
        report = await import_batches.read_report(connection, batch)
        draft = await stored_draft(connection, title_id)
    assert draft is not None  # noqa: S101  (a title is never deleted)
    if batch.report.has_errors:
        raise InvalidCatalog(await run(_errors, report, f"import-{batch_id}"))
    writes = await run(_prepare_writes, report, draft)
    async with pool.transaction(IMPORT) as connection:
        await lock_title(connection, title_id)
        batch = await _applicable(connection, principal, title_id, batch_id, expected_version)
        return batch if batch.applied_at is not None else await _apply(connection, principal, batch, writes)


class _Basis(msgspec.Struct, frozen=True, kw_only=True):
    """What files are compared with. `batch` is that of the same files on the same catalog version, if there is one.

    `states` is a JSON array of (locale, key, state, whether it is stale) for each text that is not simply translated.
    """

    status: DraftStatus
    sha256: bytes
    batch: ImportBatch | None = None
    draft: StoredDraft | None = None
    states: bytes = b"[]"


class _Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The report on files: in numbers, and whole as JSON."""

    format: str
    report: ReportSummary
    encoded: str


def _digest(files: Files, options: ImportOptions) -> bytes:
    content = [*msgspec.structs.astuple(options), *files, *files.values()]
    return hashlib.sha256(msgspec.msgpack.encode(content)).digest()


async def _read_basis(connection: Connection, title_id: int, sha256: bytes) -> _Basis:
    # The version is read first: a change after it makes the batch outdated, and an outdated batch is never applied.
    status = await get_draft_status(connection, title_id)
    known = await import_batches.find_batch(connection, title_id, sha256=sha256, catalog_version=status.catalog_version)
    if known is not None:
        return _Basis(status=status, sha256=sha256, batch=known)
    draft = await stored_draft(connection, title_id)
    states = (await _states.one(connection, title_id=title_id)).states
    return _Basis(status=status, sha256=sha256, draft=draft, states=states)


def _read_and_compare(files: Files, options: ImportOptions, basis: _Basis) -> _Compared:
    assert basis.draft is not None  # noqa: S101  (there is no batch yet)
    draft = basis.draft.decode()
    parsed = read.read(files, draft=draft, format=options.format, locale=options.locale)
    if parsed.diagnostics:
        report = unreadable_report(parsed.diagnostics, mode=options.mode, locale=options.locale)
    else:
        existing = {
            (locale, key): ExistingText(text, "translated", is_stale=False)
            for locale, texts in draft.texts.items()
            for key, text in texts.items()
        }
        for locale, key, state, is_stale in msgspec.json.decode(basis.states, type=list[tuple[str, str, State, bool]]):
            if (locale, key) in existing:
                existing[locale, key] = ExistingText(existing[locale, key].text, state, is_stale)
        report = compare(
            parsed.entries, draft, existing, mode=options.mode, overwrite_approved=options.overwrite_approved
        )
    return _Compared(format=parsed.format, report=report.summary, encoded=msgspec.json.encode(report).decode())


async def _store(connection: Connection, principal: Principal, basis: _Basis, compared: _Compared) -> ImportBatch:
    return await import_batches.add_batch(
        connection,
        basis.status.title_id,
        sha256=basis.sha256,
        catalog_version=basis.status.catalog_version,
        format=compared.format,
        report=compared.encoded,
        actor=principal.name,
    )


async def _applicable(
    connection: Connection, principal: Principal, title_id: int, batch_id: int, expected_version: int
) -> ImportBatch:
    """A batch that the principal may apply to the draft as it is, or that is applied already."""
    batch = await get_import(connection, title_id, batch_id)
    status = await get_draft_status(connection, title_id)
    _may_apply(principal, title_id, batch.report, status.default_locale)
    version = status.catalog_version
    if batch.applied_at is None and not version == expected_version == batch.catalog_version:
        raise Conflict(f"the catalog is at version {version}, the report is of {batch.catalog_version}", version)
    return batch


async def _apply(connection: Connection, principal: Principal, batch: ImportBatch, writes: TextWrites) -> ImportBatch:
    author = Author(actor=principal.name, batch_id=batch.batch_id)
    await write_prepared_texts(connection, batch.title_id, writes, author=author)
    return await import_batches.mark_applied(connection, batch, actor=principal.name)


def _prepare_writes(stored_report: bytes, stored: StoredDraft) -> TextWrites:
    lines = msgspec.json.decode(stored_report, type=Report).written
    new = [
        NewText(line.locale, line.key, line.text, line.state, is_stale=line.kind == "stale")
        for line in lines
        if line.text is not None
    ]
    draft = stored.decode()
    texts = {locale: dict(of_locale) for locale, of_locale in draft.texts.items()}
    for text in new:
        texts.setdefault(text.locale, {})[text.key] = text.text
    gone = [(line.locale, line.key) for line in lines if line.kind == "removed"]
    return prepare_texts(msgspec.structs.replace(draft, texts=texts), new, gone)


def _errors(stored_report: bytes, file: str) -> list[Diagnostic]:
    diagnostics = report_diagnostics(msgspec.json.decode(stored_report, type=Report), file=file)
    return [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"][:MAX_DIAGNOSTICS]


def _write_po(stored_report: bytes, locale: str) -> bytes:
    return report_po(msgspec.json.decode(stored_report, type=Report), locale)


def _may_apply(principal: Principal, title_id: int, report: ReportSummary, default_locale: str) -> None:
    """Allow a report to those who may write in every locale that it changes.

    Raises:
        PermissionDenied: a right is missing; the message names it.
    """
    for right, locale in report.rights(default_locale):
        may_localize(principal, right, title_id, locale)


class _StatesRow(msgspec.Struct, frozen=True):
    states: bytes


_states = query("texts.states", row=_StatesRow)
