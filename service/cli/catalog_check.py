"""The report of `laurel catalog check`: as text, as JSON, and as workflow commands of a forge."""

import pathlib
from collections.abc import Sequence
from typing import Literal, get_args

import click
import msgspec

from service.cli.catalog_files import Places
from service.core.catalog.model import Draft
from service.core.formats import read
from service.core.validation import checks
from service.core.validation.diagnostics import MAX_BYTES
from service.errors import Diagnostic

ReportFormat = Literal["text", "json", "github"]
REPORT_FORMATS: tuple[ReportFormat, ...] = get_args(ReportFormat)


def of_texts(draft: Draft, *, store: str | None, file: str, places: Places) -> list[Diagnostic]:
    """The diagnostics of all texts, each with its file and line; `file` is that of texts that are in no other one."""
    found = []
    for diagnostic in checks.check_title(draft, limits=checks.STORE_LIMITS[store] if store else checks.NO_LIMITS):
        path, line = places.get((diagnostic.locale or "", diagnostic.key or ""), (file, None))
        found.append(msgspec.structs.replace(diagnostic, file=path, line=line))
    return found


def places_of(locales: pathlib.Path, draft: Draft) -> Places:
    """Where the texts of a title stand in its PO files."""
    found: dict[tuple[str, str], tuple[str, int | None]] = {}
    for path in sorted(locales.glob(f"*/LC_MESSAGES/title-{draft.title.title_id}.po")):
        with path.open("rb") as file:
            parsed = read.read({str(path): file.read(MAX_BYTES + 1)}, draft=draft, format="po")
        found |= {(entry.locale, entry.key): (str(path), entry.line) for entry in parsed.entries}
    return found


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
