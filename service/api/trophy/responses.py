"""What this door says: achievements, metrics, users, streaks as its clients expect them. Wire names stop here.

A plain caller gets the shape of the documents exactly. Trophy's own client libraries name themselves in a header, and
get the superset that every version of them can read (`is_sdk`).
"""

import datetime
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from service import ticks
from service.core.catalog.model import NO_PICTURE, Achievement, Measure, Requirement, to_int4
from service.core.progress.holder_counts import Counts
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.model import PlayerState, Profile, Streak
from service.http.locale import LocalizedText, encode_localized

encode = msgspec.json.Encoder(decimal_format="number").encode

Shape = dict[str, Any]
YEAR = 31_556_952  # seconds: the mean year of the Gregorian calendar
_LISTS = 32  # whole answers kept of each release, language and kind of caller


def number(value: Decimal) -> int | Decimal:
    """A JSON number: whole ones without a fraction."""
    return int(value) if value == value.to_integral_value() else value


def moment(at: int) -> str:
    """Ticks as ISO 8601 in UTC: whole seconds, or with milliseconds."""
    return ticks.wire(at, 3 if at % ticks.SECOND else 0)


def measured(achievement: Achievement) -> tuple[Requirement, Measure] | None:
    """The requirement that decides how this door calls an achievement; None if the title itself reports it."""
    for requirement in achievement.requirements:
        if requirement.measure is not None:
            return requirement, requirement.measure
    return None


def is_api(achievement: Achievement) -> bool:
    """Whether it is completed by a call, and by nothing else."""
    return measured(achievement) is None


class Renderer:
    """The achievements of one release in one chain of languages, for plain callers or for Trophy's libraries."""

    def __init__(self, published: PublishedTitle, chain: tuple[str, ...], *, is_sdk: bool) -> None:
        self.published = published
        self.chain = chain
        self.is_sdk = is_sdk
        self._shapes: dict[int, Shape] = {}
        self.lists: OrderedDict[Hashable, tuple[bytes, str | None, str]] = OrderedDict()
        """Whole answers that are the same for everybody, with their languages and ETags, by what they depend on."""

    def keep(self, key: Hashable, answer: tuple[bytes, str | None, str]) -> None:
        """Keep a whole answer for those who ask the same."""
        self.lists[key] = answer
        if len(self.lists) > _LISTS:
            self.lists.popitem(last=False)

    def achievement(self, achievement: Achievement) -> Shape:
        """What is the same for everybody."""
        shape = self._shapes.get(achievement.number)
        if shape is None:
            shape = self._shapes[achievement.number] = self._shape(achievement)
        return shape

    def of_player(
        self, achievement: Achievement, state: PlayerState, *, now: int, with_progress: bool = False
    ) -> Shape:
        """With the player's own: `achievedAt`, and how far along they are if that is asked for."""
        at = state.unlocked.get(to_int4(achievement.number))
        shape = self.achievement(achievement) | {"achievedAt": None if at is None else moment(at)}
        if with_progress and achievement.requirements:
            requirement = achievement.requirements[0]
            current = self.published.rules.value(requirement, state, number=achievement.number, now=now)
            shape["progress"] = {
                "current": number(current or Decimal(0)),
                "target": number(Decimal(requirement.target)),
            }
        return shape

    def metric_achievements(self, key: str) -> Iterator[Achievement]:
        """Those that this door shows under a metric, by their target."""
        found = []
        for achievement in self.published.every.values():
            requirement = measured(achievement)
            if requirement is not None and requirement[1].metric == key and "metricId" in self.achievement(achievement):
                found.append((Decimal(requirement[0].target), achievement.number, achievement))
        for _, _, achievement in sorted(found, key=lambda item: item[:2]):
            yield achievement

    def metric(self, key: str, state: PlayerState, *, now: int, with_progress: bool = False) -> Shape:
        """One metric with the player's total, and what can be achieved by it."""
        metric = self.published.rules.metrics[key]
        shown = [one for one in self.metric_achievements(key) if is_shown(one, state)]
        return {
            "id": metric.public_id,
            "key": metric.key,
            "name": LocalizedText(*self.published.metric_name(key, self.chain)),
            "status": metric.status,
            "current": number(self.published.rules.total(key, state)),
            "achievements": [self.of_player(one, state, now=now, with_progress=with_progress) for one in shown],
        }

    def _shape(self, achievement: Achievement) -> Shape:
        texts = self.published.texts_of(achievement, self.chain)
        name, description, locked_description = (
            LocalizedText(text, None if index is None else self.chain[index]) if text else None
            for text, index in zip(
                (texts.name, texts.description, texts.locked_description), texts.locales, strict=False
            )
        )
        icon = next((media for media in achievement.media if media.kind == "Icon"), NO_PICTURE)
        shape: Shape = {
            "id": achievement.public_id,
            **self._trigger(achievement),
            "name": name or "",
            "description": locked_description if achievement.is_secret else description,
            "badgeUrl": None if icon == NO_PICTURE else icon.url,
        }
        if achievement.user_filter or self.is_sdk:
            shape["userAttributes"] = [{"key": key, "value": value} for key, value in achievement.user_filter]
        found = measured(achievement)
        where = () if found is None else found[1].where
        if where:
            shape["eventAttribute"] = {"key": where[0][0], "value": where[0][1]}
        if self.is_sdk and shape["trigger"] == "metric":
            shape["eventAttributes"] = [{"key": key, "value": value} for key, value in where]
        return shape

    def _trigger(self, achievement: Achievement) -> Shape:
        found = measured(achievement)
        if found is not None:
            requirement, measure = found
            target = number(Decimal(requirement.target))
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


