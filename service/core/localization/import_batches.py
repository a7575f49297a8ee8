"""Import batches as they are stored: files that somebody had read, with what they would change."""

from datetime import datetime

import msgspec

from service.core.localization.import_report import ReportLine, ReportSummary
from service.db import Connection
from service.db.queries import query, statement
from service.errors import NotFound


class ImportBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A file that `actor` staged at `at`, compared with the draft of `catalog_version`.

    `applied_at` and `applied_by` are None until somebody applies it.
    """

    batch_id: int
    title_id: int
    catalog_version: int
    format: str
    report: ReportSummary
    actor: str
    at: datetime
    applied_by: str | None
    applied_at: datetime | None


async def get_import(connection: Connection, title_id: int, batch_id: int) -> ImportBatch:
    """One batch of a title.

    Raises:
        NotFound: the title has no such batch.
    """
    row = await _get_batch.first(connection, title_id=title_id, batch_id=batch_id)
    if row is None:
        raise NotFound(f"title {title_id} has no import {batch_id}")
    return row.batch()


async def list_lines(connection: Connection, batch: ImportBatch, part: range) -> list[ReportLine]:
    """The lines of a batch's report at these positions."""
    row = await _lines.one(
        connection, title_id=batch.title_id, batch_id=batch.batch_id, first=part.start, last=part.stop
    )
    return msgspec.json.decode(row.content, type=list[ReportLine])


async def read_report(connection: Connection, batch: ImportBatch) -> bytes:
    """The whole report of a batch, an `import_report.Report` as JSON."""
    return (await _report.one(connection, title_id=batch.title_id, batch_id=batch.batch_id)).content


async def find_batch(
    connection: Connection, title_id: int, *, sha256: bytes, catalog_version: int
) -> ImportBatch | None:
    """The batch of the same files on the same catalog version, if there is one."""
    row = await _find_batch.first(connection, title_id=title_id, sha256=sha256, catalog_version=catalog_version)
    return None if row is None else row.batch()


async def add_batch(
    connection: Connection,
    title_id: int,
    *,
    sha256: bytes,
    catalog_version: int,
    format: str,  # noqa: A002  (the name that callers know it by)
    report: str,
    actor: str,
) -> ImportBatch:
    """Store a batch with its report as JSON, and delete the title's expired ones."""
    await _delete_expired.run(connection, title_id=title_id)
    key = {"title_id": title_id, "sha256": sha256, "catalog_version": catalog_version}
    added = await _add_batch.first(connection, **key, format=format, report=report, actor=actor)
    # None: the same files were staged at the same time, so the batch exists by now.
    return (added or await _find_batch.one(connection, **key)).batch()


async def mark_applied(connection: Connection, batch: ImportBatch, *, actor: str) -> ImportBatch:
    """Mark a batch as applied, and return it as it is then."""
    row = await _mark_applied.one(connection, title_id=batch.title_id, batch_id=batch.batch_id, actor=actor)
    return row.batch()


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
        return ImportBatch(**(fields | {"report": msgspec.json.decode(self.report, type=ReportSummary)}))


class _ContentRow(msgspec.Struct, frozen=True):
    content: bytes


_find_batch = query("imports.find_batch", row=_BatchRow)
_get_batch = query("imports.get_batch", row=_BatchRow)
_add_batch = query("imports.add_batch", row=_BatchRow)
_mark_applied = query("imports.mark_applied", row=_BatchRow)
_lines = query("imports.lines", row=_ContentRow)
_report = query("imports.report", row=_ContentRow)
_delete_expired = statement("imports.delete_expired")
