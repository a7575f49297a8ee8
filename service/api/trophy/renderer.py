"""Achievements and metrics as Trophy shows them, rendered once for each release, chain of locales and kind of client.

A plain client gets exactly the documented shape. Trophy's own client libraries name themselves in a header and get the
superset that all their versions can read (`is_sdk`).
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from cachetools import LRUCache

from service.api.trophy.responses import YEAR, Shape, iso_time, json_number, measured_requirement
from service.core.catalog.model import Achievement, to_int4
from service.core.progress.holder_counts import Counts
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.model import PlayerState
from service.http.conditional import make_etag
from service.http.locale import LocalizedText, encode_localized

_MAX_RENDERERS = 64  # releases × chains × kinds of client
_MAX_LIST_BYTES = 16 * 1024 * 1024  # of all cached lists: some 500 of 100 achievements
_MAX_ATTRIBUTE_CHARACTERS = 256  # a longer filter is rendered every time, so that keys stay small

UserAttributes = Mapping[str, str]


class RenderedList(NamedTuple):
    """A body that is the same for every player, with its Content-Language and entity tag."""

    body: bytes
    languages: str | None
    etag: str


def _size_bytes(rendered: RenderedList) -> int:
    return len(rendered.body)


class Renderer:
    """The achievements and metrics of one release in one chain of locales, for one kind of client."""

    def __init__(
        self,
        published: PublishedTitle,
        chain: tuple[str, ...],
        *,
        is_sdk: bool,
        lists: LRUCache[tuple[object, ...], RenderedList] | None = None,
    ) -> None:
        self.published = published
        self.chain = chain
        self.is_sdk = is_sdk
        self._shapes: dict[int, Shape] = {}
        self._lists = LRUCache(0, getsizeof=_size_bytes) if lists is None else lists

    def active_achievements(self, attributes: UserAttributes | None, counts: Counts) -> RenderedList:
        """All active achievements with their counts; with `attributes`, those that such a user could complete."""
        pairs = None if attributes is None else tuple(sorted(attributes.items()))
        key = self.published.key, self.chain, self.is_sdk, counts.stamp, pairs
        rendered = self._lists.get(key)
        if rendered is None:
            achievements = [
                each for each in self.published.all_achievements.values() if _is_accessible(each, attributes)
            ]
            shapes = [with_counts(self.achievement(each), each, counts) for each in achievements]
            body, languages = encode_localized(shapes)
            rendered = RenderedList(body, languages, make_etag(body, languages))
            is_short = sum(len(name) + len(value) for name, value in pairs or ()) <= _MAX_ATTRIBUTE_CHARACTERS
            if is_short and len(body) <= self._lists.maxsize:
                self._lists[key] = rendered
        return rendered

    def achievement(self, achievement: Achievement) -> Shape:
        """The members of an achievement that are the same for every player."""
        shape = self._shapes.get(achievement.number)
        if shape is None:
            shape = self._shapes[achievement.number] = self._shape(achievement)
        return shape

    def player_achievement(
        self, achievement: Achievement, state: PlayerState, *, now: int, with_progress: bool = False
    ) -> Shape:
        """An achievement with the player's `achievedAt`, and `progress` if requested. `now` is in ticks."""
        at = state.unlocked.get(to_int4(achievement.number))
        shape = self.achievement(achievement) | {"achievedAt": None if at is None else iso_time(at)}
        if with_progress and achievement.requirements:
            requirement = achievement.requirements[0]
            current = self.published.rules.value(requirement, state, number=achievement.number, now=now)
            shape["progress"] = {
                "current": json_number(current or Decimal(0)),
                "target": json_number(Decimal(requirement.target)),
            }
        return shape

    def metric(self, key: str, state: PlayerState, *, now: int, with_progress: bool = False) -> Shape:
        """A metric with the player's total, and its achievements by target. `now` is in ticks."""
        metric = self.published.rules.metrics[key]
        achievements = [
            each
            for each in self._metric_achievements(key)
            if each.is_visible(is_unlocked=to_int4(each.number) in state.unlocked)
        ]
        return {
            "id": metric.public_id,
            "key": metric.key,
            "name": LocalizedText(*self.published.metric_name(key, self.chain)),
            "status": metric.status,
            "current": json_number(self.published.rules.total(key, state)),
            "achievements": [
                self.player_achievement(each, state, now=now, with_progress=with_progress) for each in achievements
            ],
        }

    def _metric_achievements(self, key: str) -> Iterable[Achievement]:
        """The achievements with this metric as their trigger, by target."""
        keyed = []
        for achievement in self.published.all_achievements.values():
            found = measured_requirement(achievement)
            if found is not None and found[1].metric == key and "metricId" in self.achievement(achievement):
                keyed.append((Decimal(found[0].target), achievement.number, achievement))
        return [achievement for _, _, achievement in sorted(keyed, key=lambda item: item[:2])]

    def _shape(self, achievement: Achievement) -> Shape:
        texts = self.published.texts_of(achievement, self.chain)
        name, description, locked_description = (
            LocalizedText(text, None if index is None else self.chain[index]) if text else None
            for text, index in zip(
                (texts.name, texts.description, texts.locked_description), texts.locales, strict=False
            )
        )
        shape: Shape = {
            "id": achievement.public_id,
            **self._trigger(achievement),
            "name": name or "",
            "description": locked_description if achievement.is_secret else description,
            "badgeUrl": None if achievement.icon is None else achievement.icon.url,
        }
        if achievement.user_filter or self.is_sdk:
            shape["userAttributes"] = [{"key": key, "value": value} for key, value in achievement.user_filter]
        found = measured_requirement(achievement)
        where = () if found is None else found[1].where
        if where:
            shape["eventAttribute"] = {"key": where[0][0], "value": where[0][1]}
        if self.is_sdk and shape["trigger"] == "metric":
            shape["eventAttributes"] = [{"key": key, "value": value} for key, value in where]
        return shape

    def _trigger(self, achievement: Achievement) -> Shape:
        found = measured_requirement(achievement)
        if found is not None:
            requirement, measure = found
            target = json_number(Decimal(requirement.target))
            if measure.aggregate == "streak":
                return {"trigger": "streak", "streakLength": target}
            if measure.aggregate == "unlocks" and measure.achievements:
                return {"trigger": "achievement", "achievementIds": list(measure.achievements)}
            if measure.aggregate == "age" and target % YEAR == 0:
                return {"trigger": "anniversary", "anniversaryYears": target // YEAR}
            metric = self.published.rules.metrics.get(measure.metric or "")
            if metric is not None:
                return {
                    "trigger": "metric",
                    "metricId": metric.public_id,
                    "metricValue": target,
                    "metricName": LocalizedText(*self.published.metric_name(metric.key, self.chain)),
                }
        return {"trigger": "api", "key": achievement.key or achievement.public_id}


class Renderers:
    """The renderers of one application, the least recently used ones dropped."""

    def __init__(self) -> None:
        self._renderers: LRUCache[tuple[int, tuple[str, ...], bool], Renderer] = LRUCache(_MAX_RENDERERS)
        self._lists: LRUCache[tuple[object, ...], RenderedList] = LRUCache(_MAX_LIST_BYTES, getsizeof=_size_bytes)

    def get(self, published: PublishedTitle, chain: tuple[str, ...], *, is_sdk: bool) -> Renderer:
        """The renderer of a release in a chain of locales."""
        key = published.key, chain, is_sdk
        renderer = self._renderers.get(key)
        if renderer is None:
            renderer = self._renderers[key] = Renderer(published, chain, is_sdk=is_sdk, lists=self._lists)
        return renderer


def completed_message(published: PublishedTitle, player: str, number: int, at: int) -> bytes | None:
    """The message about an unlock in the title's default locale; None if the achievement is not served any more."""
    achievement = published.all_achievements.get(number)
    if achievement is None:
        return None
    renderer = Renderer(published, (published.title.default_locale,), is_sdk=True)
    shape = renderer.achievement(achievement) | {"achievedAt": iso_time(at)}
    return encode_localized({"type": "achievement.completed", "user": {"id": player}, "achievement": shape})[0]


def with_counts(shape: Shape, achievement: Achievement, counts: Counts) -> Shape:
    """The shape of an achievement with how many players hold it, and its rarity in percent."""
    return shape | {
        "completions": counts.holders.get(achievement.number, 0),
        "rarity": counts.rarity(achievement.number),
    }


def is_listed(achievement: Achievement, state: PlayerState, *, include_incomplete: bool) -> bool:
    """Whether an achievement is in a player's list: those that they hold, and if requested those open to them."""
    if to_int4(achievement.number) in state.unlocked:
        return achievement.is_visible(is_unlocked=True)
    return include_incomplete and _is_accessible(achievement, state.profile.attributes)


def _is_accessible(achievement: Achievement, attributes: UserAttributes | None) -> bool:
    """Whether it is active, and open to a user with these attributes; None stands for every user."""
    return achievement.status == "active" and (
        attributes is None or all(attributes.get(key) == value for key, value in achievement.user_filter)
    )
