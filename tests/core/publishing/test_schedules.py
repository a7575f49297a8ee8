"""A scheduled publish runs once when it is due, and records its outcome."""

import datetime

import pytest

from service.core.auth.principal import OPERATOR, Principal, grants_of, operator
from service.core.publishing import schedules
from service.core.publishing.drafts import import_draft
from service.core.publishing.releases import list_releases
from service.errors import InvalidField, NotFound, PermissionDenied
from tests.factories import achievement, draft

NAME = "achievement/1/name"
ANA = operator("Ana")


async def test_due_publish_runs_once(connection, pool):
    await import_draft(connection, OPERATOR, draft(1, (achievement(1),)))
    now = datetime.datetime.now(datetime.UTC)
    due = await schedules.schedule_publish(connection, ANA, 1, due_at=now - datetime.timedelta(hours=1), note="Launch")
    await schedules.schedule_publish(connection, ANA, 1, due_at=now + datetime.timedelta(hours=1))

    await schedules.run_due(pool)
    await schedules.run_due(pool)

    later, done = await schedules.list_schedules(connection, 1)
    assert (done.schedule_id, done.status, done.release) == (due.schedule_id, "published", 1)
    assert later.status == "waiting"
    assert [(release.actor, release.note) for release in await list_releases(connection, 1)] == [("Ana", "Launch")]
    await schedules.cancel_schedule(connection, ANA, 1, later.schedule_id)
    with pytest.raises(NotFound):
        await schedules.cancel_schedule(connection, ANA, 1, later.schedule_id)


async def test_refused_publish_records_its_problem_and_serves_nothing(connection, pool):
    broken = draft(2, (achievement(1),))
    del broken.texts["en-US"][NAME]
    await import_draft(connection, OPERATOR, broken)
    await schedules.schedule_publish(connection, ANA, 2, due_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))

    await schedules.run_due(pool)

    [schedule] = await schedules.list_schedules(connection, 2)
    assert (schedule.status, schedule.release) == ("refused", None)
    assert NAME in schedule.problem
    assert await list_releases(connection, 2) == []


@pytest.mark.parametrize("year", [1999, 3000])
async def test_due_time_is_in_a_year_that_the_database_can_hold(connection, year):
    with pytest.raises(InvalidField, match="at: expected a day and time from the year 2000 to 2999"):
        await schedules.schedule_publish(connection, ANA, 1, due_at=datetime.datetime(year, 6, 1, tzinfo=datetime.UTC))


async def test_scheduling_needs_the_right_to_publish(connection):
    reviewer = Principal(
        players=(), expires_at=0, grants=grants_of([{"titles": "*", "locales": "*", "can": ["review"]}])
    )
    due_at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

    with pytest.raises(PermissionDenied, match="the right publish"):
        await schedules.schedule_publish(connection, reviewer, 1, due_at=due_at)
    with pytest.raises(PermissionDenied, match="the right publish"):
        await schedules.cancel_schedule(connection, reviewer, 1, 1)
