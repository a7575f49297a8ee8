"""The JSON of each achievement, rendered once per release and language chain, cut where a player's progress goes.

A page then only selects and joins fragments. Every member that the Xbox document prints or that the live service was
seen to send is there, because real clients break on a missing one: `requirements` and `platforms` are never null,
`mediaAsset` is always present.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, get_args

import msgspec

from service import ticks
from service.byte_cache import ByteCache
from service.concurrency.steps import Steps, run_at_once
from service.core.catalog.model import Achievement, MediaAsset
from service.core.publishing.published_title import PublishedTitle

LOCKED_AT = "0001-01-01T00:00:00.0000000Z"  # never null: clients parse a date here in any state
LEGACY_LOCKED_AT = "2002-11-15T00:00:00.0000000Z"
_LEGACY_LOCKED_PLATFORM = 255  # any
_LEGACY_UNLOCKED_PLATFORM = 1
_SHOWN_UNACHIEVED, _ACHIEVED_ONLINE, _ACHIEVED = 0x8, 0x10000, 0x20000
_CACHE_BYTES = 16 * 1024 * 1024  # of each shape: about 150 pairs of a title with 60 achievements and a chain
_COLUMNS_BYTES = 56  # of memory for the places of one achievement
_FRAGMENT_BYTES = 300  # of memory for a fragment, besides its JSON

T = TypeVar("T")

encode = msgspec.json.Encoder().encode


class Fragment(msgspec.Struct, frozen=True, gc=False):
    """One achievement in one chain, cut where a player's progress goes: opening, a state, middle, a time, closing.

    `locked` and `unlocked` are the two states. `gaps` is `middle` cut where current values go; contracts without
    current values have none. `closing` ends with a comma. `locales` are the indexes in the chain of the locales that
    its texts are in, in order of appearance.
    """

    opening: bytes
    locked: bytes
    unlocked: bytes
    middle: bytes
    closing: bytes
    gaps: tuple[bytes, ...]
    locales: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        """An estimate of the memory that it takes in columns."""
        return _FRAGMENT_BYTES + sum(map(len, (self.opening, self.middle, self.closing, *self.gaps)))


Render = Callable[[PublishedTitle, int, tuple[str, ...]], Fragment]


class Columns:
    """The fragments of one title in one chain, each field a column in catalog order; those not rendered yet are empty.

    `distinct_locales` are the different `locales` so far, most often one; `empty` is how many are not rendered yet.
    """

    def __init__(self, size: int) -> None:
        self.empty = size
        self.openings = [b""] * size
        self.locked = [b""] * size
        self.unlocked = [b""] * size
        self.middles = [b""] * size
        self.closings = [b""] * size
        self.gaps: list[tuple[bytes, ...]] = [()] * size
        self.locales: list[tuple[int, ...]] = [()] * size
        self.distinct_locales: dict[tuple[int, ...], None] = {}

    def put(self, position: int, fragment: Fragment) -> None:
        """Fill in the fragment of one achievement that has none."""
        self.empty -= 1
        self.openings[position] = fragment.opening
        self.locked[position] = fragment.locked
        self.unlocked[position] = fragment.unlocked
        self.middles[position] = fragment.middle
        self.closings[position] = fragment.closing
        self.gaps[position] = fragment.gaps
        self.locales[position] = fragment.locales
        self.distinct_locales[fragment.locales] = None


class FragmentCache:
    """The fragments of titles in chains, each rendered at first use; the least recently used chains are evicted."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._columns = ByteCache[tuple[int, tuple[str, ...]], Columns](_CACHE_BYTES)

    def of(self, published: PublishedTitle, chain: tuple[str, ...], positions: Sequence[int]) -> Columns:
        """The fragments of a title, in which those at these positions are rendered."""
        key = published.key, chain
        columns = self._columns.get(key)
        if columns is None:
            size = len(published.achievements)
            columns = Columns(size)
            self._columns.put(key, columns, _COLUMNS_BYTES * size)
        if columns.empty and b"" in column(columns.openings, positions):
            run_at_once(self._fill(columns, published, chain, positions))
        return columns

    def fill_steps(self, published: PublishedTitle, chain: tuple[str, ...], positions: Sequence[int]) -> Steps[None]:
        """Render those of the fragments at these positions that are not rendered yet, as `of` does, in small steps."""
        columns = self.of(published, chain, ())
        if b"" in column(columns.openings, positions):
            yield from self._fill(columns, published, chain, positions)

    def _fill(
        self, columns: Columns, published: PublishedTitle, chain: tuple[str, ...], positions: Sequence[int]
    ) -> Steps[None]:
        for position in positions:
            if not columns.openings[position]:
                fragment = self._render(published, position, chain)
                columns.put(position, fragment)
                self._columns.grow((published.key, chain), fragment.size_bytes)
                yield


