"""What time alone earns: players are looked at when they have been in a title long enough, though nobody writes of them.

Players stand in the order in which they came, so those whose time has come are the next ones behind a place that only
moves on. One process at a time is on a title's watch; one that dies leaves it to the others.
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
from service.db.pool import Pool
from service.db.queries import query, statement
from service.errors import NotFound

_PAGE = 100  # players
_LEASE = datetime.timedelta(minutes=1)  # for a page
_NONE = datetime.timedelta()
_OVERLAP = 10 * ticks.SECOND  # a player may be seen that much later than the clock said when they came


async def award_due(pool: Pool, writer: Writer, releases: SnapshotStore) -> None:
    """Give the players of every title what they have been there long enough for.

    Raises:
        Unavailable: the database is out of reach; the watch goes on from there another time.
    """
    for title_id, published in releases.current.titles.items():
        for seconds, numbers in lengths(published.rules).items():
            await _watch(pool, writer, title_id, seconds, numbers)


def lengths(rules: Rules) -> Mapping[int, Sequence[int]]:
    """The lengths of time that achievements ask for, in whole seconds, and which do, by stored number. Pure."""
    found: dict[int, list[int]] = {}
    for achievement in rules.time_based:
        for requirement in achievement.requirements:
            if requirement.measure is not None and requirement.measure.aggregate == "age":
                seconds = -int(-Decimal(requirement.target) // 1)
                found.setdefault(seconds, []).append(to_int4(achievement.number))
    return found


async def _watch(pool: Pool, writer: Writer, title_id: int, seconds: int, numbers: Sequence[int]) -> None:
    async with pool.connection() as connection:
        began = await _claim.first(connection, title_id=title_id, seconds=seconds, lease=_LEASE)
    if began is None:
        return
    until = writer.now() - seconds * ticks.SECOND
    place = began
    while page := await pool.read(
        functools.partial(
            _arrivals.all,
            title_id=title_id,
            arrived_at=place.arrived_at,
            player_name=place.player_name,
            until=until,
            numbers=numbers,
            most=_PAGE,
        )
    ):
        for arrival in page:
            with contextlib.suppress(NotFound):  # erased meanwhile
                await writer.write(Change(player=arrival.player_name, title_id=title_id, must_exist=True))
        place = page[-1]
        await _pass_by(pool, title_id, seconds, place, lease=_LEASE)
    settled = TenureCursor(max(began.arrived_at, until - _OVERLAP), "")
    await _pass_by(pool, title_id, seconds, settled, lease=_NONE)


async def _pass_by(
    pool: Pool, title_id: int, seconds: int, place: "TenureCursor", *, lease: datetime.timedelta
) -> None:
    async with pool.connection() as connection:
        await _pass.run(
            connection,
            title_id=title_id,
            seconds=seconds,
            arrived_at=place.arrived_at,
            player_name=place.player_name,
            lease=lease,
        )


class TenureCursor(msgspec.Struct, frozen=True):
    """Where a walk over a title's players by their coming is: behind this one. `arrived_at` is in ticks."""

    arrived_at: int
    player_name: str


_claim = query("age.claim", row=TenureCursor)
_arrivals = query("age.arrivals", row=TenureCursor)
_pass = statement("age.pass")
