"""The JSON of each achievement, rendered once per release and chain around the few bytes that are a player's own.

A page is then a choice and a join. Every printed and every observed member is emitted (a superset), because real
clients break on a missing one: `requirements` and `platforms` are never null, `mediaAsset` is always there.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from service import ticks
from service.core.catalog.model import Achievement, MediaAsset
from service.core.publishing.published_title import PublishedTitle

LOCKED_AT = "0001-01-01T00:00:00.0000000Z"  # never null: clients read a date here whatever the state
LEGACY_LOCKED_AT = "2002-11-15T00:00:00.0000000Z"
_LEGACY_LOCKED_PLATFORM = 255  # any
_LEGACY_UNLOCKED_PLATFORM = 1
_SHOWN_UNACHIEVED, _ACHIEVED_ONLINE, _ACHIEVED = 0x8, 0x10000, 0x20000
_CACHE_BYTES = 16 * 1024 * 1024  # some 150 titles × chains of 60 achievements

encode = msgspec.json.Encoder().encode


class Fragment(msgspec.Struct, frozen=True, gc=False):
    """One achievement in one chain, cut where a player's own bytes go: opening, a state, middle, a time, closing.

    `locked` and `unlocked` are the two states. `gaps` is `middle` cut where current values go; contracts without
    current values have none. `closing` ends with a comma. `first_locale` is the index in the chain of the most wanted
    locale that supplied any of its strings.
    """

    opening: bytes
    locked: bytes
    unlocked: bytes
    middle: bytes
    closing: bytes
    gaps: tuple[bytes, ...]
    first_locale: int | None


Render = Callable[[PublishedTitle, int, tuple[str, ...]], Fragment]


class Columns:
    """The fragments of one title in one chain, each field a column in catalogue order."""

    def __init__(self, fragments: Sequence[Fragment]) -> None:
        self.openings = tuple(fragment.opening for fragment in fragments)
        self.locked = tuple(fragment.locked for fragment in fragments)
        self.unlocked = tuple(fragment.unlocked for fragment in fragments)
        self.middles = tuple(fragment.middle for fragment in fragments)
        self.closings = tuple(fragment.closing for fragment in fragments)
        self.gaps = tuple(fragment.gaps for fragment in fragments)
        self.first_locales = tuple(fragment.first_locale for fragment in fragments)
        self.size_bytes = sum(len(fragment.opening + fragment.middle + fragment.closing) for fragment in fragments)


class Fragments:
    """The fragments of titles in chains, made when first asked for, the oldest forgotten."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._kept: OrderedDict[tuple[int, tuple[str, ...]], Columns] = OrderedDict()
        self._bytes = 0

    def of(self, published: PublishedTitle, chain: tuple[str, ...]) -> Columns:
        """All fragments of a title."""
        key = published.key, chain
        columns = self._kept.get(key)
        if columns is None:
            columns = Columns([self._render(published, i, chain) for i in range(len(published.achievements))])
            self._kept[key] = columns
            self._bytes += columns.size_bytes
            while self._bytes > _CACHE_BYTES and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].size_bytes
        return columns


def modern(published: PublishedTitle, position: int, chain: tuple[str, ...]) -> Fragment:
    """One achievement as contracts 2 and 4 have it."""
    achievement, words = published.achievements[position], published.texts_at(position, chain)
    title_name, name_locale = published.name(chain)
    title = published.title
    association = {"name": title_name, "id": title.title_id}
    if title.version is not None:
        association["version"] = title.version
    opening = _members(
        {
            "id": str(achievement.number),
            "serviceConfigId": title.scid,
            "name": words.name,
            "titleAssociations": [association],
        }
    )
    tail = _members(
        {
            "mediaAssets": [_media(asset) for asset in achievement.media],
            "platform": achievement.platforms[0],
            "platforms": achievement.platforms,
            "isSecret": achievement.is_secret,
            "description": words.description,
            "lockedDescription": words.locked_description,
            "productId": achievement.product_id,
            "achievementType": achievement.kind,
            "participationType": achievement.participation,
            "timeWindow": _window(achievement),
            "rewards": [
                {
                    "name": name,
                    "description": description,
                    "value": reward.value,
                    "type": reward.kind,
                    "mediaAsset": None if reward.media is None else _media(reward.media),
                    "valueType": reward.value_type,
                }
                for reward, (name, description) in zip(achievement.rewards, words.rewards, strict=True)
            ],
            "estimatedTime": _duration(achievement.estimated_seconds),
            "deeplink": achievement.deeplink,
            "isRevoked": achievement.is_revoked,
        }
    )
    gaps = _requirements(achievement)
    return Fragment(
        opening=b"{" + opening + b',"progressState":"',
        locked=NOT_STARTED,
        unlocked=ACHIEVED,
        middle=b"null".join(gaps),
        closing=b'"},' + tail + b"},",
        gaps=gaps,
        first_locale=_first(words.first_locale, None if name_locale is None else chain.index(name_locale)),
    )