def column(values: Sequence[T], positions: Sequence[int]) -> Sequence[T]:
    """The values at these positions; a slice where the positions are adjacent, as on most pages."""
    if isinstance(positions, range):
        return values[positions.start : positions.stop]
    return [values[position] for position in positions]


def modern(published: PublishedTitle, position: int, chain: tuple[str, ...]) -> Fragment:
    """Render one achievement in the shape of contracts 2 and 4."""
    achievement, texts = published.achievements[position], published.texts_at(position, chain)
    title_name, name_locale = published.name(chain)
    title = published.title
    association = {"name": title_name, "id": title.title_id}
    if title.version is not None:
        association["version"] = title.version
    opening = _members(
        {
            "id": str(achievement.number),
            "serviceConfigId": title.scid,
            "name": texts.name,
            "titleAssociations": [association],
        }
    )
    tail = _members(
        {
            "mediaAssets": [_media(asset) for asset in achievement.media],
            "platform": achievement.platforms[0],
            "platforms": achievement.platforms,
            "isSecret": achievement.is_secret,
            "description": texts.description,
            "lockedDescription": texts.locked_description,
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
                for reward, (name, description) in zip(achievement.rewards, texts.rewards, strict=True)
            ],
            "estimatedTime": _duration(achievement.estimated_seconds),
            "deeplink": achievement.deeplink,
            "isRevoked": achievement.is_revoked,
        }
    )
    gaps = _requirements(achievement)
    return Fragment(
        opening=b"{" + opening + b',"progressState":"',
        locked=_STATES["NotStarted"],
        unlocked=_STATES["Achieved"],
        middle=b"null".join(gaps),
        closing=b'"},' + tail + b"},",
        gaps=gaps,
        locales=_distinct(
            texts.locales[:1], [None if name_locale is None else chain.index(name_locale)], texts.locales[1:]
        ),
    )


ProgressState = Literal["NotStarted", "InProgress", "Achieved"]


def progress_state(current_values: Sequence[str | None], *, is_unlocked: bool) -> ProgressState:
    """How far an achievement is, by its current values; values of 0 are no progress."""
    if is_unlocked:
        return "Achieved"
    is_begun = any(current is not None and float(current) != 0 for current in current_values)
    return "InProgress" if is_begun else "NotStarted"


def in_progress(
    gaps: Sequence[bytes], current_values: Sequence[str | None], *, is_unlocked: bool
) -> tuple[bytes, bytes]:
    """The state and the middle of an achievement with current values, one for each requirement."""
    state = _STATES[progress_state(current_values, is_unlocked=is_unlocked)]
    pieces = [gaps[0]]
    for index, gap in enumerate(gaps[1:]):
        current = current_values[index] if index < len(current_values) else None
        pieces += (b"null" if current is None else b'"%b"' % current.encode(), gap)
    return state, b"".join(pieces)


def _state(name: ProgressState) -> bytes:
    return f'{name}","progression":{{"achievementState":"{name}","requirements":['.encode()


_STATES = {name: _state(name) for name in get_args(ProgressState)}


def _requirements(achievement: Achievement) -> tuple[bytes, ...]:
    """The JSON before, between and after the current values, up to the time of unlocking."""
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
    """Render one achievement in the shape of contracts 1 and 3 (Xbox 360)."""
    achievement, texts = published.achievements[position], published.texts_at(position, chain)
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

    opening = {"id": achievement.number, "titleId": published.title_id, "name": texts.name, "sequence": 0}
    middle = {
        "isSecret": achievement.is_secret,
        "gamerscore": achievement.gamerscore,
        "imageId": achievement.image_id,
        "description": texts.description,
        "lockedDescription": "???" if achievement.is_secret else texts.locked_description,
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
        locales=_distinct(texts.locales[: 2 if achievement.is_secret else 3]),
    )


def _distinct(*indexes: Sequence[int | None]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(index for part in indexes for index in part if index is not None))


def _members(members: dict[str, Any]) -> bytes:
    return encode(members)[1:-1]


def _media(asset: MediaAsset) -> dict[str, str]:
    return {"name": asset.name, "type": asset.kind, "url": asset.url}


def _window(achievement: Achievement) -> dict[str, str] | None:
    window = achievement.window
    if window is None:
        return None
    return {
        "startDate": ticks.to_text(window.opens_at, window.fraction_digits),
        "endDate": ticks.to_text(window.closes_at, window.fraction_digits),
    }


def _duration(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
