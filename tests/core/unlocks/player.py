"""A player whose changes are evaluated in memory, with a title's rules and an event log."""

import datetime
import zoneinfo

from service import ticks
from service.core.catalog.model import Attribute, Measure, Requirement, Title
from service.core.unlocks.evaluate import evaluate_change
from service.core.unlocks.model import Change, LogEntry, PlayerState
from service.core.unlocks.rules import Rules
from tests.factories import achievement, metric

NOW = ticks.from_datetime(datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC))
HOUR = 3600 * ticks.SECOND
DAY = 24 * HOUR
ATTRIBUTES = (
    Attribute(key="source", public_id="source", kind="event", name="Source"),
    Attribute(key="level", public_id="level", kind="event", name="Level"),
    Attribute(key="plan", public_id="plan", kind="user", name="Plan"),
)


METRICS = (metric(), metric("steps"), metric("old", status="archived"))


def rules(*achievements):
    title = Title(
        title_id=1,
        scid="00000000-0000-0000-0000-000000000001",
        default_locale="en-US",
        metrics=METRICS,
        attributes=ATTRIBUTES,
    )
    return Rules(title, achievements)


def after(number, *public_ids, target=None):
    """An achievement that requires other achievements."""
    measure = Measure(aggregate="unlocks", achievements=public_ids)
    needed = str(target or len(public_ids))
    return achievement(
        number,
        requirements=(Requirement(id=f"00000000-0000-0000-0000-{number:012}", target=needed, measure=measure),),
    )


class Player:
    """A player with rules: applies changes one after the other, and keeps the log like the database."""

    def __init__(self, title_rules, **state):
        self.rules, self.state = title_rules, PlayerState(**state)
        self.log, self.unlocked = [], []

    def do(self, *events, now=NOW, **members):
        """Apply a change, and return its outcome."""
        change = Change(player="p", title_id=1, events=events, **members)
        history = {}
        for query in self.rules.history_queries(self.state, change, now=now):
            if query.measure is None:
                zone = zoneinfo.ZoneInfo(self.state.profile.time_zone or "UTC")
                days = {
                    _day(logged.at, zone)
                    for name, logged in self.log
                    if logged.amount > 0 and query.metric in (None, name)
                }
                history[query] = sorted(day for day in days if query.since <= day <= query.until)
            else:
                mine = [logged for name, logged in self.log if name == query.measure.metric]
                history[query] = [item for item in mine if query.since < item.at <= query.until]
        applied = evaluate_change(self.rules, self.state, change, now=now, history=history)
        self.state = applied.state
        self.log += [(item.metric, LogEntry(item.at, item.amount, item.attributes)) for item in applied.logged]
        self.unlocked += [unlock.number for unlock in applied.unlocked]
        return applied


def _day(at, zone):
    moment = datetime.datetime(1, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=at // 10)
    return moment.astimezone(zone).toordinal()
