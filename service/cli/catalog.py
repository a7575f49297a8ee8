"""`laurel catalog …`: import, export, check, publish and roll back the definitions and texts of titles."""

import contextlib
import functools
import pathlib
from collections.abc import AsyncIterator

import click

from service.cli import catalog_check
from service.cli.catalog_check import REPORT_FORMATS, ReportFormat
from service.cli.catalog_files import DraftOf, ImportOptions, Places, locales_of, read_files
from service.cli.console import database_url, fail, migrated_pool, run, settings, steps
from service.core.auth.principal import OPERATOR
from service.core.catalog.model import Draft
from service.core.events import backfill
from service.core.events.writer import Writer
from service.core.formats.registry import EXPORT_FORMATS, IMPORT_FORMATS, Export, ExportFormat, ImportFormat
from service.core.formats.title_folder import write_files
from service.core.localization.exports import export_folder, read_title
from service.core.publishing.diff import DraftDiff, newly_earnable
from service.core.publishing.drafts import all_drafts, import_draft
from service.core.publishing.merge import merge_draft
from service.core.publishing.publish import publish_title, ready_draft, roll_back
from service.core.publishing.releases import list_releases
from service.core.publishing.snapshot import SnapshotStore
from service.core.validation import checks, publish_rules
from service.db import Connection
from service.db.pool import Pool
from service.db.service_keys import service_key
from service.errors import Diagnostic, InvalidCatalog, NotFound

_SHOWN_TEXTS = 20  # of a difference; the rest is counted


_locales = click.option(
    "--locales",
    type=click.Path(path_type=pathlib.Path),
    help="Where PO files are: by default in `locales` beside a TOML, or here.",
)
_scid = click.option("--scid", help="The service config id, for Partner Center's files of a new title.")
_product_id = click.option("--product-id", help="The product id, for the same.")
_name = click.option("--name", help="The title's name, for the same.")


@click.group("catalog")
def catalog() -> None:
    """Definitions and texts of titles, in and out."""


@catalog.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=pathlib.Path))
@click.option("--title", "title_id", type=click.IntRange(1, 2**32 - 1), help="The title, where the files do not say.")
@click.option("--format", "forced", type=click.Choice(IMPORT_FORMATS), help="Read them so, whatever they look like.")
@click.option("--locale", default="en-US", show_default=True, help="The language of a captured page.")
@_locales
@_scid
@_product_id
@_name
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--publish", "and_publish", is_flag=True, help="Publish the titles when all is in.")
def import_(
    files: tuple[pathlib.Path, ...],
    *,
    title_id: int | None,
    forced: ImportFormat | None,
    locale: str,
    locales: pathlib.Path | None,
    scid: str | None,
    product_id: str | None,
    name: str | None,
    dry_run: bool,
    and_publish: bool,
) -> None:
    """Read FILES, check everything, and take all of it in or nothing.

    A captured Xbox page (JSON), Partner Center's localization.xml with achievements2017.xml, or our TOML with its PO
    files; or texts alone of a title that is here: PO, localization.xml, Steam's VDF, Google Play's ZIP, Epic's CSV, or
    a CSV of key, source and locales.
    """
    given = ImportOptions(
        locales=locales, locale=locale, title_id=title_id, scid=scid, product_id=product_id, name=name
    )
    chosen = settings()
    with database_url(chosen) as url:
        run(lambda: _import(url, files, given, forced=forced, dry_run=dry_run, and_publish=and_publish))


async def _import(
    url: str,
    paths: tuple[pathlib.Path, ...],
    options: ImportOptions,
    *,
    forced: ImportFormat | None,
    dry_run: bool,
    and_publish: bool,
) -> None:
    async with migrated_pool(url) as pool, _transaction(pool, keep=not dry_run) as connection:
        drafts = await all_drafts(connection)
        files, warnings = read_files(paths, options, forced=forced, draft_of=drafts.get)
        _print_diagnostics(warnings)
        title_ids = dict.fromkeys(file.draft.title.title_id for file in files)
        with steps("import", len(files) + (len(title_ids) if and_publish else 0)) as step:
            for file in files:
                step(file.file)
                changes = await import_draft(connection, OPERATOR, file.draft, mode=file.mode, file=file.file)
                _print_changes(f"title {file.draft.title.title_id}", changes)
            for title_id in title_ids if and_publish else ():
                step(f"publishing title {title_id}")
                result = await publish_title(connection, OPERATOR, title_id)
                click.echo(f"title {title_id}: release {result.release} is published")
        if dry_run:
            click.echo("dry run: nothing was changed")


