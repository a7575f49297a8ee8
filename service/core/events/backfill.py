"""Giving players what they had reached before it could be unlocked: a walk over a title's players, a page at a time.

A walk begins when a release opens achievements (`publishing.release_draft`), and goes on after a crash where it was:
its position moves only after a page was written, and writing a player again changes nothing. Nobody is told of what
it unlocks, as nothing happened just now.
"""

import contextlib
import datetime
import functools
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from service.core.catalog.model import Draft
from service.core.events import event_log
from service.core.events.writer import Writer
from service.core.publishing.snapshot import SnapshotStore
from service.core.unlocks import evaluate
from service.core.unlocks.model import Change, LogEntry, MeasureValue
from service.core.unlocks.rules import Rules
from service.db import Connection
from service.db.pool import Pool
from service.db.queries import query, statement
from service.errors import NotFound

_PAGE = 100  # players
_LEASE = datetime.timedelta(minutes=1)  # for a page; a process that dies on it leaves it to others then


class DryRun(msgspec.Struct, frozen=True):
    """What a walk would do: how many players it would look at, and how many would unlock each achievement."""

    players: int
    unlocks: Mapping[int, int]


async def run_step(pool: Pool, writer: Writer, releases: SnapshotStore) -> bool:
    """Take one page of the oldest walk, if there is one that nobody else is on; whether there was.

    Raises:
        Unavailable: the database is out of reach; the walk goes on from there another time.
    """
    async with pool.connection() as connection:
        walk = await _next.first(connection, lease=_LEASE)
    if walk is None:
        return False
    await releases.refresh()
    published = releases.current.titles.get(walk.title_id)
    page = await pool.read(functools.partial(_page, title_id=walk.title_id, position=walk.position))
    if published is None or not page:
        async with pool.connection() as connection:
            await _end.run(connection, backfill_id=walk.backfill_id)
        return True
    unlocks = 0
    for player in page:
        with contextlib.suppress(NotFound):  # erased meanwhile
            change = await _change(pool, writer, published.rules, walk.numbers, (player, walk.title_id))
            if change is not None:
                unlocks += len((await writer.write(change)).unlocked)
    async with pool.connection() as connection:
        await _pass.run(connection, backfill_id=walk.backfill_id, position=page[-1], players=len(page), unlocks=unlocks)
    return True


async def dry_run(pool: Pool, writer: Writer, draft: Draft, numbers: Sequence[int]) -> DryRun:
    """What it would unlock if these achievements of a draft were active. Nothing is written.

    Raises:
        NotFound: the draft has no such achievement.
        Unavailable: the database is out of reach.
    """
    title_id = draft.title.title_id
    known = {achievement.number for achievement in draft.achievements}
    for number in numbers:
        if number not in known:
            raise NotFound(f"there is no achievement {number} in title {title_id}")
    opened = [
        msgspec.structs.replace(one, status="active") if one.number in numbers else one for one in draft.achievements
    ]
    rules = Rules(draft.title, opened)
    players, unlocks, position = 0, Counter[int](), None
    while page := await pool.read(functools.partial(_page, title_id=title_id, position=position)):
        for player in page:
            with contextlib.suppress(NotFound):  # erased meanwhile
                change = await _change(pool, writer, rules, numbers, (player, title_id))
                if change is not None:
                    state = await writer.read_state(player, title_id)
                    found = evaluate.evaluate_change(rules, state, change, now=writer.now()).unlocked
                    unlocks.update(unlock.number for unlock in found)
        players, position = players + len(page), page[-1]
    return DryRun(players, dict(sorted(unlocks.items())))


async def _change(
    pool: Pool, writer: Writer, rules: Rules, numbers: Sequence[int], place: tuple[str, int]
) -> Change | None:
    """What a player is to be given: standings that only the log can give, and what follows; None for nothing."""
    player, title_id = place
    state = await writer.read_state(player, title_id)
    rebuilt: dict[str, MeasureValue] = {}
    for measure in rules.measures_to_recompute(numbers):
        log: list[LogEntry] = []
        for metric in [measure.metric] if measure.metric is not None else rules.metrics:
            log += await pool.read(functools.partial(event_log.list_events, place=place, metric=metric))
        standing = rules.recompute(measure, sorted(log, key=lambda event: event.at), state=state)
        if standing is not None and standing != state.standings.get(measure.key):
            rebuilt[measure.key] = standing
    change = Change(player=player, title_id=title_id, recomputed=rebuilt, suppress_notifications=True, must_exist=True)
    return change if evaluate.evaluate_change(rules, state, change, now=writer.now()).is_change else None


async def _page(connection: Connection, title_id: int, position: str | None) -> list[str]:
    rows = await _players_after.all(connection, title_id=title_id, position=position, most=_PAGE)
    return [row.player for row in rows]


class _WalkRow(msgspec.Struct, frozen=True):
    backfill_id: int
    title_id: int
    numbers: list[int]
    position: str | None


class _PlayerRow(msgspec.Struct, frozen=True):
    player: str


_next = query("backfill.next", row=_WalkRow)
_players_after = query("backfill.players_after", row=_PlayerRow)
_pass = statement("backfill.pass")
_end = statement("backfill.end")
