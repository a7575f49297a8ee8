"""Titles, achievements, rewards, metrics and texts as frozen values. Pure.

A *draft* is being edited, a *release* is published; both consist of the same values. Texts are separate from
definitions, by locale and key, because each string has its own language fallback. The values refer to nothing but their
parts, so the garbage collector need not search them (`gc=False`): a large title would make it stop the process for long.
"""

import functools
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

Kind = Literal["Persistent", "Challenge"]
Participation = Literal["Individual", "Group"]
Operation = Literal["Sum", "Minimum", "Maximum"]
ValueType = Literal["Integer", "Double"]
RewardKind = Literal["Gamerscore", "InApp", "Art"]
TextUnit = Literal["string", "achievement"]
Aggregate = Literal["sum", "max", "last", "streak", "distinct", "age", "unlocks"]
Status = Literal["inactive", "active", "locked", "archived"]
MetricStatus = Literal["active", "archived"]
UnitType = Literal["number", "currency"]
AttributeKind = Literal["user", "event"]
Trust = Literal["server", "client"]

Pairs = tuple[tuple[str, str], ...]
"""Attribute keys with their required values, ordered by key; empty for no condition."""

Texts = Mapping[str, Mapping[str, str]]
"""Locale → text key → text. Locales are canonical BCP 47; a missing text has no entry, so texts are never empty."""

U32 = 2**32

TITLE_NAME = "title/name"


def achievement_key(number: int, field: Literal["name", "description", "locked_description"]) -> str:
    """The text key of a field of an achievement."""
    return f"achievement/{number}/{field}"


def metric_key(key: str) -> str:
    """The text key of a metric's name."""
    return f"metric/{key}/name"


def reward_key(number: int, kind: RewardKind, field: Literal["name", "description"]) -> str:
    """The text key of a field of a reward. An achievement has at most one reward of each kind."""
    return f"achievement/{number}/reward/{kind.lower()}/{field}"


