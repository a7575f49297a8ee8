"""The report of an import: what it would do to each string, before anything is written; also as a PO file. Pure."""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

import msgspec

from service.core.auth.principal import Right
from service.core.catalog import text_keys
from service.core.catalog.model import Draft
from service.core.formats import po
from service.core.formats.entry import Entry
from service.core.validation.checks import check_string
from service.errors import Diagnostic

Kind = Literal["new", "changed", "stale", "removed", "unchanged", "kept", "unknown", "error"]
Mode = Literal["merge", "replace-locale"]
MODES: tuple[Mode, ...] = get_args(Mode)
State = Literal["needs_review", "translated", "approved"]

WRITES: tuple[Kind, ...] = ("new", "changed", "stale", "removed")


class ReportLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One string of a file and what happens to it.

    | kind | the string |
    |---|---|
    | new, changed | is written; `state` is "needs_review" where the file says so |
    | stale | is written as one that needs review: it translates another source text than the current one |
    | removed | is deleted: its locale is replaced, and the file has no text of it |
    | unchanged | has this text already |
    | kept | is not written: by `rule`, the existing text is better |
    | unknown | is not written: the title has no such text |
    | error | breaks `rule`; nothing of the file can be applied |

    `line` is None where the format has no line numbers; `before` is the existing text. `warnings` are the rules that
    the text breaks.
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
    warnings: tuple[str, ...] = msgspec.field(default=(), name="remarks")
    """Stored reports spell it `remarks`."""


class ReportSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What an import would do, in numbers. `counts`: locale → kind → number of strings."""

    mode: Mode
    counts: Mapping[str, Mapping[Kind, int]]
    overwrite_approved: bool = msgspec.field(default=False, name="over_approved")
    """Stored reports spell it `over_approved`."""

    @property
    def has_errors(self) -> bool:
        """Whether nothing of it can be applied."""
        return any("error" in kinds for kinds in self.counts.values())

    @property
    def line_count(self) -> int:
        """The number of strings that the report has a line for."""
        return sum(count for kinds in self.counts.values() for kind, count in kinds.items() if kind != "unchanged")

    def rights(self, default_locale: str) -> list[tuple[Right, str]]:
        """The rights that applying it needs: one for each locale that it changes."""
        may_replace: Right = "review" if self.mode == "replace-locale" or self.overwrite_approved else "translate"
        locales = sorted(locale for locale, kinds in self.counts.items() if any(kind in WRITES for kind in kinds))
        return [("source" if locale == default_locale else may_replace, locale) for locale in locales]


class Report(ReportSummary, frozen=True, kw_only=True):
    """What an import would do. `lines` omits unchanged strings."""

    lines: tuple[ReportLine, ...]

    @property
    def written(self) -> list[ReportLine]:
        """The lines whose strings are written or deleted."""
        return [line for line in self.lines if line.kind in WRITES]

    @property
    def summary(self) -> ReportSummary:
        """The report without its lines."""
        return ReportSummary(mode=self.mode, counts=self.counts, overwrite_approved=self.overwrite_approved)


class ExistingText(msgspec.Struct, frozen=True):
    """A text of a draft, which an import may replace."""

    text: str
    state: State
    is_stale: bool


def compare(
    entries: Iterable[Entry],
    draft: Draft,
    existing: Mapping[tuple[str, str], ExistingText],
    *,
    mode: Mode = "merge",
    overwrite_approved: bool = False,
) -> Report:
    """What importing these texts would change; `existing` is keyed by locale and key.

    "merge" deletes nothing, and replaces an approved text only with `overwrite_approved`. "replace-locale" makes each
    locale of the file exactly what the file says. In both, a text that needs review never replaces one that does not.
    """
    entries = list(entries)
    default = draft.title.default_locale
    sources = draft.texts.get(default, {})
    new_sources = {entry.key: entry.text for entry in entries if entry.locale == default}
    known = {*text_keys.keys_of(draft.title, draft.achievements), *sources, *new_sources}
    is_forced = overwrite_approved or mode == "replace-locale"
    lines, seen = [], set[tuple[str, str]]()
    for entry in entries:
        place = entry.locale, entry.key
        source = None if entry.locale == default else new_sources.get(entry.key) or sources.get(entry.key)
        if place in seen:
            lines.append(_line("error", entry, rule="duplicate-entry", message="the file has the string twice"))
        elif entry.key not in known:
            lines.append(_line("unknown", entry, rule="unknown-key", message="the title has no text of that key"))
        elif entry.locale != default and source is None:
            lines.append(_line("unknown", entry, rule="no-source", message=f"it has no text in {default}"))
        else:
            lines.append(_compare_entry(entry, source, existing.get(place), default, is_forced=is_forced))
        seen.add(place)
    if mode == "replace-locale":
        lines += _removed(existing, seen)
    counts: dict[str, dict[Kind, int]] = {}
    for line in lines:
        of_locale = counts.setdefault(line.locale, {})
        of_locale[line.kind] = of_locale.get(line.kind, 0) + 1
    changed = tuple(line for line in lines if line.kind != "unchanged")
    return Report(mode=mode, counts=counts, lines=changed, overwrite_approved=overwrite_approved)


def unreadable_report(diagnostics: Iterable[Diagnostic], *, mode: Mode = "merge", locale: str | None = None) -> Report:
    """The report of a file that cannot be read: a line for each error."""
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


def report_diagnostics(report: Report, *, file: str) -> list[Diagnostic]:
    """The errors of a report, and a warning for each string that is not written or that needs review; `file` names it."""
    found = []
    for line in report.lines:
        rule, message = line.rule, line.message
        if line.kind in ("new", "changed", "stale") and line.state == "needs_review":
            rule = "stale" if line.kind == "stale" else "fuzzy"
            why = "its source has changed since it was translated" if line.kind == "stale" else "it is marked fuzzy"
            message = f"needs review: {why}"
        elif rule is not None and line.kind != "error":
            message = f"left out: {message}"
        if rule is not None:
            found.append(
                Diagnostic(
                    file=file,
                    line=line.line,
                    key=line.key or None,
                    locale=line.locale or None,
                    rule=rule,
                    severity="error" if line.kind == "error" else "warning",
                    message=message or "",
                )
            )
    return found


def report_po(report: Report, locale: str) -> bytes:
    """The strings of one locale of a report as a PO file for a translation tool, with what happens to each as comment."""
    return po.write_commented(
        [
            (
                Entry(
                    key=line.key,
                    locale=locale,
                    text=line.text or "",
                    line=line.line,
                    source=line.source or line.text or line.key,
                    needs_review=line.state == "needs_review",
                ),
                _comment(line),
            )
            for line in report.lines
            if line.locale == locale and line.key and line.kind != "removed"
        ],
        locale,
    )


def _comment(line: ReportLine) -> str:
    comments = [line.kind if line.rule is None else f"{line.kind}: {line.message} [{line.rule}]"]
    comments += [f"warning: {rule}" for rule in line.warnings]
    if line.before is not None and line.before != line.text:
        comments.append(f"before: {line.before}")
    return "\n".join(comments)


def _compare_entry(
    entry: Entry, source: str | None, old: ExistingText | None, default: str, *, is_forced: bool
) -> ReportLine:
    diagnostics = check_string(entry.text, key=entry.key, locale=entry.locale, source=source, source_locale=default)
    for diagnostic in diagnostics:
        if diagnostic.severity == "error":
            return _line("error", entry, source, rule=diagnostic.rule, message=diagnostic.message)
    is_stale = source is not None and entry.is_stale(source)
    state: State = "needs_review" if is_stale or entry.needs_review else "translated"
    warnings = tuple(sorted({diagnostic.rule for diagnostic in diagnostics}))
    if old is None:
        return _line("stale" if is_stale else "new", entry, source, state=state, warnings=warnings)
    if old.text == entry.text and (old.state != "needs_review" or state == "needs_review"):
        return _line("unchanged", entry)
    if state == "needs_review" and old.state != "needs_review" and not old.is_stale:
        why = "it needs review, and the existing text does not"
        return _line("kept", entry, source, before=old.text, state=state, rule="needs-review", message=why)
    if old.state == "approved" and not is_forced:
        why = "the existing text is approved"
        return _line("kept", entry, source, before=old.text, state=state, rule="approved", message=why)
    kind: Kind = "stale" if is_stale else "changed"
    return _line(kind, entry, source, before=old.text, state=state, warnings=warnings)


def _removed(existing: Mapping[tuple[str, str], ExistingText], seen: set[tuple[str, str]]) -> list[ReportLine]:
    locales = {locale for locale, _ in seen}
    return [
        ReportLine(kind="removed", key=key, locale=locale, before=old.text)
        for (locale, key), old in sorted(existing.items())
        if locale in locales and (locale, key) not in seen
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
    warnings: tuple[str, ...] = (),
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
        warnings=warnings,
    )
