"""What `laurel catalog check` has found, said for people, for programs and for a forge's pages."""

import pathlib
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import click
import msgspec

from service.cli.catalog_files import Places
from service.core.catalog.model import Draft
from service.core.formats import read
from service.core.validation import text_checks
from service.core.validation.diagnostics import MAX_BYTES
from service.core.validation.text_checks import Severity
from service.errors import Problem

ReportFormat = Literal["text", "json", "github"]
REPORT_FORMATS: tuple[ReportFormat, ...] = get_args(ReportFormat)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing found. `line`, `key` and `locale` are None where it is of none."""

    file: str
    line: int | None
    key: str | None
    locale: str | None
    rule: str
    severity: Severity
    message: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        what = " ".join(part for part in (self.locale, self.key) if part is not None)
        return f"{self.severity}: {where}:{f' {what}:' if what else ''} {self.message} [{self.rule}]"


def of_problems(problems: Iterable[Problem], severity: Severity) -> list[Finding]:
    """What readers and rules have found."""
    return [
        Finding(
            file=one.file,
            line=one.line,
            key=one.key,
            locale=None,
            rule=one.rule,
            severity=severity,
            message=one.message,
        )
        for one in problems
    ]


def of_texts(draft: Draft, *, store: str | None, file: str, places: Places) -> list[Finding]:
    """What the checks say of all texts, each where it stands; `file` is that of those that are nowhere else."""
    found = []
    for one in text_checks.check_title(draft, limits=text_checks.LIMITS[store] if store else text_checks.NONE):
        where, line = places.get((one.locale, one.key), (file, None))
        found.append(
            Finding(
                file=where,
                line=line,
                key=one.key,
                locale=one.locale,
                rule=one.rule,
                severity=one.severity,
                message=one.message,
            )
        )
    return found


def places_of(locales: pathlib.Path, draft: Draft) -> Places:
    """Where the texts of a title stand in its PO files."""
    found: dict[tuple[str, str], tuple[str, int | None]] = {}
    for path in sorted(locales.glob(f"*/LC_MESSAGES/title-{draft.title.title_id}.po")):
        with path.open("rb") as file:
            parsed = read.read({str(path): file.read(MAX_BYTES + 1)}, draft=draft, format="po")
        found |= {(entry.locale, entry.key): (str(path), entry.line) for entry in parsed.entries}
    return found


def print_report(found: Sequence[Finding], kind: ReportFormat) -> None:
    """Print it: text on standard error, a line each; JSON, one list of objects, and a forge's lines on standard output."""
    if kind == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
        return
    for one in found:
        click.echo(_workflow_line(one) if kind == "github" else one, err=kind == "text")


def _workflow_line(one: Finding) -> str:
    """A workflow command, in which `%` escapes what would end it."""
    place = {"file": one.file, "line": one.line, "title": one.rule}
    properties = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in place.items() if value is not None)
    what = " ".join(part for part in (one.locale, one.key) if part is not None)
    return f"::{one.severity} {properties}::{_escaped(f'{what}: {one.message}' if what else one.message)}"


def _escaped(text: str, more: str = "") -> str:
    for letter in ("%", "\r", "\n", *more):
        text = text.replace(letter, f"%{ord(letter):02X}")
    return text
