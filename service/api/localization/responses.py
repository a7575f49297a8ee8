"""JSON shapes of the localization API. Names are in camel case, times in UTC."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from service.concurrency.steps import Steps
from service.core.localization.coverage import TitleCoverage
from service.core.localization.explain import Explanation
from service.core.localization.fallbacks import Fallback
from service.core.localization.import_batches import ImportBatch
from service.core.localization.import_report import ReportLine
from service.core.localization.strings import Revision, String, StringPage
from service.core.publishing.diff import DraftDiff
from service.core.publishing.history import Authorship, Publication
from service.core.publishing.publish import PublishPreview
from service.core.publishing.releases import Release
from service.core.publishing.schedules import Schedule
from service.errors import Diagnostic
from service.http.title_request import CATALOG_TAG, STRING_TAG

Shape = dict[str, Any]

encode = msgspec.json.Encoder().encode


def current_version(current: object) -> tuple[Shape, str, int]:
    """The current state of a string or catalog, and the kind and number of its version.

    It is for a caller whose version is outdated.
    """
    if isinstance(current, String):
        return string(current), STRING_TAG, current.version
    return {"catalogVersion": current}, CATALOG_TAG, int(str(current))


def coverage(title: TitleCoverage) -> Shape:
    """A title and the coverage of each of its locales, in strings."""
    return {
        "titleId": title.title_id,
        "name": title.name,
        "defaultLocale": title.default_locale,
        "catalogVersion": title.catalog_version,
        "publishFrom": title.publish_from,
        "release": title.release or None,
        "strings": title.strings,
        "locales": [
            {
                "locale": locale.locale,
                "published": locale.published,
                "missing": title.missing(locale),
                "needsReview": locale.needs_review,
                "translated": locale.translated,
                "approved": locale.approved,
                "stale": locale.stale,
                "problems": locale.problems,
                "changedAt": locale.changed_at,
            }
            for locale in title.locales
        ],
    }


def string(value: String, *, published: str | None = None, other: str = "") -> Shape:
    """One string in one locale. `published` is the served text; with `other`, its text in that locale is added."""
    overrides = value.overridden()
    shape: Shape = {
        "key": value.key,
        "locale": value.locale,
        "sourceLocale": value.source_locale,
        "source": value.source,
        "text": value.text,
        "state": value.state,
        "version": value.version,
        "isStale": value.is_stale,
        "limit": value.limit,
        "published": published,
        "overrides": {rule: {"by": override.by, "reason": override.reason} for rule, override in overrides.items()},
        "changedBy": value.actor,
        "changedAt": value.at,
        "remarks": [
            {
                "rule": diagnostic.rule,
                "severity": diagnostic.severity,
                "message": diagnostic.message,
                "isOverridden": diagnostic.rule in overrides,
            }
            for diagnostic in value.diagnostics()
        ],
    }
    if other:
        shape["with"] = {"locale": other, "text": value.other}
    return shape


def page(strings: StringPage, published: Mapping[str, str], *, other: str) -> Shape:
    """Strings in a locale, each with its served text; with `other`, also with its text in that locale."""
    shapes = [string(value, published=published.get(value.key), other=other) for value in strings.strings]
    return {"strings": shapes, "after": strings.after}


def revision(value: Revision) -> Shape:
    """One revision of a string, and its author."""
    return {
        "version": value.version,
        "text": value.text,
        "state": value.state,
        "origin": value.origin,
        "changedBy": value.actor,
        "changedAt": value.at,
        "import": value.batch_id,
        "overrides": msgspec.json.decode(value.overrides),
    }


def batch(value: ImportBatch, lines: Sequence[ReportLine]) -> Shape:
    """An import with some lines of its report."""
    return {
        "id": value.batch_id,
        "catalogVersion": value.catalog_version,
        "format": value.format,
        "mode": value.report.mode,
        "hasErrors": value.report.has_errors,
        "counts": value.report.counts,
        "lines": [report_line(line) for line in lines],
        "linesOmitted": value.report.line_count - len(lines),
        "readBy": value.actor,
        "readAt": value.at,
        "appliedBy": value.applied_by,
        "appliedAt": value.applied_at,
    }


def report_line(line: ReportLine) -> Shape:
    """One string of a report; members without a value are omitted."""
    shape = {
        "kind": line.kind,
        "line": line.line,
        "key": line.key,
        "locale": line.locale,
        "rule": line.rule,
        "message": line.message,
        "source": line.source,
        "before": line.before,
        "text": line.text,
        "state": line.state if line.kind in ("new", "changed", "stale") else None,
        "remarks": line.warnings or None,
    }
    return {name: value for name, value in shape.items() if value is not None}


def diagnostic(item: Diagnostic) -> Shape:
    """One error or warning in a catalog or file."""
    return {"file": item.file, "line": item.line, "key": item.key, "rule": item.rule, "message": item.message}


def preview(value: PublishPreview) -> Shape:
    """What a publish would change, and what would prevent it."""
    return {
        "release": None,
        "changes": changes(value.changes, value.authors),
        "problems": [diagnostic(error) for error in value.errors],
        "warnings": [diagnostic(warning) for warning in value.warnings],
    }


def changes(diff: DraftDiff, authors: Mapping[tuple[str, str], Authorship]) -> Shape:
    """What changes for players, and who wrote each text."""
    texts = []
    for (locale, key), (before, after) in diff.texts.items():
        author = authors.get((locale, key))
        texts.append(
            {
                "locale": locale,
                "key": key,
                "before": before,
                "after": after,
                "changedBy": None if author is None else author.actor,
                "changedAt": None if author is None else author.at,
            }
        )
    return {
        "titleIsNew": diff.title_is_new,
        "titleChanged": diff.title_changed,
        "achievementsAdded": diff.added,
        "achievementsChanged": diff.changed,
        "texts": texts,
        "textsOmitted": diff.omitted_texts,
    }


def release(value: Release) -> Shape:
    """A release, and who published it."""
    return {
        "release": value.release,
        "createdAt": value.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "isServed": value.is_served,
        "publishedBy": value.actor,
        "note": value.note,
    }


def publication(value: Publication) -> Shape:
    """A publish or a rollback."""
    return {"release": value.release, "at": value.at, "by": value.actor, "note": value.note}


def schedule(value: Schedule) -> Shape:
    """A scheduled publish and its outcome."""
    return {
        "id": value.schedule_id,
        "at": value.due_at,
        "status": value.status,
        "scheduledBy": value.actor,
        "note": value.note,
        "release": value.release,
        "problem": value.problem,
    }


def explanation(value: Explanation) -> Steps[Shape]:
    """Which locale one caller sees each string in, and why."""
    strings = []
    for string in value.strings:
        strings.append(
            {
                "key": string.key,
                "locale": string.locale,
                "text": string.text,
                "lackedBy": string.locales_without_text,
                "isWithOthers": string.is_with_others,
            }
        )
        yield
    return {"release": value.release, "chain": value.chain, "strings": strings}


def fallback(value: Fallback) -> Shape:
    """A string that falls back, and in how many responses."""
    return {
        "key": value.key,
        "wanted": value.wanted,
        "used": value.used,
        "answers": value.answers,
        "lastAt": value.last_at,
    }