@catalog.command("export")
@click.option("--title", "title_id", required=True, type=click.IntRange(1, 2**32 - 1))
@click.option(
    "--to", "folder", required=True, type=click.Path(path_type=pathlib.Path, file_okay=False), help="Where to write."
)
@click.option(
    "--format", "kind", type=click.Choice(EXPORT_FORMATS), default="toml", show_default=True, help="What to write."
)
@click.option("--locale", "locales", multiple=True, help="Only this locale and the default one; may be given again.")
@click.option("--published", is_flag=True, help="What is served, instead of what is being edited.")
def export(
    *, title_id: int, folder: pathlib.Path, kind: ExportFormat, locales: tuple[str, ...], published: bool
) -> None:
    """Write a title as files of one format into a folder; the same title gives the same bytes."""
    with database_url(settings()) as url:
        files = run(lambda: _export(url, title_id, kind, locales, published=published))
    try:
        written = write_files(files.files, folder)
    except OSError as error:
        fail(f"{error.filename}: cannot be written: {error.strerror}")
    for what in files.left_out:
        click.echo(f"left out: {what}", err=True)
    for path in written:
        click.echo(path)


async def _export(url: str, title_id: int, kind: ExportFormat, locales: tuple[str, ...], *, published: bool) -> Export:
    async with migrated_pool(url) as pool:
        return await export_folder(pool, OPERATOR, title_id, kind, locales=locales, published=published)


@catalog.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=pathlib.Path))
@click.option("--title", "title_id", type=click.IntRange(1, 2**32 - 1), help="The title, where the files do not say.")
@_locales
@click.option("--locale", default="en-US", show_default=True, help="The language of a captured page.")
@_scid
@_product_id
@_name
@click.option(
    "--store",
    type=click.Choice(tuple(checks.STORE_LIMITS)),
    help="Where it is for: more than is taken there is an error.",
)
@click.option(
    "--format", "kind", type=click.Choice(REPORT_FORMATS), default="text", show_default=True, help="How to say it."
)
@click.option("--strict", is_flag=True, help="Warnings fail too.")
def check(
    files: tuple[pathlib.Path, ...],
    *,
    title_id: int | None,
    locales: pathlib.Path | None,
    locale: str,
    scid: str | None,
    product_id: str | None,
    name: str | None,
    store: str | None,
    kind: ReportFormat,
    strict: bool,
) -> None:
    """Check FILES by the rules of a publish and of good texts, or without files what is being edited of a title.

    Exit status 1 if there is an error.
    """
    if not files and title_id is None:
        fail("catalog check: give files, or --title")
    given = ImportOptions(
        locales=locales, locale=locale, title_id=title_id, scid=scid, product_id=product_id, name=name
    )
    found = _found_in_files(files, given, store) if files else _found_in_title(title_id or 0, store)
    catalog_check.print_report(found, kind)
    errors = sum(one.severity == "error" for one in found)
    summary = f"errors: {errors}, warnings: {len(found) - errors}"
    if errors or (strict and found):
        fail(summary)
    click.echo(summary, err=kind != "text")


def _found_in_title(title_id: int, store: str | None) -> list[Diagnostic]:
    with database_url(settings()) as url:
        draft = run(lambda: _draft(url, title_id))
    return _found(draft, store, file=f"title-{title_id}", places={})


def _found_in_files(files: tuple[pathlib.Path, ...], given: ImportOptions, store: str | None) -> list[Diagnostic]:
    """Of texts alone, what is said of the texts in the file: the rest of the title is not there to be mended."""
    draft_of = _named(given)
    try:
        incoming, warnings = read_files(files, given, forced=None, draft_of=draft_of)
    except InvalidCatalog as refusal:
        return list(refusal.diagnostics)
    found = warnings
    for one in incoming:
        if one.places:
            whole = merge_draft(draft_of(one.draft.title.title_id), one.draft, mode="partial")
            texts = catalog_check.of_texts(whole, store=store, file=one.file, places=one.places)
            found += [item for item in texts if (item.locale, item.key) in one.places]
        else:
            locales = locales_of(pathlib.Path(one.file), given)
            places = catalog_check.places_of(locales, one.draft) if one.mode == "complete" else {}
            found += _found(one.draft, store, file=one.file, places=places)
    return found


def _named(given: ImportOptions) -> DraftOf:
    """What is being edited of the title that was named; without a name, no database is needed, and none is asked."""

    def read(title_id: int) -> Draft | None:
        if given.title_id is None:
            return None
        with database_url(settings()) as url:
            return run(lambda: _draft(url, title_id))

    return functools.cache(read)


