"""What one player has in one title as the write path sees it, and what is to be written of it. Pure values."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from service.core.catalog.model import Measure

MeasureValue = str | list[int | str]
"""The value of one measure so far, as it is stored.

sum, max: a decimal as text. last: [ticks, decimal] as texts. streak: [length, last day, longest], days as ordinals of
`date`. distinct: the members, as texts. Reported by the title itself: percent as text, under `manual_key`.
"""

MeasureValues = Mapping[str, MeasureValue]


def manual_key(number: int) -> str:
    """Where the percentage stands that a title reported for an achievement."""
    return f"manual:{number}"


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a title knows of a player. `time_zone` is an IANA name, None for UTC. `updated_at` is in ticks.

    A player who is not active (blocked) earns nothing by the time that passes.
    """

    email: str | None = None
    name: str | None = None
    time_zone: str | None = None
    device_tokens: tuple[str, ...] | None = None
    subscribe_to_emails: bool = True
    attributes: Mapping[str, str] = {}
    is_active: bool = True
    updated_at: int = 0


class PlayerState(msgspec.Struct, frozen=True, kw_only=True):
    """What one player has in one title as of `revision`, the player's own; 0 for a player who has nothing yet.

    `is_known`: the player has something in any title. `is_here`: in this one. `unlocked` maps stored numbers
    (`catalog.stored`) to ticks. `created_at` is in ticks, 0 where it is not known.
    """

    revision: int = 0
    exists: bool = False
    in_title: bool = False
    created_at: int = 0
    unlocked: Mapping[int, int] = {}
    measure_values: MeasureValues = {}
    profile: Profile = Profile()


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something a player did, with an amount. `metric` is a key of the title's.

    `at` is in ticks, None for now; never later than now. `key` makes it count once, however often it is told.
    """

    metric: str
    amount: Decimal
    event_id: uuid.UUID
    at: int | None = None
    attributes: Mapping[str, str] = {}
    key: str | None = None


class Report(msgspec.Struct, frozen=True):
    """How far along an achievement is, said by the title itself: percent above 0; 100 and more unlocks it."""

    number: int
    percent: Decimal


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is to happen to one player in one title, all of it or nothing.

    `profile` holds what changes of the profile: member → new value, and `attributes` (key → value, None to remove
    it), merged into those that are there. `rebuilt` are standings counted anew from the log. `is_silent`: every active
    achievement is looked at, and nobody is told of what that unlocks. `must_exist`: refuse a player who is not in the
    title yet.
    """

    player: str
    title_id: int
    events: tuple[Event, ...] = ()
    reports: tuple[Report, ...] = ()
    profile: Mapping[str, object] = {}
    recomputed: MeasureValues = {}
    suppress_notifications: bool = False
    must_exist: bool = False


class Unlock(msgspec.Struct, frozen=True):
    """One new unlock: the achievement's number, when in ticks, and by which of the change's events (None: by none)."""

    number: int
    at: int
    event: int | None = None


class Streak(msgspec.Struct, frozen=True):
    """Days in a row with an amount above 0, as of the player's today: 0 once a whole day passed without one.

    `last_day` is the last active one, None where there was none. `was_extended`: by what was just written.
    """

    length: int
    last_day: date | None
    was_extended: bool = False

    @property
    def started(self) -> date | None:
        """The first day of the row; None where there is none."""
        if self.length == 0 or self.last_day is None:
            return None
        return date.fromordinal(self.last_day.toordinal() - self.length + 1)


class EventResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event. `total` is the metric's sum after the change it came in.

    `is_replay`: it was told before under its key; `event_id` is then the first one's, and nothing was changed.
    """

    event_id: uuid.UUID
    total: Decimal
    is_replay: bool = False
    unlocked: tuple[int, ...] = ()
    streak: Streak


class DailyDelta(msgspec.Struct, frozen=True):
    """What one day of the player's calendar adds to a metric."""

    metric: str
    day: date
    change: Decimal
    is_active: bool


class HistoryQuery(msgspec.Struct, frozen=True):
    """Something that only the log knows and a change depends on.

    measure None: the active days, of `metric` or of any, from `since` to `until` (ordinals of `date`).
    Else: the events of that measure with `since` < at <= `until`, in ticks.
    """

    since: int
    until: int
    metric: str | None = None
    measure: Measure | None = None


class LogEntry(msgspec.Struct, frozen=True):
    """One event of the log: when it happened, in ticks, how much, and with which attributes."""

    at: int
    amount: Decimal
    attributes: Mapping[str, str] = {}


HistoryResult = Sequence[int] | Sequence[LogEntry]
"""Active days as ordinals, or events; both in order of time."""


class ChangeOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a change makes of a state, and what is to be written for it.

    `state` is the state after it, its revision one higher if `is_change`: if anything is to be written. `standings`
    and `profile` are what changed of them. `logged` are the events to be kept, with their `at` filled in.
    """

    state: PlayerState
    is_change: bool
    measure_values: MeasureValues = {}
    profile: Profile | None = None
    unlocked: tuple[Unlock, ...] = ()
    days: tuple[DailyDelta, ...] = ()
    logged: tuple[Event, ...] = ()
    recorded: tuple[EventResult, ...] = ()
