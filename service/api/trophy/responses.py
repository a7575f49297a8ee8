"""Users, streaks and values as Trophy's clients expect them. Wire names stop here and in `renderer`."""

import datetime
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from service import ticks
from service.core.catalog.model import Achievement, Measure, Requirement
from service.core.events.daily_totals import Period, StreakDay
from service.core.unlocks.model import Profile, Streak

encode = msgspec.json.Encoder(decimal_format="number").encode

Shape = dict[str, Any]
YEAR = 31_556_952  # seconds: the mean year of the Gregorian calendar


def json_number(value: Decimal) -> int | Decimal:
    """A JSON number, without a fraction if it is whole."""
    return int(value) if value == value.to_integral_value() else value


def iso_time(at: int) -> str:
    """Ticks as ISO 8601 in UTC, in whole seconds or with milliseconds."""
    return ticks.to_text(at, 3 if at % ticks.SECOND else 0)


def measured_requirement(achievement: Achievement) -> tuple[Requirement, Measure] | None:
    """The requirement that decides the trigger of an achievement; None if the title itself reports it."""
    for requirement in achievement.requirements:
        if requirement.measure is not None:
            return requirement, requirement.measure
    return None


def user_shape(player: str, profile: Profile, *, created_at: int) -> Shape:
    """A user with every member that the SDKs require. `created_at` is in ticks, 0 if it is not known."""
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
        "created": iso_time(created),
        "updated": iso_time(profile.updated_at or created),
    }


def streak_shape(current: Streak) -> Shape:
    """The current streak. Days are the player's own; a streak expires with the day after its last one."""
    last = current.last_day if current.length else None
    return {
        "length": current.length,
        "frequency": "daily",
        "started": _day(current.started),
        "periodStart": _day(last),
        "periodEnd": _day(last),
        "expires": _day(None if last is None else last + datetime.timedelta(days=1)),
    }


def streak_history_shape(current: Streak, history: Iterable[StreakDay]) -> Shape:
    """The current streak with when it was extended, and its length on each of the last days."""
    is_running = current.length > 0 and current.last_day is not None
    return streak_shape(current) | {
        "extended": f"{_day(current.last_day)}T00:00:00Z" if is_running else None,
        "streakHistory": [
            {
                "periodStart": _day(day.day),
                "periodEnd": _day(day.day),
                "length": day.length,
                "usedFreeze": False,
                "usedPause": False,
            }
            for day in history
        ],
        "pauses": [],
    }


def period_shape(summed: Period) -> Shape:
    """A day, week or month of a metric."""
    return {"date": _day(summed.first_day), "total": json_number(summed.total), "change": json_number(summed.change)}


def _day(day: datetime.date | None) -> str | None:
    return None if day is None else day.isoformat()
