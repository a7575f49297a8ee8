"""`laurel catalog …`: import, export, check, publish and roll back the definitions and texts of titles."""

import contextlib
import pathlib
from collections.abc import AsyncIterator, Callable, Mapping

import click
import msgspec

from service.cli.catalog_check import check
from service.cli.catalog_files import ImportOptions, TextsFile, import_options, read_files
from service.cli.console import database_url, fail, migrated_pool, run, settings, steps
from service.core.auth.principal import OPERATOR
from service.core.catalog.model import U32
from service.core.events import backfill
from service.core.events.writer import Writer
from service.core.formats.registry import EXPORT_FORMATS, IMPORT_FORMATS, Export, ExportFormat, ImportFormat
from service.core.formats.title_folder import write_files
from service.core.localization import imports
from service.core.localization.exports import export_folder
from service.core.localization.import_report import MODES, Mode, report_diagnostics
from service.core.publishing.diff import DraftDiff
from service.core.publishing.drafts import draft_of, import_draft
from service.core.publishing.publish import preview_publish, publish_title, roll_back
from service.core.publishing.releases import MAX_RELEASE, list_releases
from service.core.publishing.snapshot import SnapshotStore
from service.db import Connection
from service.db.pool import Pool
from service.errors import Diagnostic, InvalidCatalog, NotFound

_SHOWN = 20  # achievements and texts of a diff; the rest is counted

_title = click.option("--title", "title_id", required=True, type=click.IntRange(1, U32 - 1), help="The title.")


@click.group("catalog")
def catalog() -> None:
    """Import, export, check and publish the definitions and texts of titles."""


catalog.add_command(check)


@catalog.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=pathlib.Path))
@import_options
@click.option(
    "--format", "forced", type=click.Choice(IMPORT_FORMATS), help="The format of the files, instead of detecting it."
)
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="merge",
    show_default=True,
    help="Of files of texts: keep what they lack, or make each of their locales exactly what they say.",
)
@click.option("--overwrite-approved", is_flag=True, help="Let files of texts replace approved texts.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--publish", "and_publish", is_flag=True, help="Publish the titles after the import.")
def import_(
    files: tuple[pathlib.Path, ...],
    *,
    options: ImportOptions,
    forced: ImportFormat | None,
    mode: Mode,
    overwrite_approved: bool,
    dry_run: bool,
    and_publish: bool,
) -> None:
    """Read and check FILES, and import all of them or none.

    Definitions come from a captured Xbox page (JSON), from Partner Center's localization.xml with achievements2017.xml,
    or from Laurel's TOML with its PO files. Texts of an existing title may also come alone: PO, localization.xml,
    Steam's VDF, Google Play's ZIP, Epic's CSV, or a CSV of key, source and locales.
    """
    how = imports.ImportOptions(locale=options.locale, mode=mode, overwrite_approved=overwrite_approved)
    with database_url(settings()) as url:
        run(lambda: _import(url, files, options, forced=forced, how=how, dry_run=dry_run, and_publish=and_publish))


async def _import(
    url: str,
    paths: tuple[pathlib.Path, ...],
    options: ImportOptions,
    *,
    forced: ImportFormat | None,
    how: imports.ImportOptions,
    dry_run: bool,
    and_publish: bool,
) -> None:
    async with migrated_pool(url) as pool, _transaction(pool, keep=not dry_run) as connection:
        known = None if options.title_id is None else await draft_of(connection, options.title_id)
        files = read_files(paths, options, forced=forced, known=known)
        _print_diagnostics(files.warnings)
        title_ids = [file.draft.title.title_id for file in files.definitions] + [file.title_id for file in files.texts]
        titles = dict.fromkeys(title_ids) if and_publish else {}
        with steps("import", len(files.definitions) + len(files.texts) + len(titles)) as step:
            for file in files.definitions:
                step(file.file)
                changes = await import_draft(connection, OPERATOR, file.draft, mode=file.mode, file=file.file)
                _print_changes(f"title {file.draft.title.title_id}", changes)
            await _import_texts(connection, files.texts, how, step)
            for title_id in titles:
                step(f"publishing title {title_id}")
                result = await publish_title(connection, OPERATOR, title_id)
                click.echo(f"title {title_id}: release {result.release} is published")
        if dry_run:
            click.echo("dry run: nothing was changed")


