"""What an import would do to each string, before it does anything: the report, and the report as a PO file. Pure."""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
import polib

from service.core.auth.principal import Right
from service.core.catalog.model import Draft
from service.core.formats.entry import Entry
from service.core.validation import publish_rules
from service.core.validation.checks import check_string
from service.errors import Diagnostic

Kind = Literal["new", "changed", "stale", "removed", "unchanged", "kept", "unknown", "error"]
Mode = Literal["merge", "replace-locale"]
State = Literal["needs_review", "translated", "approved"]

WRITES: tuple[Kind, ...] = ("new", "changed", "stale", "removed")


class ReportLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One string of a file and what becomes of it.

    | kind | the string |
    |---|---|
    | new, changed | is written; `state` needs_review where the file says so |
    | stale | is written as one that needs review: it translates a source that is not there any more |
    | removed | is taken away: its locale is replaced, and the file has no text of it |
    | unchanged | is there already |
    | kept | is left out: what is there is better by `rule` |
    | unknown | is left out: the title has no such text |
    | error | breaks `rule`, so that nothing of the file can be applied |

    `line` is None where the format has no lines worth naming; `before` what is there now. Warnings are `remarks`.
    """

    kind: Kind
    key: str
    locale: str
    line: int | None = None
    text: str | None = None
    before: str | None = None
    source: str | None = None
    state: State = "translated"
    rule: str | None = None
    message: str | None = None
    remarks: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What an import would do. `counts`: locale → kind → strings. `lines` leave out what is unchanged."""

    mode: Mode
    counts: Mapping[str, Mapping[Kind, int]]
    lines: tuple[ReportLine, ...]
    overwrite_approved: bool = msgspec.field(default=False, name="over_approved")
    """Stored reports spell it `over_approved`."""

    @property
    def has_errors(self) -> bool:
        """Whether nothing of it can be applied."""
        return any("error" in kinds for kinds in self.counts.values())

    def rights(self, default_locale: str) -> list[tuple[Right, str]]:
        """What somebody needs to apply it: a right for each locale that something is written in."""
        takes_away: Right = "review" if self.mode == "replace-locale" or self.overwrite_approved else "translate"
        locales = sorted({line.locale for line in self.lines if line.kind in WRITES})
        return [("source" if locale == default_locale else takes_away, locale) for locale in locales]


class ExistingText(msgspec.Struct, frozen=True):
    """What is there of a string in a locale."""

    text: str
    state: State
    is_stale: bool


def compare(
    entries: Iterable[Entry],
    draft: Draft,
    there: Mapping[tuple[str, str], ExistingText],
    *,
    mode: Mode = "merge",
    overwrite_approved: bool = False,
) -> Report:
    """What these texts would change of what is `there`, by locale and key.

    "merge" never takes anything away, and replaces an approved text only with `overwrite_approved`. "replace-locale" makes each
    locale that the file holds what the file says. In both, a text that needs review never replaces one that does not.
    """
    default = draft.title.default_locale
    sources = draft.texts.get(default, {})
    known = {*publish_rules.text_keys(draft.title, draft.achievements), *sources}
    lines, named = [], set[tuple[str, str]]()
    entries = list(entries)
    given = {entry.key: entry.text for entry in entries if entry.locale == default}
    for entry in entries:
        place = entry.locale, entry.key
        source = None if entry.locale == default else given.get(entry.key) or sources.get(entry.key)
        if place in named:
            lines.append(_line("error", entry, rule="duplicate-entry", message="the string stands there twice"))
        elif entry.key not in known and entry.key not in given:
            lines.append(_line("unknown", entry, rule="unknown-key", message="the title has no text of that key"))
        elif entry.locale != default and source is None:
            lines.append(_line("unknown", entry, rule="no-source", message=f"there is no text of it in {default}"))
        else:
            lines.append(
                _compared(entry, source, there.get(place), default, over=overwrite_approved or mode == "replace-locale")
            )
        named.add(place)
    if mode == "replace-locale":
        lines += _removed(there, named)
    counts: dict[str, dict[Kind, int]] = {}
    for line in lines:
        of_locale = counts.setdefault(line.locale, {})
        of_locale[line.kind] = of_locale.get(line.kind, 0) + 1
    shown = tuple(line for line in lines if line.kind != "unchanged")
    return Report(mode=mode, counts=counts, lines=shown, overwrite_approved=overwrite_approved)


