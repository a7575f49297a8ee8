"""`laurel catalog check`: check files or a title, and report as text, as JSON or as workflow commands of a forge."""

import functools
import pathlib
from collections.abc import Sequence
from typing import Literal, get_args

import click
import msgspec

from service.cli.catalog_files import DraftOf, ImportOptions, ParsedFile, Places, import_options, locales_of, read_files
from service.cli.console import database_url, fail, migrated_pool, run, settings
from service.core.auth.principal import OPERATOR
from service.core.catalog.model import Draft
from service.core.formats import read
from service.core.localization.exports import read_title
from service.core.publishing.merge import merge_draft
from service.core.validation import checks, publish_rules
from service.core.validation.diagnostics import MAX_BYTES
from service.errors import Diagnostic, InvalidCatalog

ReportFormat = Literal["text", "json", "github"]
REPORT_FORMATS: tuple[ReportFormat, ...] = get_args(ReportFormat)


@click.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=pathlib.Path))
@import_options
@click.option(
    "--store",
    type=click.Choice(tuple(checks.STORE_LIMITS)),
    help="The store that the texts are for: exceeding its limits is an error.",
)
@click.option(
    "--format", "kind", type=click.Choice(REPORT_FORMATS), default="text", show_default=True, help="How to report."
)
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
def check(
    files: tuple[pathlib.Path, ...], *, options: ImportOptions, store: str | None, kind: ReportFormat, strict: bool
) -> None:
    """Check the definitions and texts of FILES, or without FILES those of a title in the database.

    The exit status is 1 if there is an error.
    """
    if files:
        diagnostics = _check_files(files, options, store)
    elif options.title_id is not None:
        file = f"title-{options.title_id}"
        diagnostics = _check_draft(_read_draft(options.title_id), store, file=file, places={})
    else:
        fail("catalog check: give files, or --title")
    print_report(diagnostics, kind)
    errors = sum(diagnostic.severity == "error" for diagnostic in diagnostics)
    summary = f"errors: {errors}, warnings: {len(diagnostics) - errors}"
    if errors or (strict and diagnostics):
        fail(summary)
    click.echo(summary, err=kind != "text")


def _check_files(paths: tuple[pathlib.Path, ...], options: ImportOptions, store: str | None) -> list[Diagnostic]:
    draft_of = _draft_of_named_title(options)
    try:
        files, diagnostics = read_files(paths, options, forced=None, draft_of=draft_of)
    except InvalidCatalog as error:
        return list(error.diagnostics)
    for file in files:
        diagnostics += _check_file(file, options, store, draft_of)
    return diagnostics


def _check_file(file: ParsedFile, options: ImportOptions, store: str | None, draft_of: DraftOf) -> list[Diagnostic]:
    """The diagnostics of one file; of a file of texts alone, those of its texts and not of the rest of the title."""
    if file.places:
        merged = merge_draft(draft_of(file.draft.title.title_id), file.draft, mode=file.mode)
        texts = _check_texts(merged, store, file=file.file, places=file.places)
        return [diagnostic for diagnostic in texts if (diagnostic.locale, diagnostic.key) in file.places]
    is_folder = file.mode == "complete"
    places = _places_of(locales_of(pathlib.Path(file.file), options), file.draft) if is_folder else {}
    return _check_draft(file.draft, store, file=file.file, places=places)


def _draft_of_named_title(options: ImportOptions) -> DraftOf:
    """Reads the draft of a title. No database is needed unless the options name a title."""

    def read(title_id: int) -> Draft | None:
        return None if options.title_id is None else _read_draft(title_id)

    return functools.cache(read)


def _read_draft(title_id: int) -> Draft:
    async def read(url: str) -> Draft:
        async with migrated_pool(url) as pool, pool.connection() as connection:
            return await read_title(connection, OPERATOR, title_id)

    with database_url(settings()) as url:
        return run(lambda: read(url))


def _check_draft(draft: Draft, store: str | None, *, file: str, places: Places) -> list[Diagnostic]:
    errors, warnings = publish_rules.check(draft, file=file)
    return [*warnings, *errors, *_check_texts(draft, store, file=file, places=places)]


def _check_texts(draft: Draft, store: str | None, *, file: str, places: Places) -> list[Diagnostic]:
    """The diagnostics of all texts, each at its place; texts without a place are in `file`."""
    located = []
    for diagnostic in checks.check_title(draft, limits=checks.STORE_LIMITS[store] if store else checks.NO_LIMITS):
        path, line = places.get((diagnostic.locale or "", diagnostic.key or ""), (file, None))
        located.append(msgspec.structs.replace(diagnostic, file=path, line=line))
    return located


def _places_of(locales: pathlib.Path, draft: Draft) -> Places:
    """The places of a title's texts in its PO files."""
    places: dict[tuple[str, str], tuple[str, int | None]] = {}
    for path in sorted(locales.glob(f"*/LC_MESSAGES/title-{draft.title.title_id}.po")):
        with path.open("rb") as file:
            parsed = read.read({str(path): file.read(MAX_BYTES + 1)}, draft=draft, format="po")
        places |= {(entry.locale, entry.key): (str(path), entry.line) for entry in parsed.entries}
    return places


def print_report(diagnostics: Sequence[Diagnostic], kind: ReportFormat) -> None:
    """Print the diagnostics: text on standard error, a line each; JSON and workflow commands on standard output."""
    if kind == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(diagnostics), indent=2))
        return
    for diagnostic in diagnostics:
        line = _workflow_command(diagnostic) if kind == "github" else f"{diagnostic.severity}: {diagnostic}"
        click.echo(line, err=kind == "text")


def _workflow_command(diagnostic: Diagnostic) -> str:
    """A workflow command of a forge, in which `%` escapes what would end it."""
    annotation = {"file": diagnostic.file, "line": diagnostic.line, "title": diagnostic.rule}
    properties = ",".join(
        f"{name}={_escaped(str(value), ':,')}" for name, value in annotation.items() if value is not None
    )
    text = " ".join(part for part in (diagnostic.locale, diagnostic.key) if part is not None)
    message = f"{text}: {diagnostic.message}" if text else diagnostic.message
    return f"::{diagnostic.severity} {properties}::{_escaped(message)}"


def _escaped(text: str, more: str = "") -> str:
    for letter in ("%", "\r", "\n", *more):
        text = text.replace(letter, f"%{ord(letter):02X}")
    return text
