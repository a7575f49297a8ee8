"""What one player has, as values: unlocks and current values in one title, or in all. Pure."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import msgspec

from service.core.catalog.model import from_int4, to_int4
from service.core.unlocks.model import MeasureValues, PlayerState, Profile

CurrentValues = Mapping[int, Sequence[str | None]]
"""An achievement's stored number → current value of each requirement, as text, None where there is none."""


_decode = msgspec.json.Decoder(dict[int, list[str | None]]).decode
decode_measure_values = msgspec.json.Decoder(dict[str, str | list[int | str]]).decode
decode_profile = msgspec.json.Decoder(Profile).decode


class TitleProgress:
    """What one player has in one title, as of a revision.

    Achievements are named by their stored number (`catalog.stored`); times are ticks. `unlocked_at` is in the order
    in which the unlocks were written. `derived` keeps what was worked out from it (`page.py`), and goes when it goes.
    """

    __slots__ = (
        "_currents",
        "_profile",
        "_standings",
        "_stored_currents",
        "_stored_standings",
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
        standings: str | None = None,
        profile: str | None = None,
        created_at: int | None = None,
    ) -> None:
        self.revision = revision
        self.created_at = created_at or 0
        self._stored_standings = standings
        self._standings: MeasureValues | None = None if standings else {}
        self._profile = profile
        self.unlocked_at = dict(zip(unlocked, unlocked_at, strict=True))
        self._unlocked_in = unlocked_in
        self._stored_currents = currents
        self._currents: CurrentValues | None = None if currents else {}
        self.derived: dict[Hashable, Any] = {}

    def unlocked_by(self, revision: int) -> Mapping[int, int]:
        """The unlocks that were there at that revision."""
        if revision >= self.revision:
            return self.unlocked_at
        pairs = zip(self.unlocked_at.items(), self._unlocked_in, strict=True)
        return {number: at for (number, at), written_in in pairs if written_in <= revision}

    @property
    def current_values(self) -> CurrentValues:
        """The current values that are known."""
        if self._currents is None:
            by_number = _decode(self._stored_currents or "{}")
            self._currents = {to_int4(number): values for number, values in by_number.items()}
        return self._currents

    @property
    def measure_values(self) -> MeasureValues:
        """What measures add up to so far, by their keys."""
        if self._standings is None:
            self._standings = decode_measure_values(self._stored_standings or "{}")
        return self._standings

    @property
    def profile(self) -> Profile:
        """What the title knows of the player."""
        return Profile() if self._profile is None else decode_profile(self._profile)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was achieved or begun: the player is only known here."""
        return not (self.unlocked_at or self._stored_currents or self._stored_standings)

    def state(self) -> PlayerState:
        """The same as the write path knows it."""
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
        """The current values as a row holds them, after these, by number, were added; None where there are none."""
        by_number = {from_int4(number): values for number, values in self.current_values.items()} | dict(more)
        if not by_number:
            return None
        return msgspec.json.encode({str(number): by_number[number] for number in sorted(by_number)}).decode()

    def revisions_of_unlocks(self) -> Mapping[int, int]:
        """The revision that wrote each unlock."""
        return dict(zip(self.unlocked_at, self._unlocked_in, strict=True))


class PlayerProgress(msgspec.Struct, frozen=True):
    """What one player has in all titles. `revision` is the player's own, -1 for a player who has nothing.

    `derived` keeps what was worked out from it (`lists.py`), and goes when it goes.
    """

    revision: int
    titles: Mapping[int, TitleProgress]
    derived: dict[Hashable, Any] = msgspec.field(default_factory=dict)
