"""Scheduled publishes: requested now, run by the first process that finds them due."""

from datetime import datetime
from typing import Literal

import msgspec

from service.concurrency.processes import Run, in_place
from service.core.auth.permissions import may_localize
from service.core.auth.principal import Principal, operator
from service.core.publishing.drafts import lock_title
from service.core.publishing.publish import PreparedPublish, commit_publish, prepare_publish
from service.core.publishing.releases import check_note
from service.db import Connection
from service.db.limits import IMPORT
from service.db.pool import Pool
from service.db.queries import query, statement
from service.errors import InvalidCatalog, InvalidField, NotFound

LISTED = 50  # of one title
_PROBLEM_CHARACTERS = 2000  # of the reason why a publish was refused
_YEARS = range(2000, 3000)  # Postgres and Python agree on these in every time zone


class Schedule(msgspec.Struct, frozen=True):
    """A publish that runs at `due_at` or soon after, and its outcome.

    It publishes what is ready then, not what was ready when it was scheduled. `problem` is why it was refused.
    """

    schedule_id: int
    title_id: int
    due_at: datetime
    note: str | None
    actor: str
    status: Literal["waiting", "published", "refused", "cancelled"]
    release: int | None
    problem: str | None


async def schedule_publish(
    connection: Connection, principal: Principal, title_id: int, *, due_at: datetime, note: str | None = None
) -> Schedule:
    """Publish a title later. A moment that has passed means within the next seconds.

    Raises:
        PermissionDenied: the principal lacks the right "publish" on the title.
        InvalidField: `due_at` is outside the years 2000 to 2999, or the note is invalid.
        NotFound: there is no such title.
    """
    may_localize(principal, "publish", title_id)
    check_note(note)
    if due_at.year not in _YEARS:
        raise InvalidField("at", f"a day and time from the year {_YEARS[0]} to {_YEARS[-1]}", due_at.isoformat())
    await lock_title(connection, title_id)
    return await _add.one(connection, title_id=title_id, due_at=due_at, note=note, actor=principal.name)


async def list_schedules(connection: Connection, title_id: int) -> list[Schedule]:
    """The last scheduled publishes of a title, waiting or settled, latest due first."""
    return await _of_title.all(connection, title_id=title_id, max_rows=LISTED)


async def cancel_schedule(connection: Connection, principal: Principal, title_id: int, schedule_id: int) -> None:
    """Cancel a scheduled publish.

    Raises:
        PermissionDenied: the principal lacks the right "publish" on the title.
        NotFound: the title has no such schedule that still waits.
    """
    may_localize(principal, "publish", title_id)
    if not await _set_outcome.run(
        connection, title_id=title_id, schedule_id=schedule_id, status="cancelled", release=None, problem=None
    ):
        raise NotFound(f"title {title_id} has no schedule {schedule_id} that still waits")


async def run_due(pool: Pool, *, run: Run = in_place) -> int:
    """Run the publishes that are due, each in its own transaction, and return how many there were.

    Several processes may call this at the same time: each schedule is locked by the one that commits it, and the others
    leave it alone. `run` prepares a release.
    """
    count = 0
    while True:
        async with pool.connection() as connection:
            due = await _next_due.first(connection)
        if due is None:
            return count
        prepared = await prepare_publish(pool, due.title_id, run=run)
        async with pool.transaction(IMPORT) as connection:
            if await _claim.first(connection, schedule_id=due.schedule_id) is None:
                return count
            await _settle(connection, due, prepared)
        count += 1


async def _settle(connection: Connection, due: Schedule, prepared: PreparedPublish) -> None:
    """Publish what was prepared, and record the outcome; a title that has changed since is prepared again."""
    release, problem = None, None
    try:
        async with connection.transaction():
            # The right to publish was checked when it was scheduled.
            release = await commit_publish(connection, operator(due.actor), prepared, note=due.note)
    except InvalidCatalog as error:
        problem = str(error)[:_PROBLEM_CHARACTERS]
    if release is None and problem is None:
        return
    await _set_outcome.run(
        connection,
        title_id=due.title_id,
        schedule_id=due.schedule_id,
        status="refused" if release is None else "published",
        release=release,
        problem=problem,
    )


class _ClaimRow(msgspec.Struct, frozen=True):
    schedule_id: int


_add = query("schedules.add", row=Schedule)
_of_title = query("schedules.of_title", row=Schedule)
_next_due = query("schedules.next_due", row=Schedule)
_claim = query("schedules.claim", row=_ClaimRow)
_set_outcome = statement("schedules.set_outcome")
