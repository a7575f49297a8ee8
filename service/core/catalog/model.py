"""What can be earned: titles, achievements and their texts, as plain values. Pure.

A *draft* is what is being edited, a *release* what was published; both are made of the same values. Texts stand
apart from definitions, by key and locale, because every string finds its own language.
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
"""Attribute keys and the values they must have, ordered by key; empty for no condition."""

Texts = Mapping[str, Mapping[str, str]]
"""Locale → text key → text. Locales are canonical BCP 47; an empty text is a missing one and is not held."""

U32 = 2**32

TITLE_NAME = "title/name"


def achievement_key(number: int, field: Literal["name", "description", "locked_description"]) -> str:
    """The text key of one string of an achievement."""
    return f"achievement/{number}/{field}"


def metric_key(key: str) -> str:
    """The text key of a metric's name."""
    return f"metric/{key}/name"


def reward_key(number: int, kind: RewardKind, field: Literal["name", "description"]) -> str:
    """The text key of one string of a reward. One reward a kind, so the kind is its name."""
    return f"achievement/{number}/reward/{kind.lower()}/{field}"


class MediaAsset(msgspec.Struct, frozen=True, kw_only=True):
    """A picture. `kind` is the wire's word, such as Icon, Art or ChallengePromoIcon."""

    name: str
    kind: str
    url: str


NO_PICTURE = MediaAsset(name="none", kind="Icon", url="https://laurel.invalid/none.png")
"""What stands where there is no picture, as clients read the first one blindly (RFC 2606: nothing is ever there)."""


class Reward(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an unlock brings. `value` is text on the wire whatever it means; its name and description are texts."""

    kind: RewardKind
    value: str
    value_type: str
    media: MediaAsset | None = None


class Metric(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that is counted in a title. Its name is a text (`metric_key`).

    `key` never changes once events may carry it; `public_id` is unique in the title. `units` is what is counted, as
    developers call it. An archived metric takes no events, and keeps what was counted.
    """

    key: str
    public_id: str
    unit_type: UnitType = "number"
    units: str | None = None
    status: MetricStatus = "active"


class Attribute(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A name that players ("user") or events may carry a value under. Undeclared ones are refused."""

    key: str
    public_id: str
    kind: AttributeKind
    name: str


class Measure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is counted of one player.

    | aggregate | counts |
    |---|---|
    | sum | the amounts of a metric's events; with `period_seconds`, of the best window of that length so far |
    | max, last | the largest amount so far; the amount of the event that happened last |
    | streak | days in a row, by the player's calendar, with an amount above 0; of any metric if `metric` is None |
    | distinct | different values of the event attribute `of`, up to the largest target that asks |
    | age | seconds since the player was first seen in the title |
    | unlocks | how many of `achievements` (public ids; empty for any of the title) the player holds |

    `where` counts only events whose attributes have these values. A scope is such a condition.
    """

    aggregate: Aggregate
    metric: str | None = None
    where: Pairs = ()
    of: str | None = None
    period_seconds: int | None = None
    achievements: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its name among a player's standings: the same for the same count, whoever asks for it."""
        return _measure_key(self)


class Requirement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something to reach. `target` is a decimal as text: the wire prints it so, and "1.50" stays "1.50".

    A requirement without a measure is reported by the title itself, in percent of the target.
    """

    id: str
    target: str
    operation: Operation = "Sum"
    value_type: ValueType = "Integer"
    participation: Participation = "Individual"
    measure: Measure | None = None


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """When it can be earned, in ticks (`ticks.py`). `fraction_digits` (0–7) is how its dates are printed."""

    opens_at: int
    closes_at: int
    fraction_digits: int = 0


class Achievement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something to earn in a title, without its words.

    `number` is a u32 within the title and the Xbox id; `public_id` its free-text name, unique within the title.
    `media` is never empty: many clients read the first one blindly. `estimated_seconds` is under a day.
    `legacy_type` (1 completion … 7 other) and `image_id` are shown only by the Xbox 360 contract.
    `requirements` are all to be met; without any, the title itself says when. `user_filter` names attributes that a
    player must have. `key` is what the title calls it by, its public id where there is none. `is_base`: it is there
    at launch. `stores` are the names that stores know it by, where they are not those of `formats/stores.py`.

    | status | can be unlocked | is shown |
    |---|---|---|
    | inactive | no | no |
    | active | yes | yes |
    | locked | no more | to those who hold it (the Xbox door: to all) |
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
    def is_manual(self) -> bool:
        """Whether the title itself reports it, in whole or in part."""
        return not self.requirements or any(requirement.measure is None for requirement in self.requirements)

    @property
    def gamerscore(self) -> int:
        """Points, 0 where there are none."""
        return sum(int(reward.value) for reward in self.rewards if reward.kind == "Gamerscore")

    def text_keys(self) -> Iterator[str]:
        """The texts that an achievement has of its own: name, description, locked description."""
        yield achievement_key(self.number, "name")
        yield achievement_key(self.number, "description")
        yield achievement_key(self.number, "locked_description")

    def required_text_keys(self) -> Iterator[str]:
        """What must be written in the title's default locale before it can be published."""
        yield achievement_key(self.number, "name")


class Title(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A game: who owns achievements, texts and releases.

    `title_id` is a u32; `scid` a GUID in lower case. `version` is the association's, None where the title has none.
    `text_unit` "string" lets every string find its own language; "achievement" gives all strings of one achievement
    the same. `trust` "client" lets a player's own token, issued for this title, report that player's progress;
    "server" wants a credential of the title's own servers.
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
    """A title as it is being edited, or as a file describes it. Achievements are ordered by number."""

    title: Title
    achievements: tuple[Achievement, ...]
    texts: Texts


def to_int4(number: int) -> int:
    """A u32 as the int4 of the same bits, as players' rows hold it."""
    return number - (number >> 31 << 32)


@functools.lru_cache(maxsize=8192)
def from_int4(stored_number: int) -> int:
    """The u32 that a stored int4 stands for."""
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
