"""A player's state in one title, a change to it, and its outcome, as values for the write path. Pure."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from service.core.catalog.model import Measure

MeasureValue = str | list[int | str]
"""The value of one measure for one player, as it is stored.

sum, max: a decimal as text. last: [ticks, decimal] as texts. streak: [length, last day, longest length], days as
ordinals of `date`. distinct: the distinct values, as texts. Reported by the title: percent as text, under `manual_key`.
"""

MeasureValues = Mapping[str, MeasureValue]
"""Values by the keys of measures (`Measure.key`)."""


_MANUAL = "manual:"


def manual_key(number: int) -> str:
    """The key of the percentage that a title reported for an achievement."""
    return f"{_MANUAL}{number}"


def manual_number(key: str) -> int | None:
    """The achievement that a key of `manual_key` is of; None for the key of a measure."""
    return int(key.removeprefix(_MANUAL)) if key.startswith(_MANUAL) else None


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A player's profile in a title. `time_zone` is an IANA name, None for UTC. `updated_at` is in ticks.

    A player who is not active (blocked) does not unlock achievements by age.
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
    """The state of one player in one title at `revision`, which counts the player's changes; 0 before the first.

    `incarnation` is that of the database it was read from: under another one, the same revision is another state.
    `exists`: the player has a row in any title; `in_title`: in this one. `unlocked` maps int4 numbers (`to_int4`) to
    ticks. `created_at` is in ticks, 0 if not known.
    """

    revision: int = 0
    incarnation: int = 0
    exists: bool = False
    in_title: bool = False
    created_at: int = 0
    unlocked: Mapping[int, int] = {}
    measure_values: MeasureValues = {}
    profile: Profile = Profile()


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a player did, with an amount. `metric` is the key of a metric of the title.

    `at` is in ticks, not later than now; None means now. `key` is an idempotency key: of several events of a metric
    with the same one, only the first counts.
    """

    metric: str
    amount: Decimal
    event_id: uuid.UUID
    at: int | None = None
    attributes: Mapping[str, str] = {}
    key: str | None = None


class ProgressReport(msgspec.Struct, frozen=True):
    """The progress of an achievement as the title reports it: percent above 0; 100 or more unlocks it."""

    number: int
    percent: Decimal


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change of one player in one title, which is applied completely or not at all.

    `profile` holds the new values of profile members, and under `attributes` those to merge (key → value, None to
    remove one). `recomputed` are measure values recomputed from the log. `suppress_notifications`: evaluate every
    active achievement, and send no notifications of unlocks. `must_exist`: fail if the player is not in the title.
    """

    player: str
    title_id: int
    events: tuple[Event, ...] = ()
    reports: tuple[ProgressReport, ...] = ()
    profile: Mapping[str, object] = {}
    recomputed: MeasureValues = {}
    suppress_notifications: bool = False
    must_exist: bool = False


class Unlock(msgspec.Struct, frozen=True):
    """A new unlock: the achievement's number, the time in ticks, and the index of the event that caused it, if one did."""

    number: int
    at: int
    event: int | None = None


class Streak(msgspec.Struct, frozen=True):
    """Consecutive days with an amount above 0. `length` is 0 after a whole day of the player's calendar without one.

    `last_day` is the last active day, None if there is none. `was_extended`: by the event just recorded.
    """

    length: int
    last_day: date | None
    was_extended: bool = False

    @property
    def started(self) -> date | None:
        """The first day of the streak, None if its length is 0."""
        if self.length == 0 or self.last_day is None:
            return None
        return date.fromordinal(self.last_day.toordinal() - self.length + 1)


class EventResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one event. `total` is the sum of its metric after the whole change.

    `is_replay`: an event with the same idempotency key was recorded before; `event_id` is then that event's, and
    nothing was changed.
    """

    event_id: uuid.UUID
    total: Decimal
    is_replay: bool = False
    unlocked: tuple[int, ...] = ()
    streak: Streak


class DailyDelta(msgspec.Struct, frozen=True):
    """What a change adds to a metric's total of one day of the player's calendar."""

    metric: str
    day: date
    change: Decimal
    is_active: bool


class HistoryQuery(msgspec.Struct, frozen=True):
    """A query of the event log that a change needs.

    Without a measure: the active days of `metric`, or of any metric, from `since` to `until` (ordinals of `date`).
    With one: the events of its metric with `since` < at <= `until`, in ticks.
    """

    since: int
    until: int
    metric: str | None = None
    measure: Measure | None = None


class LogEntry(msgspec.Struct, frozen=True):
    """One event of the log. `at` is when it happened, in ticks."""

    at: int
    amount: Decimal
    attributes: Mapping[str, str] = {}


HistoryResult = Sequence[int] | Sequence[LogEntry]
"""Active days as ordinals, or events; in order of time."""


class ChangeOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a change: the new state, and what must be written.

    `is_change`: anything must be written; the revision of `state` is then one higher. `measure_values` are those that
    changed; `profile` is None if it did not. `logged` are the events for the log, with their `at` set. `recorded` has
    a result for each event of the change, in order.
    """

    state: PlayerState
    is_change: bool
    measure_values: MeasureValues = {}
    profile: Profile | None = None
    unlocked: tuple[Unlock, ...] = ()
    days: tuple[DailyDelta, ...] = ()
    logged: tuple[Event, ...] = ()
    recorded: tuple[EventResult, ...] = ()
