"""A player's progress as values for the read path: unlocks and current values in one title, or in all. Pure."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from service.core.catalog.model import from_int4, to_int4
from service.core.unlocks.model import MeasureValues, PlayerState, Profile

CurrentValues = Mapping[int, Sequence[str | None]]
"""An achievement's int4 number → current value of each requirement, as text, None where there is none."""


_decode = msgspec.json.Decoder(dict[int, list[str | None]]).decode
decode_measure_values = msgspec.json.Decoder(dict[str, str | list[int | str]]).decode
decode_profile = msgspec.json.Decoder(Profile).decode

MAX_DERIVED = 8  # values of one player's progress at a time: releases, orders and filters that clients use at once

T = TypeVar("T")


def derive(derived: dict[Hashable, Any], key: Hashable, compute: Callable[[], T]) -> T:
    """The value of a `derived` cache under a key, computed if it is not there; all others go when the cache is full."""
    if key not in derived:
        value = compute()
        if len(derived) >= MAX_DERIVED:
            derived.clear()
        derived[key] = value
    cached: T = derived[key]
    return cached


class TitleProgress:
    """The progress of one player in one title, at a revision.

    Achievements are identified by their int4 number (`to_int4`); times are in ticks. `unlocked_at` is in the order in
    which the unlocks were written. `derived` caches values that are computed from it (see `derive`), for as long as it
    lives.
    """

    __slots__ = (
        "_current_values",
        "_measure_values",
        "_profile",
        "_stored_current_values",
        "_stored_values",
        "_unlocked_in",
        "created_at",
        "derived",
        "revision",
        "unlocked_at",
    )

    def __init__(  # noqa: PLR0917  (the columns of a row, in their order)
        self,
        revision: int,
        unlocked: Sequence[int],
        unlocked_at: Sequence[int],
        unlocked_in: Sequence[int],
        currents: str | None,
        measure_values: str | None = None,
        profile: str | None = None,
        created_at: int | None = None,
    ) -> None:
        self.revision = revision
        self.created_at = created_at or 0
        self._stored_values = measure_values
        self._measure_values: MeasureValues | None = None if measure_values else {}
        self._profile = profile
        self.unlocked_at = dict(zip(unlocked, unlocked_at, strict=True))
        self._unlocked_in = unlocked_in
        self._stored_current_values = currents
        self._current_values: CurrentValues | None = None if currents else {}
        self.derived: dict[Hashable, Any] = {}

    def unlocked_by(self, revision: int) -> Mapping[int, int]:
        """The unlocks that existed at a revision."""
        if revision >= self.revision:
            return self.unlocked_at
        pairs = zip(self.unlocked_at.items(), self._unlocked_in, strict=True)
        return {number: at for (number, at), written_in in pairs if written_in <= revision}

    @property
    def current_values(self) -> CurrentValues:
        """The current values of requirements that were imported or reported."""
        if self._current_values is None:
            by_number = _decode(self._stored_current_values or "{}")
            self._current_values = {to_int4(number): values for number, values in by_number.items()}
        return self._current_values

    @property
    def measure_values(self) -> MeasureValues:
        """The values of measures by their keys."""
        if self._measure_values is None:
            self._measure_values = decode_measure_values(self._stored_values or "{}")
        return self._measure_values

    @property
    def profile(self) -> Profile:
        """The player's profile in the title."""
        return Profile() if self._profile is None else decode_profile(self._profile)

    @property
    def is_empty(self) -> bool:
        """Whether the player has a row in the title but no unlock, value or measure."""
        return not (self.unlocked_at or self._stored_current_values or self._stored_values)

    def state(self) -> PlayerState:
        """The same as a value of the write path."""
        return PlayerState(
            revision=self.revision,
            exists=True,
            in_title=True,
            created_at=self.created_at,
            unlocked=self.unlocked_at,
            measure_values=self.measure_values,
            profile=self.profile,
        )

    def current_values_with(self, more: Mapping[int, Sequence[str | None]]) -> str | None:
        """The current values and these ones, by number, as the JSON of a row; None if there are none."""
        by_number = {from_int4(number): values for number, values in self.current_values.items()} | dict(more)
        if not by_number:
            return None
        return msgspec.json.encode({str(number): by_number[number] for number in sorted(by_number)}).decode()

    def revisions_of_unlocks(self) -> Mapping[int, int]:
        """The revision that wrote each unlock, by int4 number."""
        return dict(zip(self.unlocked_at, self._unlocked_in, strict=True))


class PlayerProgress(msgspec.Struct, frozen=True):
    """The progress of one player in all titles, by title id. `revision` is -1 for a player without any.

    `derived` caches values that are computed from it (see `derive`), for as long as it lives.
    """

    revision: int
    titles: Mapping[int, TitleProgress]
    derived: dict[Hashable, Any] = msgspec.field(default_factory=dict)