def unreadable_report(diagnostics: Iterable[Diagnostic], *, mode: Mode = "merge", locale: str | None = None) -> Report:
    """The report on a file that cannot be read: a line for each error."""
    lines = tuple(
        ReportLine(
            kind="error",
            key=diagnostic.key or "",
            locale=locale or "",
            line=diagnostic.line,
            rule=diagnostic.rule,
            message=diagnostic.message,
        )
        for diagnostic in diagnostics
    )
    return Report(mode=mode, counts={locale or "": {"error": len(lines)}}, lines=lines)


def report_po(report: Report, locale: str) -> bytes:
    """The strings of one locale of a report as PO, for a translator's own tool: each with what is to be said of it."""
    file = polib.POFile(wrapwidth=0)
    file.metadata = {
        "Language": locale.replace("-", "_"),
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
    }
    for line in report.lines:
        if line.locale == locale and line.key and line.kind != "removed":
            said = [line.kind if line.rule is None else f"{line.kind}: {line.message} [{line.rule}]"]
            said += [f"warning: {rule}" for rule in line.remarks]
            if line.before is not None and line.before != line.text:
                said.append(f"before: {line.before}")
            entry = polib.POEntry(
                msgctxt=line.key,
                msgid=line.source or line.text or line.key,
                msgstr=line.text or "",
                comment="\n".join(said),
                flags=["fuzzy"] if line.state == "needs_review" else [],
                occurrences=[] if line.line is None else [("line", str(line.line))],
            )
            if entry not in file:
                file.append(entry)
    return str(file).encode() + b"\n"


def _compared(entry: Entry, source: str | None, old: ExistingText | None, default: str, *, over: bool) -> ReportLine:
    diagnostics = check_string(entry.text, key=entry.key, locale=entry.locale, source=source, source_locale=default)
    for diagnostic in diagnostics:
        if diagnostic.severity == "error":
            return _line("error", entry, source, rule=diagnostic.rule, message=diagnostic.message)
    is_stale = source is not None and entry.source is not None and entry.source != source
    state: State = "needs_review" if is_stale or entry.needs_review else "translated"
    rule_names = tuple(sorted({diagnostic.rule for diagnostic in diagnostics}))
    if old is None:
        return _line("stale" if is_stale else "new", entry, source, state=state, remarks=rule_names)
    if old.text == entry.text and (old.state != "needs_review" or state == "needs_review"):
        return _line("unchanged", entry)
    if state == "needs_review" and old.state != "needs_review" and not old.is_stale:
        why = "it needs review, and what is there does not"
        return _line("kept", entry, source, before=old.text, state=state, rule="needs-review", message=why)
    if old.state == "approved" and not over:
        why = "what is there is approved"
        return _line("kept", entry, source, before=old.text, state=state, rule="approved", message=why)
    kind: Kind = "stale" if is_stale else "changed"
    return _line(kind, entry, source, before=old.text, state=state, remarks=rule_names)


def _removed(there: Mapping[tuple[str, str], ExistingText], named: set[tuple[str, str]]) -> list[ReportLine]:
    locales = {locale for locale, _ in named}
    return [
        ReportLine(kind="removed", key=key, locale=locale, before=old.text)
        for (locale, key), old in sorted(there.items())
        if locale in locales and (locale, key) not in named
    ]


def _line(
    kind: Kind,
    entry: Entry,
    source: str | None = None,
    *,
    before: str | None = None,
    state: State = "translated",
    rule: str | None = None,
    message: str | None = None,
    remarks: tuple[str, ...] = (),
) -> ReportLine:
    return ReportLine(
        kind=kind,
        key=entry.key,
        locale=entry.locale,
        line=entry.line,
        text=entry.text,
        before=before,
        source=source,
        state=state,
        rule=rule,
        message=message,
        remarks=remarks,
    )