async def _import_texts(
    connection: Connection, files: list[TextsFile], how: imports.ImportOptions, step: Callable[[str], None]
) -> None:
    """Import files of texts in order, and print what changes.

    Raises:
        InvalidCatalog: a file has errors; it carries those of all files.
    """
    errors: list[Diagnostic] = []
    for file in files:
        step(file.file)
        options = msgspec.structs.replace(how, format=file.format)
        report = await imports.import_texts(connection, OPERATOR, file.title_id, {file.file: file.data}, options)
        diagnostics = report_diagnostics(report, file=file.file)
        errors += [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"]
        _print_diagnostics([diagnostic for diagnostic in diagnostics if diagnostic.severity == "warning"])
        _print_texts(file.title_id, {(line.locale, line.key): (line.before, line.text) for line in report.written})
    if errors:
        raise InvalidCatalog(errors)


@catalog.command("export")
@_title
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(path_type=pathlib.Path, file_okay=False),
    help="The folder to write to.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(EXPORT_FORMATS),
    default="toml",
    show_default=True,
    help="The format to write.",
)
@click.option(
    "--locale", "locales", multiple=True, help="Export only this locale and the default one; may be repeated."
)
@click.option("--published", is_flag=True, help="Export what is served instead of what is being edited.")
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


@catalog.command("publish")
@_title
@click.option("--dry-run", is_flag=True, help="Show what would change for players, and change nothing.")
def publish_(*, title_id: int, dry_run: bool) -> None:
    """Publish what is ready of a title: make it a release, and serve it."""
    with database_url(settings()) as url:
        run(lambda: _publish(url, title_id, dry_run=dry_run))


async def _publish(url: str, title_id: int, *, dry_run: bool) -> None:
    async with migrated_pool(url) as pool:
        if dry_run:
            await _preview_publish(pool, title_id)
            click.echo("dry run: nothing was changed")
            return
        async with pool.transaction() as connection:
            result = await publish_title(connection, OPERATOR, title_id)
        _print_changes(f"title {title_id}", result.changes)
        click.echo(f"title {title_id}: release {result.release} is published")


async def _preview_publish(pool: Pool, title_id: int) -> None:
    preview = await preview_publish(pool, title_id)
    if preview.errors:
        raise InvalidCatalog(preview.errors)
    _print_changes(f"title {title_id}", preview.changes)
    if preview.newly_earnable:
        writer = Writer(pool, SnapshotStore(pool))
        async with pool.connection() as connection:
            draft = await draft_of(connection, title_id)
        assert draft is not None  # noqa: S101  (it was compared with what is served)
        unlocked = await backfill.dry_run(pool, writer, draft, preview.newly_earnable)
        click.echo(f"of {unlocked.players} players there, for what they have reached already:")
        for number in preview.newly_earnable:
            click.echo(f"  {unlocked.unlocks.get(number, 0)} would unlock achievement {number}")


@catalog.command("rollback")
@_title
@click.option(
    "--release",
    type=click.IntRange(1, 2**31 - 1),
    help="The release to serve again; without it, all releases are listed.",
)
def rollback(*, title_id: int, release: int | None) -> None:
    """Serve an older release again; what is being edited does not change."""
    with database_url(settings()) as url:
        run(lambda: _rollback(url, title_id, release))


async def _rollback(url: str, title_id: int, release: int | None) -> None:
    async with migrated_pool(url) as pool, pool.transaction() as connection:
        if release is not None:
            await roll_back(connection, OPERATOR, title_id, release)
        releases = await list_releases(connection, title_id, count=MAX_RELEASE)
        if not releases:
            raise NotFound(f"there is no release of title {title_id}")
        for listed in releases:
            served = "  is served" if listed.is_served else ""
            click.echo(f"title {title_id}: release {listed.release} of {listed.created_at:%Y-%m-%dT%H:%M:%SZ}{served}")


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


def _print_changes(title: str, changes: DraftDiff) -> None:
    """Print changes: their numbers first, then changed texts, old and new."""
    if not changes:
        click.echo(f"{title}: nothing changes")
        return
    state = "new" if changes.title_is_new else "changed" if changes.title_changed else "unchanged"
    click.echo(
        f"{title}: title {state}; achievements {len(changes.added)} new, {len(changes.changed)} changed;"
        f" texts {len(changes.texts)} new or changed"
    )
    if changes.changed:
        click.echo(f"  changed: {', '.join(map(str, changes.changed[:_SHOWN]))}")
    _print_rewritten(changes.texts)


def _print_texts(title_id: int, texts: Mapping[tuple[str, str], tuple[str | None, str | None]]) -> None:
    """Print the texts that a file changes: (locale, key) → old and new text, where None means that there is none."""
    if not texts:
        click.echo(f"title {title_id}: nothing changes")
        return
    removed = sum(new is None for _, new in texts.values())
    click.echo(f"title {title_id}: texts {len(texts) - removed} new or changed, {removed} removed")
    _print_rewritten(texts)


def _print_rewritten(texts: Mapping[tuple[str, str], tuple[str | None, str | None]]) -> None:
    rewritten = [(place, old_and_new) for place, old_and_new in texts.items() if old_and_new[0] is not None]
    for (locale, key), (old, new) in rewritten[:_SHOWN]:
        click.echo(f"  {locale} {key}: {old!r} -> {new!r}")
    if len(rewritten) > _SHOWN:
        click.echo(f"  … and {len(rewritten) - _SHOWN} more texts")