def is_shown(achievement: Achievement, state: PlayerState) -> bool:
    """Whether one player is shown it: active ones, and locked ones that they hold."""
    return achievement.status == "active" or (
        achievement.status == "locked" and to_int4(achievement.number) in state.unlocked
    )


def completed(published: PublishedTitle, player: str, number: int, at: int) -> bytes | None:
    """What a webhook is told of an unlock, in the title's default language; None if it is not served any more."""
    achievement = published.every.get(number)
    if achievement is None:
        return None
    renderer = Renderer(published, (published.title.default_locale,), is_sdk=True)
    shape = renderer.achievement(achievement) | {"achievedAt": moment(at)}
    return encode_localized({"type": "achievement.completed", "user": {"id": player}, "achievement": shape})[0]


def with_counts(shape: Shape, number_: int, counts: Counts) -> Shape:
    """With how many players hold it."""
    return shape | {"completions": counts.holders.get(number_, 0), "rarity": counts.rarity(number_)}


def user(player: str, profile: Profile, *, created_at: int) -> Shape:
    """A user as the SDKs demand it, every member always there."""
    created = created_at or profile.updated_at
    return {
        "id": player,
        "email": profile.email,
        "name": profile.name,
        "tz": profile.time_zone,
        "deviceTokens": None if profile.device_tokens is None else list(profile.device_tokens),
        "subscribeToEmails": profile.subscribe_to_emails,
        "attributes": dict(profile.attributes),
        "control": False,
        "created": moment(created),
        "updated": moment(profile.updated_at or created),
    }


def streak(streak_: Streak) -> Shape:
    """The current streak. Days are the player's own; a streak ends with the day after its last one."""
    last = streak_.last_day if streak_.length else None
    return {
        "length": streak_.length,
        "frequency": "daily",
        "started": _day(streak_.started),
        "periodStart": _day(last),
        "periodEnd": _day(last),
        "expires": _day(None if last is None else last + datetime.timedelta(days=1)),
    }


def _day(day: datetime.date | None) -> str | None:
    return None if day is None else day.isoformat()


def user_attributes(text: str | None) -> Mapping[str, str] | None:
    """The pairs of `userAttributes=key:value,key:value`; None if it is absent or empty.

    Split at the first colon; spaces around are dropped; the last of two values of one key counts.

    Raises:
        ValueError: a pair without a colon, or without a key.
    """
    pairs: dict[str, str] = {}
    for part in (text or "").split(","):
        if not part.strip():
            continue
        key, colon, value = part.partition(":")
        if not colon or not key.strip():
            raise ValueError(part)
        pairs[key.strip()] = value.strip()
    return pairs or None
