"""Combining drafts: an import with what is being edited, and what is being edited with what is served. Pure."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from service.core.catalog.model import Achievement, Draft, Title

MergeMode = Literal["complete", "partial"]
"""How an import describes a title: "complete" decides every setting (our own TOML format), "partial" (a captured page,
a store's file, texts alone) knows nothing of public ids, display order, images and similar settings, so they stay."""


def merge_draft(before: Draft | None, new: Draft, *, mode: MergeMode) -> Draft:
    """The draft after an import. Achievements, texts, metrics and attributes that the import does not name stay."""
    if before is None:
        return new
    achievements = {achievement.number: achievement for achievement in before.achievements}
    for achievement in new.achievements:
        old = achievements.get(achievement.number)
        if mode == "partial" and old is not None:
            achievements[achievement.number] = _with_old_names(achievement, old)
        else:
            achievements[achievement.number] = achievement
    texts = {locale: dict(of_locale) for locale, of_locale in before.texts.items()}
    for locale, of_locale in new.texts.items():
        texts.setdefault(locale, {}).update(of_locale)
    title = (
        _with_old_settings(new.title, before.title) if mode == "partial" else _with_old_metrics(new.title, before.title)
    )
    return Draft(
        title=title,
        achievements=tuple(achievements[number] for number in sorted(achievements)),
        texts=texts,
    )


def hold_back_unready(draft: Draft, unready: Iterable[tuple[str, str]], served: Draft | None) -> Draft:
    """The draft with each unready text (locale, key) replaced by the served one, or removed where none is served.

    An old text in the player's language is better than a new one in another language.
    """
    texts = {locale: dict(of_locale) for locale, of_locale in draft.texts.items()}
    for locale, key in unready:
        old = None if served is None else served.texts.get(locale, {}).get(key)
        if old is None:
            del texts[locale][key]
        else:
            texts[locale][key] = old
    return msgspec.structs.replace(draft, texts={locale: of_locale for locale, of_locale in texts.items() if of_locale})


def _with_old_names(new: Achievement, old: Achievement) -> Achievement:
    return msgspec.structs.replace(
        new,
        public_id=old.public_id,
        display_order=old.display_order,
        legacy_type=old.legacy_type,
        image_id=old.image_id,
        is_base=new.is_base and old.is_base,
        stores=tuple(sorted({**dict(old.stores), **dict(new.stores)}.items())),
    )


def _with_old_metrics(new: Title, old: Title) -> Title:
    """The new title with the metrics and attributes that only the old one has: clients may still send such events."""
    metrics = {metric.key: metric for metric in (*old.metrics, *new.metrics)}
    attributes = {(attribute.kind, attribute.key): attribute for attribute in (*old.attributes, *new.attributes)}
    return msgspec.structs.replace(new, metrics=tuple(metrics.values()), attributes=tuple(attributes.values()))


def _with_old_settings(new: Title, old: Title) -> Title:
    return msgspec.structs.replace(old, scid=new.scid, version=new.version or old.version)
