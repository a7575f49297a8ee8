"""Achievements and metrics as Trophy shows them: JSON rendered at first use for each release, chain and kind of client.

A plain client gets exactly the documented shape. Trophy's own client libraries name themselves in a header and get the
superset that all their versions can read (`is_sdk`).
"""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from cachetools import LRUCache

from service.api.trophy.responses import YEAR, Shape, encode, iso_time, json_number, measured_requirement
from service.byte_cache import ByteCache
from service.concurrency.steps import Steps
from service.core.catalog.model import Achievement, Pairs, to_int4
from service.core.progress.holder_counts import Counts
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.model import PlayerState
from service.http.conditional import make_etag
from service.http.locale import LocalizedJson, LocalizedText, content_language, encode_localized, encode_with_locales

_MAX_RENDERED_BYTES = 16 * 1024 * 1024  # of all achievements: some 25 000
_MAX_LIST_BYTES = 8 * 1024 * 1024  # of all cached lists: some 250 of 100 achievements
_RENDERED_BYTES = 300  # of memory for a rendered achievement, besides its JSON
_ACHIEVEMENTS_OF_STEP = 32

UserAttributes = Mapping[str, str]


class RenderedList(NamedTuple):
    """A body that is the same for every player, with its Content-Language and entity tag."""

    body: bytes
    languages: str | None
    etag: str


class _Rendered(NamedTuple):
    """The JSON of an achievement without its closing brace, and the locales of its texts in order of appearance."""

    opening: bytes
    locales: tuple[str | None, ...]


class Renderer:
    """The achievements and metrics of one release in one chain of locales, for one kind of client.

    `on_growth` is told how many bytes it has rendered and keeps.
    """

    def __init__(
        self,
        published: PublishedTitle,
        chain: tuple[str, ...],
        *,
        is_sdk: bool,
        on_growth: Callable[[int], None] = lambda _size_bytes: None,
    ) -> None:
        self.published = published
        self.chain = chain
        self.is_sdk = is_sdk
        self._on_growth = on_growth
        self._rendered: dict[int, _Rendered] = {}

    def list_steps(
        self, achievements: Sequence[Achievement], tails: Iterable[Shape]
    ) -> Steps[tuple[bytes, str | None]]:
        """The body of a list of achievements, each with the members of its tail, and its Content-Language."""
        pieces: list[bytes] = []
        locales: dict[str | None, None] = {}
        for index, (achievement, tail) in enumerate(zip(achievements, tails, strict=False)):
            rendered = self._render(achievement)
            pieces.append(_closed(rendered, tail))
            locales |= dict.fromkeys(rendered.locales)
            if index % _ACHIEVEMENTS_OF_STEP == 0:
                yield
        return b"[%b]" % b",".join(pieces), content_language(locales)

    def achievement(self, achievement: Achievement, tail: Shape) -> LocalizedJson:
        """An achievement with these members after those that are the same for every player."""
        rendered = self._render(achievement)
        return LocalizedJson(_closed(rendered, tail), rendered.locales)

    def player_achievement(
        self, achievement: Achievement, state: PlayerState, *, now: int, with_progress: bool = False
    ) -> LocalizedJson:
        """An achievement with the player's `achievedAt`, and `progress` if requested. `now` is in ticks."""
        return self.achievement(
            achievement, self.player_members(achievement, state, now=now, with_progress=with_progress)
        )

    def player_members(
        self, achievement: Achievement, state: PlayerState, *, now: int, with_progress: bool = False
    ) -> Shape:
        """The members of an achievement that are the player's. `now` is in ticks."""
        at = state.unlocked.get(to_int4(achievement.number))
        shape: Shape = {"achievedAt": None if at is None else iso_time(at)}
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
            if found is not None and found[1].metric == key and "metricId" in self._trigger(achievement):
                keyed.append((Decimal(found[0].target), achievement.number, achievement))
        return [achievement for _, _, achievement in sorted(keyed, key=lambda item: item[:2])]

    def _render(self, achievement: Achievement) -> _Rendered:
        rendered = self._rendered.get(achievement.number)
        if rendered is None:
            body, locales = encode_with_locales(self._shape(achievement))
            rendered = self._rendered[achievement.number] = _Rendered(body[:-1], tuple(locales))
            self._on_growth(_RENDERED_BYTES + len(body))
        return rendered

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
    """What one application has rendered, the least recently used dropped: achievements by chain, and whole lists."""

    def __init__(self) -> None:
        self._renderers = ByteCache[_RendererKey, Renderer](_MAX_RENDERED_BYTES)
        self._lists = LRUCache[tuple[object, ...], RenderedList](_MAX_LIST_BYTES, getsizeof=lambda kept: len(kept.body))

    def get(self, published: PublishedTitle, chain: tuple[str, ...], *, is_sdk: bool) -> Renderer:
        """The renderer of a release in a chain of locales."""
        key = published.key, chain, is_sdk
        renderer = self._renderers.get(key)
        if renderer is None:
            renderer = Renderer(
                published, chain, is_sdk=is_sdk, on_growth=lambda size_bytes: self._renderers.grow(key, size_bytes)
            )
            self._renderers.put(key, renderer, 0)
        return renderer

    def list_steps(self, renderer: Renderer, attributes: UserAttributes | None, counts: Counts) -> Steps[RenderedList]:
        """All active achievements with their counts; with `attributes`, those that such a user could complete.

        Only attributes that decide about an achievement have a part in the key: any others may be sent.
        """
        published = renderer.published
        pairs = None if attributes is None else _deciding(published, attributes)
        key = published.key, renderer.chain, renderer.is_sdk, counts.stamp, pairs
        kept = self._lists.get(key)
        if kept is None:
            yield
            shown = [each for each in published.all_achievements.values() if _is_accessible(each, attributes)]
            body, languages = yield from renderer.list_steps(shown, (count_members(each, counts) for each in shown))
            kept = RenderedList(body, languages, make_etag(body, languages))
            if len(body) <= self._lists.maxsize:
                self._lists[key] = kept
        return kept


_RendererKey = tuple[int, tuple[str, ...], bool]


def completed_message(published: PublishedTitle, player: str, number: int, at: int) -> bytes | None:
    """The message about an unlock in the title's default locale; None if the achievement is not served any more."""
    achievement = published.all_achievements.get(number)
    if achievement is None:
        return None
    renderer = Renderer(published, (published.title.default_locale,), is_sdk=True)
    shown = renderer.achievement(achievement, {"achievedAt": iso_time(at)})
    return encode_localized({"type": "achievement.completed", "user": {"id": player}, "achievement": shown})[0]


def count_members(achievement: Achievement, counts: Counts) -> Shape:
    """How many players hold an achievement, and its rarity in percent."""
    return {
        "completions": counts.holders.get(achievement.number, 0),
        "rarity": counts.rarity(achievement.number),
    }


def _closed(rendered: _Rendered, tail: Shape) -> bytes:
    return b"%b,%b" % (rendered.opening, encode(tail)[1:])


def _deciding(published: PublishedTitle, attributes: UserAttributes) -> Pairs:
    """The attributes with a value that an achievement of the title requires."""
    required = itertools.chain.from_iterable(each.user_filter for each in published.all_achievements.values())
    return tuple(sorted(attributes.items() & set(required)))


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
