"""What this door says: our values in its words. Names are in camel case, times in UTC."""

from collections.abc import Mapping
from typing import Any

import msgspec

from service.core.localization.coverage import TitleCoverage
from service.core.localization.explain import Explanation
from service.core.localization.fallbacks import Fallback
from service.core.localization.import_report import ReportLine
from service.core.localization.imports import Batch
from service.core.localization.strings import Page, Revision, String
from service.core.publishing.history import Authorship, Publication
from service.core.publishing.publish import DraftDiff, Release
from service.core.publishing.schedules import Schedule
from service.errors import Diagnostic

Shape = dict[str, Any]

encode = msgspec.json.Encoder().encode


def version_tag(version: int) -> str:
    """The ETag of a string in a locale."""
    return f'"v{version}"'


def catalog_tag(version: int) -> str:
    """The ETag of all that is being edited of a title."""
    return f'"c{version}"'


def current_version(found: object) -> tuple[Shape, str]:
    """What is there now, and its ETag, for whoever came with an older one."""
    if isinstance(found, String):
        return string(found), version_tag(found.version)
    return {"catalogVersion": found}, catalog_tag(int(str(found)))


def coverage(title: TitleCoverage) -> Shape:
    """A title and how far each of its locales is, in strings."""
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


def string(one: String, *, published: str | None = None, with_remarks: bool = True) -> Shape:
    """One string in one locale. `published` is the text that is served."""
    shape: Shape = {
        "key": one.key,
        "locale": one.locale,
        "sourceLocale": one.source_locale,
        "source": one.source,
        "text": one.text,
        "state": one.state,
        "version": one.version,
        "isStale": one.is_stale,
        "limit": one.limit,
        "published": published,
        "overrides": {rule: {"by": said.by, "reason": said.reason} for rule, said in one.overridden().items()},
        "changedBy": one.actor,
        "changedAt": one.at,
    }
    if with_remarks:
        overridden = shape["overrides"]
        shape["remarks"] = [
            {
                "rule": remark.rule,
                "severity": remark.severity,
                "message": remark.message,
                "isOverridden": remark.rule in overridden,
            }
            for remark in one.found()
        ]
    return shape


def page(found: Page, published: Mapping[str, str], *, other: str) -> Shape:
    """Strings in a locale; each with its text in another one, if one was asked for."""
    shapes = []
    for one in found.strings:
        shape = string(one, published=published.get(one.key))
        if other:
            shape["with"] = {"locale": other, "text": one.other}
        shapes.append(shape)
    return {"strings": shapes, "after": found.after}


def revision(one: Revision) -> Shape:
    """What a string was, and who made it so."""
    return {
        "version": one.version,
        "text": one.text,
        "state": one.state,
        "origin": one.origin,
        "changedBy": one.actor,
        "changedAt": one.at,
        "import": one.batch_id,
        "overrides": msgspec.json.decode(one.overrides),
    }


def batch(one: Batch) -> Shape:
    """An import, with its whole report."""
    return {
        "id": one.batch_id,
        "catalogVersion": one.catalog_version,
        "format": one.format,
        "mode": one.report.mode,
        "hasErrors": one.report.has_errors,
        "counts": one.report.counts,
        "lines": [line(each) for each in one.report.lines],
        "readBy": one.actor,
        "readAt": one.at,
        "appliedBy": one.applied_by,
        "appliedAt": one.applied_at,
    }


def line(one: ReportLine) -> Shape:
    """One string of a report; what does not apply is left out."""
    shape = {
        "kind": one.kind,
        "line": one.line,
        "key": one.key,
        "locale": one.locale,
        "rule": one.rule,
        "message": one.message,
        "source": one.source,
        "before": one.before,
        "text": one.text,
        "state": one.state if one.kind in ("new", "changed", "stale") else None,
        "remarks": one.remarks or None,
    }
    return {name: value for name, value in shape.items() if value is not None}


def diagnostic(item: Diagnostic) -> Shape:
    """One error or warning in a catalog or file."""
    return {"file": item.file, "line": item.line, "key": item.key, "rule": item.rule, "message": item.message}


def changes(found: DraftDiff, authors: Mapping[tuple[str, str], Authorship]) -> Shape:
    """What players see changed, and who changed each text."""
    texts = []
    for (locale, key), (before, after) in found.texts.items():
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
        "titleIsNew": found.title_is_new,
        "titleChanged": found.title_changed,
        "achievementsAdded": found.added,
        "achievementsChanged": found.changed,
        "texts": texts,
    }


def release(one: Release) -> Shape:
    """A release, and who published it."""
    return {
        "release": one.release,
        "createdAt": one.created_at,
        "isServed": one.is_served,
        "publishedBy": one.actor,
        "note": one.note,
    }


def publication(one: Publication) -> Shape:
    """A publish or a rollback."""
    return {"release": one.release, "at": one.at, "by": one.actor, "note": one.note}


def schedule(one: Schedule) -> Shape:
    """A publish that is to happen later, and what became of it."""
    return {
        "id": one.schedule_id,
        "at": one.due_at,
        "status": one.status,
        "scheduledBy": one.actor,
        "note": one.note,
        "release": one.release,
        "problem": one.problem,
    }


def explanation(found: Explanation) -> Shape:
    """What one caller sees of each string, and why."""
    return {
        "release": found.release,
        "chain": found.chain,
        "strings": [
            {
                "key": one.key,
                "locale": one.locale,
                "text": one.text,
                "lackedBy": one.locales_without_text,
                "isWithOthers": one.is_with_others,
            }
            for one in found.strings
        ],
    }


def fallback(one: Fallback) -> Shape:
    """A string that fell back, and in how many answers."""
    return {"key": one.key, "wanted": one.wanted, "used": one.used, "answers": one.answers, "lastAt": one.last_at}
