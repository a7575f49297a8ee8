"""Exports of a title's texts and definitions as files: for translators and their tools, for stores, for a repository."""

from collections.abc import Collection

import msgspec

from service.concurrency.processes import Run, in_place
from service.core.auth.permissions import may_read_texts
from service.core.auth.principal import Principal
from service.core.catalog.model import Draft
from service.core.formats import write
from service.core.formats.registry import Export, ExportFormat
from service.core.publishing.drafts import stored_draft
from service.core.publishing.releases import served_draft
from service.core.publishing.stored import StoredDraft
from service.db import Connection
from service.db.limits import CATALOG
from service.db.pool import Pool
from service.errors import NotFound


class ExportedFile(msgspec.Struct, frozen=True):
    """One file to download: several files of a format are packed into a ZIP."""

    name: str
    data: bytes


async def export_file(
    pool: Pool,
    principal: Principal,
    title_id: int,
    format: str,  # noqa: A002  (the name that callers know it by)
    *,
    locale: str = "",
    run: Run = in_place,
) -> ExportedFile:
    """The draft of a title as one file, in one of `formats.write.DOWNLOAD_FORMATS`.

    `locale` chooses one PO file; the other formats ignore it. `run` decodes the draft and writes the file.

    Raises:
        PermissionDenied: the principal has no right on the title.
        NotFound: there is no such title.
        InvalidCatalog: the format cannot hold the title.
    """
    may_read_texts(principal, title_id)
    async with pool.connection(CATALOG) as connection:
        stored = await _stored_draft(connection, title_id)
    return await run(_download, stored, format, locale)


async def export_folder(
    pool: Pool,
    principal: Principal,
    title_id: int,
    format: ExportFormat,  # noqa: A002  (as above)
    *,
    locales: Collection[str] = (),
    published: bool = False,
) -> Export:
    """A title as the files of one format, by their path below one folder: its draft, or with `published` what is served.

    `locales` limits the texts to these and the default locale; all of them where it is empty.

    Raises:
        PermissionDenied: the principal has no right on the title.
        NotFound: there is no such title, nothing of it is published, or it has no texts in one of the locales.
        InvalidCatalog: the format cannot hold the title.
    """
    async with pool.connection(CATALOG) as connection:
        draft = await read_title(connection, principal, title_id, published=published)
    return write.export(_with_locales(draft, locales), format)


async def read_title(connection: Connection, principal: Principal, title_id: int, *, published: bool = False) -> Draft:
    """The draft of a title, or with `published` what is served of it.

    Raises:
        PermissionDenied: the principal has no right on the title.
        NotFound: there is no such title, or nothing of it is published.
    """
    may_read_texts(principal, title_id)
    stored = await _stored_draft(connection, title_id)
    if not published:
        return stored.decode()
    served = await served_draft(connection, title_id)
    if served is None:
        raise NotFound(f"nothing of title {title_id} is published")
    return served


async def _stored_draft(connection: Connection, title_id: int) -> StoredDraft:
    stored = await stored_draft(connection, title_id)
    if stored is None:
        raise NotFound(f"there is no title {title_id}")
    return stored


def _download(stored: StoredDraft, format: str, locale: str) -> ExportedFile:  # noqa: A002  (as above)
    return ExportedFile(*write.download(stored.decode(), format, locale=locale))


def _with_locales(draft: Draft, locales: Collection[str]) -> Draft:
    """The draft with the texts of these locales and of the default one; all of them where none is named."""
    unknown = sorted(set(locales) - draft.texts.keys())
    if unknown:
        known = ", ".join(sorted(draft.texts))
        raise NotFound(f"title {draft.title.title_id} has no texts in {unknown[0]}, only in {known}")
    wanted = {*locales, draft.title.default_locale} if locales else draft.texts.keys()
    texts = {locale: of_locale for locale, of_locale in draft.texts.items() if locale in wanted}
    return msgspec.structs.replace(draft, texts=texts)
