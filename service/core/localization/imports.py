"""Files of texts for a title that is there: read and compared first, applied as they were compared or not at all."""

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import datetime

import msgspec

from service.core.auth.permissions import may_localize
from service.core.auth.principal import Principal
from service.core.formats import read
from service.core.localization.import_report import (
    WRITES,
    ExistingText,
    Mode,
    Report,
    State,
    compare,
    unreadable_report,
)
from service.core.localization.strings import get_draft_status
from service.core.publishing.drafts import Author, NewText, draft_of, lock_title, write_texts
from service.db import Connection
from service.db.pool import Pool
from service.db.queries import query, statement
from service.errors import Conflict, Diagnostic, InvalidCatalog, NotFound


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was read and compared with the catalogue of `catalog_version`, by `actor`, at `at`.

    `applied_at` and `applied_by` are None while nobody applied it.
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


async def read_files(
    pool: Pool,
    title_id: int,
    files: Mapping[str, bytes],
    *,
    who: Principal,
    format: str | None = None,  # noqa: A002  (the name that callers know it by)
    locale: str | None = None,
    mode: Mode = "merge",
    overwrite_approved: bool = False,
) -> Batch:
    """Compare files of one format with what is being edited, and keep the report. Nothing else is written.

    The same files, read in the same way on the same state of the catalogue, are the same batch. Reading goes on in a
    thread: a large file holds up nobody, and holds no connection.

    Raises:
        NotFound: there is no such title.
        PermissionDenied: `who` may not apply what the file would change: nothing is kept then.
    """
    asked = [format, locale, mode, overwrite_approved, *files, *files.values()]
    sha256 = hashlib.sha256(msgspec.msgpack.encode(asked)).digest()
    async with pool.connection() as connection:
        # The version comes first: whatever is written meanwhile makes it an old one, which is never applied.
        version = (await get_draft_status(connection, title_id)).catalog_version
        known = await _known.first(connection, title_id=title_id, sha256=sha256, catalog_version=version)
        if known is not None:
            may_apply(who, known.batch(), (await get_draft_status(connection, title_id)).default_locale)
            return known.batch()
        draft = await draft_of(connection, title_id)
        there = {
            (row.locale, row.key): ExistingText(row.text, row.state, row.is_stale)
            for row in await _standing.all(connection, title_id=title_id)
        }
    assert draft is not None  # noqa: S101  (there is a version of it)

    def compared() -> tuple[str, Report]:
        found = read.read(files, draft=draft, format=format, locale=locale)
        if found.diagnostics:
            report = unreadable_report(found.diagnostics, mode=mode, locale=locale)
        else:
            report = compare(found.entries, draft, there, mode=mode, overwrite_approved=overwrite_approved)
        return found.format, report

    found_format, report = await asyncio.to_thread(compared)
    _may_write(who, title_id, report, draft.title.default_locale)
    encoded = (await asyncio.to_thread(msgspec.json.encode, report)).decode()
    async with pool.transaction() as connection:
        await _forget.run(connection, title_id=title_id)
        added = await _add.first(
            connection,
            title_id=title_id,
            catalog_version=version,
            sha256=sha256,
            format=found_format,
            report=encoded,
            actor=who.name,
        )
        # None: somebody else sent the same at the same time, and it is there by now.
        row = added or await _known.one(connection, title_id=title_id, sha256=sha256, catalog_version=version)
    return row.batch()


def may_apply(who: Principal, batch: Batch, default_locale: str) -> None:
    """Let those apply a batch who may write in every locale that it changes.

    Raises:
        PermissionDenied: a right is missing; the message names it.
    """
    _may_write(who, batch.title_id, batch.report, default_locale)


def _may_write(who: Principal, title_id: int, report: Report, default_locale: str) -> None:
    for right, where in report.rights(default_locale):
        may_localize(who, right, title_id, where)


async def get_batch(connection: Connection, title_id: int, batch_id: int) -> Batch:
    """One batch of a title.

    Raises:
        NotFound: the title has none of that number.
    """
    row = await _one.first(connection, title_id=title_id, batch_id=batch_id)
    if row is None:
        raise NotFound(f"title {title_id} has no import {batch_id}")
    return row.batch()


async def apply_batch(
    connection: Connection, title_id: int, batch_id: int, *, catalog_version: int, actor: str
) -> Batch:
    """Write what the report says, all of it. The connection must be in a transaction.

    A batch that was applied already is given as it is.

    Raises:
        NotFound: the title has no such batch.
        Conflict: the catalogue is not the one that the report saw, or that the caller saw; it carries the version.
        InvalidCatalog: the report has errors.
    """
    await lock_title(connection, title_id)
    batch = await get_batch(connection, title_id, batch_id)
    if batch.applied_at is not None:
        return batch
    version = (await get_draft_status(connection, title_id)).catalog_version
    if not version == catalog_version == batch.catalog_version:
        raise Conflict(f"the catalogue is at version {version}, the report is of {batch.catalog_version}", version)
    if batch.report.has_errors:
        raise InvalidCatalog(_errors(batch))
    draft = await draft_of(connection, title_id)
    assert draft is not None  # noqa: S101  (its row is locked)
    lines = [line for line in batch.report.lines if line.kind in WRITES]
    new = [
        NewText(line.locale, line.key, line.text, line.state, is_stale=line.kind == "stale")
        for line in lines
        if line.text is not None
    ]
    texts = {locale: dict(found) for locale, found in draft.texts.items()}
    for text in new:
        texts.setdefault(text.locale, {})[text.key] = text.text
    gone = [(line.locale, line.key) for line in lines if line.kind == "removed"]
    if lines:
        edited = msgspec.structs.replace(draft, texts=texts)
        author = Author(actor=actor, origin="import", batch_id=batch_id)
        await write_texts(connection, edited, new, gone, author=author)
    return (await _applied.one(connection, title_id=title_id, batch_id=batch_id, actor=actor)).batch()


def _errors(batch: Batch) -> list[Diagnostic]:
    return [
        Diagnostic(
            file=f"import-{batch.batch_id}",
            rule=line.rule or "error",
            message=line.message or "",
            line=line.line,
            key=line.key or None,
        )
        for line in batch.report.lines
        if line.kind == "error"
    ]


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

    def batch(self) -> Batch:
        fields = msgspec.structs.asdict(self)
        return Batch(**(fields | {"report": msgspec.json.decode(self.report, type=Report)}))


class _StandingRow(msgspec.Struct, frozen=True):
    locale: str
    key: str
    text: str
    state: State
    is_stale: bool


_known = query("imports.known", row=_BatchRow)
_one = query("imports.one", row=_BatchRow)
_add = query("imports.add", row=_BatchRow)
_applied = query("imports.applied", row=_BatchRow)
_forget = statement("imports.forget")
_standing = query("texts.standing", row=_StandingRow)
