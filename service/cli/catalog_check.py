"""`laurel catalog check`: check files or a title, and report as text, as JSON or as workflow commands of a forge."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import click
import msgspec

from service.cli.catalog_files import ImportOptions, TextsFile, import_options, locales_of, read_files
from service.cli.console import database_url, fail, migrated_pool, run, settings
from service.core.auth.principal import OPERATOR
from service.core.catalog.model import Draft
from service.core.formats import read
from service.core.localization.exports import read_title
from service.core.localization.import_report import compare, report_diagnostics
from service.core.publishing.merge import merge_draft
from service.core.validation import checks, publish_rules
from service.core.validation.diagnostics import MAX_BYTES
from service.errors import Diagnostic, InvalidCatalog

ReportFormat = Literal["text", "json", "github"]
Places = Mapping[tuple[str, str], tuple[str, int | None]]
"""Locale and text key → the file and line of the text; the line is None where the format has no line numbers."""
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
    # No database is needed unless the options name a title.
    known = None if options.title_id is None else _read_draft(options.title_id)
    try:
        files = read_files(paths, options, forced=None, known=known)
        diagnostics = files.warnings
        for file in files.definitions:
            is_folder = file.mode == "complete"
            places = _places_of(locales_of(pathlib.Path(file.file), options), file.draft) if is_folder else {}
            diagnostics += _check_draft(file.draft, store, file=file.file, places=places)
        for texts in files.texts:
            diagnostics += _check_text_file(texts, options, store, known)
    except InvalidCatalog as error:
        return list(error.diagnostics)
    return diagnostics


def _check_text_file(
    file: TextsFile, options: ImportOptions, store: str | None, draft: Draft | None
) -> list[Diagnostic]:
    """What importing a file of texts would report, and the diagnostics of its texts, not of the rest of the title."""
    if draft is None:
        message = "texts are checked against the title that they belong to: name it with --title"
        raise InvalidCatalog([Diagnostic(file=file.file, rule="unknown-title", message=message)])
    parsed = read.read({file.file: file.data}, draft=draft, format=file.format, locale=options.locale)
    if parsed.diagnostics:
        raise InvalidCatalog(parsed.diagnostics)
    reported = report_diagnostics(compare(parsed.entries, draft, existing={}), file=file.file)
    places: Places = {(entry.locale, entry.key): (file.file, entry.line) for entry in parsed.entries}
    new = {
        locale: {entry.key: entry.text for entry in parsed.entries if entry.locale == locale} for locale, _ in places
    }
    merged = merge_draft(draft, Draft(title=draft.title, achievements=(), texts=new), mode="partial")
    checked = _check_texts(merged, store or "xbox", file=file.file, places=places)
    found = [diagnostic for diagnostic in checked if (diagnostic.locale, diagnostic.key) in places]
    return list(dict.fromkeys([*reported, *found]))


def _read_draft(title_id: int) -> Draft:
    async def read_stored(url: str) -> Draft:
        async with migrated_pool(url) as pool, pool.connection() as connection:
            return await read_title(connection, OPERATOR, title_id)

    with database_url(settings()) as url:
        return run(lambda: read_stored(url))


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
