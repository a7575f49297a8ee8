"""`laurel catalog …`: definitions and texts in and out, checked, published, and taken back."""

import contextlib
import functools
import pathlib
from collections.abc import AsyncIterator

import click
import msgspec

from service.cli import check_report
from service.cli.catalog_files import DraftOf, ImportOptions, Places, locales_of, read_files
from service.cli.check_report import REPORT_FORMATS, ReportFormat
from service.cli.console import database_url, fail, migrated_pool, run, settings, steps
from service.core.catalog.model import Draft
from service.core.events import backfill
from service.core.events.writer import Writer
from service.core.formats import write
from service.core.formats.registry import EXPORT_FORMATS, IMPORT_FORMATS, ExportFormat, ImportFormat
from service.core.formats.title_folder import write_files
from service.core.publishing import publish
from service.core.publishing.publish import DraftDiff
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
    files: tuple[pathlib.Path, ...],
    given: ImportOptions,
    *,
    forced: ImportFormat | None,
    dry_run: bool,
    and_publish: bool,
) -> None:
    async with migrated_pool(url) as pool, _transaction(pool, keep=not dry_run) as connection:
        known = await publish.drafts(connection)
        incoming, warnings = read_files(files, given, forced=forced, draft_of=known.get)
        _print_diagnostics(warnings)
        titles = dict.fromkeys(one.draft.title.title_id for one in incoming)
        with steps("import", len(incoming) + (len(titles) if and_publish else 0)) as step:
            for one in incoming:
                step(one.file)
                changes = await publish.import_draft(connection, one.draft, is_whole=one.is_whole, file=one.file)
                _show(f"title {one.draft.title.title_id}", changes)
            for title_id in titles if and_publish else ():
                step(f"publishing title {title_id}")
                release, _ = await publish.publish(connection, title_id)
                click.echo(f"title {title_id}: release {release} is published")
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
    """Write a title as files of one format below a folder, the same bytes for the same title."""
    with database_url(settings()) as url:
        draft = run(lambda: _draft(url, title_id, published=published))
    try:
        made = write.export(_only(draft, locales), kind)
        written = write_files(made.files, folder)
    except InvalidCatalog as refusal:
        fail(refusal)
    except OSError as error:
        fail(f"{error.filename}: cannot be written: {error.strerror}")
    for what in made.left_out:
        click.echo(f"left out: {what}", err=True)
    for path in written:
        click.echo(path)


def _only(draft: Draft, locales: tuple[str, ...]) -> Draft:
    """The draft with the texts of these locales and of the default one; all of them where none is named."""
    unknown = sorted(set(locales) - draft.texts.keys())
    if unknown:
        fail(f"--locale: there are no {unknown[0]} texts; there are {', '.join(sorted(draft.texts))}")
    wanted = {*locales, draft.title.default_locale} if locales else draft.texts.keys()
    texts = {locale: texts for locale, texts in draft.texts.items() if locale in wanted}
    return msgspec.structs.replace(draft, texts=texts)


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
    check_report.print_report(found, kind)
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
            whole = publish.merge_draft(draft_of(one.draft.title.title_id), one.draft, is_whole=False)
            texts = check_report.of_texts(whole, store=store, file=one.file, places=one.places)
            found += [item for item in texts if (item.locale, item.key) in one.places]
        else:
            places = (
                check_report.places_of(locales_of(pathlib.Path(one.file), given), one.draft) if one.is_whole else {}
            )
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
    return [*warnings, *errors, *check_report.of_texts(draft, store=store, file=file, places=places)]


@catalog.command("publish")
@click.option("--title", "title_id", required=True, type=click.IntRange(1, 2**32 - 1))
@click.option("--dry-run", is_flag=True, help="Show what players would see changed, and change nothing.")
def publish_(*, title_id: int, dry_run: bool) -> None:
    """Make what is being edited a release, and serve it."""
    with database_url(settings()) as url:
        run(lambda: _publish(url, title_id, dry_run=dry_run))


async def _publish(url: str, title_id: int, *, dry_run: bool) -> None:
    async with migrated_pool(url) as pool:
        async with pool.connection() as connection:
            draft = await publish.draft_of(connection, title_id)
            opened = (
                () if draft is None else publish.newly_earnable(await publish.served_draft(connection, title_id), draft)
            )
        async with _transaction(pool, keep=not dry_run) as connection:
            release, changes = await publish.publish(connection, title_id)
        _show(f"title {title_id}", changes)
        if dry_run and draft is not None and opened:
            writer = Writer(pool, SnapshotStore(pool), erasure_key=await service_key(pool, "erasure"))
            foreseen = await backfill.dry_run(pool, writer, draft, opened)
            click.echo(f"of {foreseen.players} players there, for what they have reached already:")
            for number in opened:
                click.echo(f"  {foreseen.unlocks.get(number, 0)} would unlock achievement {number}")
    click.echo("dry run: nothing was changed" if dry_run else f"title {title_id}: release {release} is published")


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
            await publish.rollback(connection, title_id, release)
        releases = await publish.list_releases(connection, title_id)
        if not releases:
            raise NotFound(f"there is no release of title {title_id}")
        for known in releases:
            served = "  is served" if known.is_served else ""
            click.echo(f"title {title_id}: release {known.release} of {known.created_at}{served}")


async def _draft(url: str, title_id: int, *, published: bool = False) -> Draft:
    """What is being edited of a title, or what is served of it."""
    async with migrated_pool(url) as pool, pool.connection() as connection:
        draft = await publish.draft_of(connection, title_id)
        if draft is None:
            raise NotFound(f"there is no title {title_id}")
        if published:
            draft = await publish.served_draft(connection, title_id)
    if draft is None:
        raise NotFound(f"nothing of title {title_id} is published")
    return draft


@contextlib.asynccontextmanager
async def _transaction(pool: Pool, *, keep: bool) -> AsyncIterator[Connection]:
    """A transaction that is rolled back in the end unless its work is to be kept."""
    with contextlib.suppress(_NotKept):
        async with pool.transaction() as connection:
            yield connection
            if not keep:
                raise _NotKept


class _NotKept(Exception):
    """Rolls a transaction back."""


def _print_diagnostics(diagnostics: list[Diagnostic]) -> None:
    for diagnostic in diagnostics:
        click.echo(f"{diagnostic.severity}: {diagnostic}", err=True)


def _show(what: str, changes: DraftDiff) -> None:
    """Print a difference: counts first, then the texts, old and new."""
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
