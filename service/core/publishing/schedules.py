"""Publishes that are to happen later: promised now, done by whichever process looks first when the time has come."""

from datetime import datetime
from typing import Literal

import msgspec

from service.core.publishing import publish
from service.db import Connection
from service.db.pool import Pool
from service.db.queries import query, statement
from service.errors import InvalidCatalog, NotFound

LISTED = 50  # of one title
_PROBLEM_CHARACTERS = 2000  # of what kept a publish from happening


class Schedule(msgspec.Struct, frozen=True):
    """A publish that is to happen at `due_at` or soon after, and what became of it.

    What is ready then is published, not what was ready when it was scheduled. `problem` says why it was refused.
    """

    schedule_id: int
    title_id: int
    due_at: datetime
    note: str | None
    actor: str
    status: Literal["waiting", "published", "refused", "cancelled"]
    release: int | None
    problem: str | None


async def schedule(
    connection: Connection, title_id: int, *, due_at: datetime, actor: str, note: str | None = None
) -> Schedule:
    """Promise a publish. A moment that has passed means at the next look.

    Raises:
        NotFound: there is no such title.
    """
    await publish.lock_title(connection, title_id)
    return await _add.one(connection, title_id=title_id, due_at=due_at, note=note, actor=actor)


async def of_title(connection: Connection, title_id: int) -> list[Schedule]:
    """The scheduled publishes of a title, latest first: those that wait, and what became of the others."""
    return await _of_title.all(connection, title_id=title_id, count=LISTED)


async def cancel(connection: Connection, title_id: int, schedule_id: int) -> None:
    """Take a promise back.

    Raises:
        NotFound: the title has no such schedule that still waits.
    """
    if not await _settle.run(
        connection, title_id=title_id, schedule_id=schedule_id, status="cancelled", release=None, problem=None
    ):
        raise NotFound(f"title {title_id} has no schedule {schedule_id} that still waits")


async def run_due(pool: Pool) -> int:
    """Do what is due, each by itself; gives how many were looked at. One process does each: it holds its row."""
    done = 0
    while True:
        async with pool.transaction() as connection:
            due = await _claim.first(connection)
            if due is None:
                return done
            status, release, problem = await _publish(connection, due)
            await _settle.run(
                connection,
                title_id=due.title_id,
                schedule_id=due.schedule_id,
                status=status,
                release=release,
                problem=problem,
            )
        done += 1


async def _publish(connection: Connection, due: Schedule) -> tuple[str, int | None, str | None]:
    try:
        async with connection.transaction():
            release, _ = await publish.publish(connection, due.title_id, actor=due.actor, note=due.note)
    except InvalidCatalog as refusal:
        return "refused", None, str(refusal)[:_PROBLEM_CHARACTERS]
    return "published", release, None


_add = query("schedules.add", row=Schedule)
_of_title = query("schedules.of_title", row=Schedule)
_claim = query("schedules.claim", row=Schedule)
_settle = statement("schedules.settle")