def _found(draft: Draft, store: str | None, *, file: str, places: Places) -> list[Diagnostic]:
    errors, warnings = publish_rules.check(draft, file=file)
    return [*warnings, *errors, *catalog_check.of_texts(draft, store=store, file=file, places=places)]


@catalog.command("publish")
@click.option("--title", "title_id", required=True, type=click.IntRange(1, 2**32 - 1))
@click.option("--dry-run", is_flag=True, help="Show what players would see changed, and change nothing.")
def publish_(*, title_id: int, dry_run: bool) -> None:
    """Make what is being edited a release, and serve it."""
    with database_url(settings()) as url:
        run(lambda: _publish(url, title_id, dry_run=dry_run))


async def _publish(url: str, title_id: int, *, dry_run: bool) -> None:
    async with migrated_pool(url) as pool:
        async with _transaction(pool, keep=not dry_run) as connection:
            draft, served = await ready_draft(connection, title_id)
            result = await publish_title(connection, OPERATOR, title_id)
        _print_changes(f"title {title_id}", result.changes)
        if not dry_run:
            click.echo(f"title {title_id}: release {result.release} is published")
            return
        earnable = newly_earnable(served, draft)
        if earnable:
            writer = Writer(pool, SnapshotStore(pool), erasure_key=await service_key(pool, "erasure"))
            preview = await backfill.dry_run(pool, writer, draft, earnable)
            click.echo(f"of {preview.players} players there, for what they have reached already:")
            for number in earnable:
                click.echo(f"  {preview.unlocks.get(number, 0)} would unlock achievement {number}")
    click.echo("dry run: nothing was changed")


@catalog.command("rollback")
@click.option("--title", "title_id", required=True, type=click.IntRange(1, 2**32 - 1))
@click.option("--release", type=click.IntRange(1), help="The release to serve again; without it, they are listed.")
def rollback(*, title_id: int, release: int | None) -> None:
    """Serve an older release again; what is being edited stays as it is."""
    with database_url(settings()) as url:
        run(lambda: _rollback(url, title_id, release))


async def _rollback(url: str, title_id: int, release: int | None) -> None:
    async with migrated_pool(url) as pool, pool.transaction() as connection:
        if release is not None:
            await roll_back(connection, OPERATOR, title_id, release)
        releases = await list_releases(connection, title_id)
        if not releases:
            raise NotFound(f"there is no release of title {title_id}")
        for known in releases:
            served = "  is served" if known.is_served else ""
            click.echo(f"title {title_id}: release {known.release} of {known.created_at}{served}")


async def _draft(url: str, title_id: int) -> Draft:
    async with migrated_pool(url) as pool, pool.connection() as connection:
        return await read_title(connection, OPERATOR, title_id)


@contextlib.asynccontextmanager
async def _transaction(pool: Pool, *, keep: bool) -> AsyncIterator[Connection]:
    """A transaction that is rolled back at the end unless `keep` is set."""
    with contextlib.suppress(_RollBack):
        async with pool.transaction() as connection:
            yield connection
            if not keep:
                raise _RollBack


class _RollBack(Exception):
    """Raised inside a transaction to roll it back."""


def _print_diagnostics(diagnostics: list[Diagnostic]) -> None:
    for diagnostic in diagnostics:
        click.echo(f"{diagnostic.severity}: {diagnostic}", err=True)


def _print_changes(what: str, changes: DraftDiff) -> None:
    """Print changes: their numbers first, then changed texts, old and new."""
    if not changes:
        click.echo(f"{what}: nothing changes")
        return
    title = "new" if changes.title_is_new else "changed" if changes.title_changed else "unchanged"
    click.echo(
        f"{what}: title {title}; achievements {len(changes.added)} new, {len(changes.changed)} changed;"
        f" texts {len(changes.texts)} new or changed"
    )
    if changes.changed:
        click.echo(f"  changed: {', '.join(map(str, changes.changed[:_SHOWN_TEXTS]))}")
    rewritten = [(place, pair) for place, pair in changes.texts.items() if pair[0] is not None]
    for (locale, key), (old, new) in rewritten[:_SHOWN_TEXTS]:
        click.echo(f"  {locale} {key}: {old!r} -> {new!r}")
    if len(rewritten) > _SHOWN_TEXTS:
        click.echo(f"  … and {len(rewritten) - _SHOWN_TEXTS} more texts")