class MediaAsset(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A picture. `kind` is as in the Xbox API, such as Icon, Art or ChallengePromoIcon."""

    name: str
    kind: str
    url: str


NO_PICTURE = MediaAsset(name="none", kind="Icon", url="https://laurel.invalid/none.png")
"""A placeholder where there is no picture, because clients read the first one without checking (host: RFC 2606)."""


class Reward(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A reward of an achievement. `value` is text for every kind. Its name and description are texts (`reward_key`)."""

    kind: RewardKind
    value: str
    value_type: str
    media: MediaAsset | None = None


class Metric(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Something that a title counts by events. Its name is a text (`metric_key`).

    `key` identifies it in events and never changes; `public_id` is unique in the title. `units` is the developers'
    name of what is counted. An archived metric accepts no more events and keeps its totals.
    """

    key: str
    public_id: str
    unit_type: UnitType = "number"
    units: str | None = None
    status: MetricStatus = "active"


class Attribute(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An attribute that players (kind "user") or events may have. Undeclared attributes are errors."""

    key: str
    public_id: str
    kind: AttributeKind
    name: str


class Measure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A value that is computed from the events of one player.

    | aggregate | value |
    |---|---|
    | sum | the sum of the amounts of a metric's events; with `period_seconds`, the largest sum in such a period |
    | max, last | the largest amount so far; the amount of the event that happened last |
    | streak | consecutive days of the player's calendar with an amount above 0; of any metric if `metric` is None |
    | distinct | the number of distinct values of the event attribute `of`, up to the largest target |
    | age | seconds since the player was first seen in the title |
    | unlocks | the number of unlocked `achievements` (public ids; empty: any of the title) |

    `where` restricts it to events with these attributes.
    """

    aggregate: Aggregate
    metric: str | None = None
    where: Pairs = ()
    of: str | None = None
    period_seconds: int | None = None
    achievements: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its key among a player's measure values. Requirements with the same measure share one value."""
        return _measure_key(self)


class Requirement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A condition of an achievement: a measure that reaches a target.

    `target` is a decimal as text, because APIs return it unchanged ("1.50" stays "1.50"). A requirement without a
    measure is reported by the title, in percent of the target.
    """

    id: str
    target: str
    operation: Operation = "Sum"
    value_type: ValueType = "Integer"
    participation: Participation = "Individual"
    measure: Measure | None = None


class Window(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """When an achievement can be earned, in ticks. `fraction_digits` (0–7) is the precision of its dates in responses."""

    opens_at: int
    closes_at: int
    fraction_digits: int = 0


class Achievement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An achievement of a title, without its texts.

    `number` is a u32, unique in the title, and the id in the Xbox API; `public_id` is free text, unique in the title.
    `media` is never empty, because many clients read the first one without checking. `estimated_seconds` is less than
    a day. Only the Xbox 360 contract has `legacy_type` (1 completion … 7 other) and `image_id`. All `requirements` must
    be met; without any, the title reports the unlock. `user_filter` are attributes that the player must have. `key` is
    the name that the title's servers use; None for the public id. `is_base`: it exists at launch. `stores` are its
    identifiers in stores that differ from the defaults (`formats.stores.store_ids`).

    | status | can be unlocked | is shown |
    |---|---|---|
    | inactive | no | no |
    | active | yes | yes |
    | locked | no more | to players who have unlocked it (Xbox API: to all) |
    | archived | no | no |
    """

    number: int
    public_id: str
    product_id: str
    platforms: tuple[str, ...]
    media: tuple[MediaAsset, ...]
    requirements: tuple[Requirement, ...] = ()
    rewards: tuple[Reward, ...] = ()
    display_order: int = 0
    kind: Kind = "Persistent"
    participation: Participation = "Individual"
    is_secret: bool = False
    is_revoked: bool = False
    window: Window | None = None
    deeplink: str | None = None
    estimated_seconds: int = 0
    legacy_type: int = 1
    image_id: int = 0
    status: Status = "active"
    key: str | None = None
    user_filter: Pairs = ()
    is_base: bool = True
    stores: Pairs = ()

    @property
    def is_reported(self) -> bool:
        """Whether the title reports its progress, at least of one requirement."""
        return not self.requirements or any(requirement.measure is None for requirement in self.requirements)

    @property
    def is_fully_reported(self) -> bool:
        """Whether the title alone reports its progress: no requirement is measured by events."""
        return all(requirement.measure is None for requirement in self.requirements)

    def is_visible(self, *, is_unlocked: bool) -> bool:
        """Whether a player sees it who has unlocked it or not (Trophy API and badges)."""
        return self.status == "active" or (self.status == "locked" and is_unlocked)

    @property
    def icon(self) -> MediaAsset | None:
        """Its first icon; None if there is only the placeholder."""
        icon = next((asset for asset in self.media if asset.kind == NO_PICTURE.kind), NO_PICTURE)
        return None if icon == NO_PICTURE else icon

    @property
    def gamerscore(self) -> int:
        """Gamerscore points, 0 if there is no such reward."""
        return sum(int(reward.value) for reward in self.rewards if reward.kind == "Gamerscore")

    def text_keys(self) -> Iterator[str]:
        """The text keys of its name, description and locked description, without those of rewards."""
        yield achievement_key(self.number, "name")
        yield achievement_key(self.number, "description")
        yield achievement_key(self.number, "locked_description")

    def required_text_keys(self) -> Iterator[str]:
        """The text keys that the default locale must have before the title can be published."""
        yield achievement_key(self.number, "name")


class Title(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A game, which owns achievements, texts and releases.

    `title_id` is a u32 above 0; `scid` is a GUID in lower case. `version` is that of the Xbox title association, None
    if there is none. `text_unit` is the unit of language fallback: each string has its own language, or all strings of
    an achievement have the same. `trust` says who may report a player's progress: "client" the player's own token for
    this title, "server" only credentials of the title's servers.
    """

    title_id: int
    scid: str
    default_locale: str
    kind: str = "Game"
    platform: str = "XboxOne"
    version: str | None = None
    text_unit: TextUnit = "string"
    trust: Trust = "server"
    metrics: tuple[Metric, ...] = ()
    attributes: tuple[Attribute, ...] = ()


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A title that is being edited, or that a file describes. Achievements are ordered by number."""

    title: Title
    achievements: tuple[Achievement, ...]
    texts: Texts


def to_int4(number: int) -> int:
    """A u32 as the int4 with the same bits, as players' rows store it."""
    return number - (number >> 31 << 32)


@functools.lru_cache(maxsize=8192)
def from_int4(stored_number: int) -> int:
    """The u32 with the same bits as a stored int4."""
    return stored_number % U32


@functools.lru_cache(maxsize=8192)
def _measure_key(measure: Measure) -> str:
    where = "&".join(f"{_quoted(key)}={_quoted(value)}" for key, value in measure.where)
    parts = (
        f"{measure.aggregate}:{measure.metric or ''}",
        "" if measure.of is None else f"#{_quoted(measure.of)}",
        "" if measure.period_seconds is None else f"@{measure.period_seconds}",
        f"?{where}" if where else "",
    )
    return "".join(parts)


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")
