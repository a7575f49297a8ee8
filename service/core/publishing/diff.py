"""What differs between two drafts of a title, and which achievements become earnable. Pure."""

import itertools
from collections.abc import Mapping

import msgspec

from service.core.catalog.model import Achievement, Draft, Texts


class DraftDiff(msgspec.Struct, frozen=True, kw_only=True):
    """What an import or a publish changes; false when nothing changes.

    `added` and `changed` are numbers of achievements. `texts` maps (locale, key) to the old and the new text, where
    None means that there is no text; `omitted_texts` is how many more there are.
    """

    title_is_new: bool
    title_changed: bool
    added: tuple[int, ...]
    changed: tuple[int, ...]
    texts: Mapping[tuple[str, str], tuple[str | None, str | None]]
    omitted_texts: int = 0

    def __bool__(self) -> bool:
        is_of_title = self.title_is_new or self.title_changed or self.added or self.changed
        return bool(is_of_title or self.texts or self.omitted_texts)

    def part(self, texts: range) -> "DraftDiff":
        """The same with only some of the texts: those at these positions, ordered by locale and key."""
        shown = dict(itertools.islice(self.texts.items(), texts.start, texts.stop))
        return msgspec.structs.replace(self, texts=shown, omitted_texts=len(self.texts) - len(shown))


def diff_drafts(before: Draft | None, after: Draft) -> DraftDiff:
    """What `after` changes compared with `before`; None is a title that does not exist yet.

    Achievements that only `before` has are not reported: no import and no publish removes an achievement.
    """
    old = {} if before is None else {achievement.number: achievement for achievement in before.achievements}
    return DraftDiff(
        title_is_new=before is None,
        title_changed=before is not None and before.title != after.title,
        added=tuple(a.number for a in after.achievements if a.number not in old),
        changed=tuple(a.number for a in after.achievements if a.number in old and old[a.number] != a),
        texts=_changed_texts({} if before is None else before.texts, after.texts),
    )


def newly_earnable(before: Draft | None, after: Draft) -> tuple[int, ...]:
    """The numbers of counted achievements that `after` activates, or whose requirements or user filter it changes.

    Players may already have reached these, so a backfill has to look for them.
    """
    old = {} if before is None else {achievement.number: achievement for achievement in before.achievements}
    return tuple(
        achievement.number
        for achievement in after.achievements
        if achievement.status == "active"
        and any(requirement.measure is not None for requirement in achievement.requirements)
        and not _is_earned_alike(old.get(achievement.number), achievement)
    )


def _is_earned_alike(before: Achievement | None, after: Achievement) -> bool:
    """Whether an active achievement was active before, with the same requirements for the same users."""
    return (
        before is not None
        and before.status == "active"
        and (before.requirements, before.user_filter) == (after.requirements, after.user_filter)
    )


def _changed_texts(before: Texts, after: Texts) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    changed = {}
    for locale in sorted({*before, *after}):
        old, new = before.get(locale, {}), after.get(locale, {})
        for key in sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key)):
            changed[locale, key] = old.get(key), new.get(key)
    return changed