def in_progress(gaps: Sequence[bytes], currents: Sequence[str | None], *, is_unlocked: bool) -> tuple[bytes, bytes]:
    """The state and the middle of an achievement of which current values are known."""
    if is_unlocked:
        state = ACHIEVED
    elif any(current is not None and float(current) != 0 for current in currents):
        state = IN_PROGRESS
    else:
        state = NOT_STARTED
    pieces = [gaps[0]]
    for index, gap in enumerate(gaps[1:]):
        current = currents[index] if index < len(currents) else None
        pieces += (b"null" if current is None else b'"%b"' % current.encode(), gap)
    return state, b"".join(pieces)


def _state(name: str) -> bytes:
    return f'{name}","progression":{{"achievementState":"{name}","requirements":['.encode()


NOT_STARTED, IN_PROGRESS, ACHIEVED = _state("NotStarted"), _state("InProgress"), _state("Achieved")


def _requirements(achievement: Achievement) -> tuple[bytes, ...]:
    """What stands before, between and behind the current values; ends where the time begins."""
    text = b""
    for index, requirement in enumerate(achievement.requirements):
        rest = _members(
            {
                "target": requirement.target,
                "operationType": requirement.operation,
                "valueType": requirement.value_type,
                "ruleParticipationType": requirement.participation,
            }
        )
        text += (b"," if index else b"") + b'{"id":' + encode(requirement.id) + b',"current":\0,' + rest + b"}"
    return tuple((text + b'],"timeUnlocked":"').split(b"\0"))


def legacy(published: PublishedTitle, position: int, chain: tuple[str, ...]) -> Fragment:
    """One achievement as contracts 1 and 3 (Xbox 360) have it."""
    achievement, words = published.achievements[position], published.texts_at(position, chain)
    flags = achievement.legacy_type | (0 if achievement.is_secret else _SHOWN_UNACHIEVED)

    def state(*, unlocked: bool) -> bytes:
        return _members(
            {
                "flags": flags | (_ACHIEVED | _ACHIEVED_ONLINE if unlocked else 0),
                "unlockedOnline": unlocked,
                "unlocked": unlocked,
                "platform": _LEGACY_UNLOCKED_PLATFORM if unlocked else _LEGACY_LOCKED_PLATFORM,
            }
        )

    opening = {"id": achievement.number, "titleId": published.title_id, "name": words.name, "sequence": 0}
    middle = {
        "isSecret": achievement.is_secret,
        "gamerscore": achievement.gamerscore,
        "imageId": achievement.image_id,
        "description": words.description,
        "lockedDescription": "???" if achievement.is_secret else words.locked_description,
        "type": achievement.legacy_type,
        "isRevoked": achievement.is_revoked,
    }
    return Fragment(
        opening=b"{" + _members(opening) + b",",
        locked=state(unlocked=False),
        unlocked=state(unlocked=True),
        middle=b"," + _members(middle) + b',"timeUnlocked":"',
        closing=b'"},',
        gaps=(),
        first_locale=words.first_locale,
    )


def _first(*indexes: int | None) -> int | None:
    return min((index for index in indexes if index is not None), default=None)


def _members(members: dict[str, Any]) -> bytes:
    return encode(members)[1:-1]


def _media(asset: MediaAsset) -> dict[str, str]:
    return {"name": asset.name, "type": asset.kind, "url": asset.url}


def _window(achievement: Achievement) -> dict[str, str] | None:
    window = achievement.window
    if window is None:
        return None
    return {
        "startDate": ticks.wire(window.opens_at, window.fraction_digits),
        "endDate": ticks.wire(window.closes_at, window.fraction_digits),
    }


def _duration(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
