"""What can be earned: titles, achievements and their texts, as plain values. Pure.

A *draft* is what is being edited, a *release* what was published; both are made of the same values. Texts stand
apart from definitions, by key and locale, because every string finds its own language.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

Kind = Literal["Persistent", "Challenge"]
Participation = Literal["Individual", "Group"]
Operation = Literal["Sum", "Minimum", "Maximum"]
ValueType = Literal["Integer", "Double"]
RewardKind = Literal["Gamerscore", "InApp", "Art"]
TextUnit = Literal["string", "achievement"]

Texts = Mapping[str, Mapping[str, str]]
"""Locale → text key → text. Locales are canonical BCP 47; an empty text is a missing one and is not held."""

U32 = 2**32

TITLE_NAME = "title/name"


def achievement_key(number: int, field: Literal["name", "description", "locked_description"]) -> str:
    """The text key of one string of an achievement."""
    return f"achievement/{number}/{field}"


def reward_key(number: int, kind: RewardKind, field: Literal["name", "description"]) -> str:
    """The text key of one string of a reward. One reward a kind, so the kind is its name."""
    return f"achievement/{number}/reward/{kind.lower()}/{field}"


class MediaAsset(msgspec.Struct, frozen=True, kw_only=True):
    """A picture. `kind` is the wire's word, such as Icon, Art or ChallengePromoIcon."""

    name: str
    kind: str
    url: str


class Reward(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an unlock brings. `value` is text on the wire whatever it means; its name and description are texts."""

    kind: RewardKind
    value: str
    value_type: str
    media: MediaAsset | None = None


class Requirement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something to reach. `target` is a decimal as text: the wire prints it so, and "1.50" stays "1.50"."""

    id: str
    target: str
    operation: Operation = "Sum"
    value_type: ValueType = "Integer"
    participation: Participation = "Individual"


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

    @property
    def gamerscore(self) -> int:
        """Points, 0 where there are none."""
        return sum(int(reward.value) for reward in self.rewards if reward.kind == "Gamerscore")

    def required_text_keys(self) -> Iterator[str]:
        """What must be written in the title's default locale before it can be published."""
        yield achievement_key(self.number, "name")
        yield achievement_key(self.number, "description")
        yield achievement_key(self.number, "locked_description")


class Title(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A game: who owns achievements, texts and releases.

    `title_id` is a u32; `scid` a GUID in lower case. `version` is the association's, None where the title has none.
    `text_unit` "string" lets every string find its own language; "achievement" gives all strings of one achievement
    the same.
    """

    title_id: int
    scid: str
    default_locale: str
    kind: str = "Game"
    platform: str = "XboxOne"
    version: str | None = None
    text_unit: TextUnit = "string"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A title as it is being edited, or as a file describes it. Achievements are ordered by number."""

    title: Title
    achievements: tuple[Achievement, ...]
    texts: Texts


def stored(number: int) -> int:
    """A u32 as the int4 of the same bits, as players' rows hold it."""
    return number - (number >> 31 << 32)


@functools.lru_cache(maxsize=8192)
def number_of(stored_number: int) -> int:
    """The u32 that a stored int4 stands for."""
    return stored_number % U32
