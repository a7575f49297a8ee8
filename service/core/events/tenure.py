"""Unlocks by tenure: achievements for a length of time in a title, awarded without any event of the player.

A cursor per title and length of time walks over the players in the order of their arrival, so the players whose time
has come are the next ones after it. One process at a time holds the lease on a cursor; if it dies, another takes over.
"""

import contextlib
import datetime
import functools
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from service import ticks
from service.core.catalog.model import to_int4
from service.core.events.writer import Writer
from service.core.publishing.snapshot import SnapshotStore
from service.core.unlocks.model import Change
from service.core.unlocks.rules import Rules
from service.db.limits import CATALOG
from service.db.pool import Pool
from service.db.queries import query, statement
from service.errors import NotFound

_PAGE = 100  # players
_LEASE = datetime.timedelta(minutes=1)  # for a page
_NO_LEASE = datetime.timedelta()
_OVERLAP = 10 * ticks.SECOND  # a player may become visible that much later than their time of arrival


class TenureCursor(msgspec.Struct, frozen=True):
    """A position among a title's players in the order of their arrival. `arrived_at` is in ticks."""

    arrived_at: int
    player_name: str


async def award_due(pool: Pool, writer: Writer, snapshots: SnapshotStore) -> None:
    """Award what the players of every title have been there long enough for.

    Raises:
        Unavailable: the database is out of reach; the cursors continue from their positions later.
    """
    for title_id, published in snapshots.current.titles.items():
        for seconds, numbers in required_tenures(published.rules).items():
            await _award(pool, writer, title_id, seconds, numbers)


def required_tenures(rules: Rules) -> Mapping[int, Sequence[int]]:
    """The lengths of time that achievements require, in seconds, with the stored numbers of those achievements."""
    numbers_by_seconds: dict[int, list[int]] = {}
    for achievement in rules.time_based:
        for requirement in achievement.requirements:
            if requirement.measure is not None and requirement.measure.aggregate == "age":
                seconds = -int(-Decimal(requirement.target) // 1)
                numbers_by_seconds.setdefault(seconds, []).append(to_int4(achievement.number))
    return numbers_by_seconds


async def _award(pool: Pool, writer: Writer, title_id: int, seconds: int, numbers: Sequence[int]) -> None:
    async with pool.connection(CATALOG) as connection:
        start = await _claim.first(connection, title_id=title_id, seconds=seconds, lease=_LEASE)
    if start is None:
        return
    until = writer.now() - seconds * ticks.SECOND
    cursor = start
    while page := await pool.read(
        functools.partial(
            _arrivals.all,
            title_id=title_id,
            arrived_at=cursor.arrived_at,
            player_name=cursor.player_name,
            until=until,
            numbers=numbers,
            max_rows=_PAGE,
        ),
        limits=CATALOG,
    ):
        for arrival in page:
            with contextlib.suppress(NotFound):  # erased meanwhile
                await writer.write(Change(player=arrival.player_name, title_id=title_id, must_exist=True))
        cursor = page[-1]
        await _move_cursor(pool, title_id, seconds, cursor, lease=_LEASE)
    end = TenureCursor(max(start.arrived_at, until - _OVERLAP), "")
    await _move_cursor(pool, title_id, seconds, end, lease=_NO_LEASE)


async def _move_cursor(
    pool: Pool, title_id: int, seconds: int, cursor: TenureCursor, *, lease: datetime.timedelta
) -> None:
    async with pool.connection(CATALOG) as connection:
        await _advance.run(
            connection,
            title_id=title_id,
            seconds=seconds,
            arrived_at=cursor.arrived_at,
            player_name=cursor.player_name,
            lease=lease,
        )


_claim = query("tenure.claim", row=TenureCursor)
_arrivals = query("tenure.arrivals", row=TenureCursor)
_advance = statement("tenure.advance")
