"""Backfills: unlock newly opened achievements for players who met their requirements before.

A backfill begins when a release opens achievements (`publishing`) and walks over the title's players, a page at a time.
Its position moves only after a page was written, and writing a player again changes nothing, so it continues after a
crash. It sends no notifications: nothing happened just now.
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
from service.db.limits import CATALOG
from service.db.pool import Pool
from service.db.queries import query, statement
from service.errors import NotFound

_PAGE = 100  # players
_LEASE = datetime.timedelta(minutes=1)  # for a page: if the process dies on it, another one takes over then


class DryRun(msgspec.Struct, frozen=True):
    """What a backfill would do: how many players it would visit, and how many would unlock each achievement."""

    players: int
    unlocks: Mapping[int, int]


async def run_step(pool: Pool, writer: Writer, snapshots: SnapshotStore) -> bool:
    """Process one page of the oldest backfill that no other process works on; False if there is none.

    Raises:
        Unavailable: the database is out of reach; the backfill continues from the same page later.
    """
    async with pool.connection(CATALOG) as connection:
        backfill = await _claim_next.first(connection, lease=_LEASE)
    if backfill is None:
        return False
    await snapshots.refresh()
    published = snapshots.current.titles.get(backfill.title_id)
    page = await pool.read(
        functools.partial(_list_players, title_id=backfill.title_id, position=backfill.position), limits=CATALOG
    )
    if published is None or not page:
        async with pool.connection(CATALOG) as connection:
            await _finish.run(connection, backfill_id=backfill.backfill_id)
        return True
    unlocks = 0
    for player in page:
        with contextlib.suppress(NotFound):  # erased meanwhile
            key = player, backfill.title_id
            change = await _change_of_player(pool, writer, published.rules, backfill.numbers, key)
            if change is not None:
                unlocks += len((await writer.write(change)).unlocked)
    async with pool.connection(CATALOG) as connection:
        await _advance.run(
            connection, backfill_id=backfill.backfill_id, position=page[-1], players=len(page), unlocks=unlocks
        )
    return True


async def dry_run(pool: Pool, writer: Writer, draft: Draft, numbers: Sequence[int]) -> DryRun:
    """What would be unlocked if these achievements of a draft were active. Nothing is written.

    Raises:
        NotFound: the draft has no such achievement.
        Unavailable: the database is out of reach.
    """
    title_id = draft.title.title_id
    rules = _rules_if_active(draft, numbers)
    players, unlocks, position = 0, Counter[int](), None
    while page := await pool.read(
        functools.partial(_list_players, title_id=title_id, position=position), limits=CATALOG
    ):
        for player in page:
            with contextlib.suppress(NotFound):  # erased meanwhile
                change = await _change_of_player(pool, writer, rules, numbers, (player, title_id))
                if change is not None:
                    state = await writer.read_state(player, title_id)
                    outcome = evaluate.evaluate_change(rules, state, change, now=writer.now())
                    unlocks.update(unlock.number for unlock in outcome.unlocked)
        players, position = players + len(page), page[-1]
    return DryRun(players, dict(sorted(unlocks.items())))


def _rules_if_active(draft: Draft, numbers: Sequence[int]) -> Rules:
    defined = {achievement.number for achievement in draft.achievements}
    for number in numbers:
        if number not in defined:
            raise NotFound(f"there is no achievement {number} in title {draft.title.title_id}")
    achievements = [
        msgspec.structs.replace(achievement, status="active") if achievement.number in numbers else achievement
        for achievement in draft.achievements
    ]
    return Rules(draft.title, achievements)


async def _change_of_player(
    pool: Pool, writer: Writer, rules: Rules, numbers: Sequence[int], key: tuple[str, int]
) -> Change | None:
    """The change with the values that only the log can give; None if it would change nothing."""
    player, title_id = key
    state = await writer.read_state(player, title_id)
    recomputed: dict[str, MeasureValue] = {}
    for measure in rules.measures_to_recompute(numbers):
        log: list[LogEntry] = []
        for metric in [measure.metric] if measure.metric is not None else rules.metrics:
            log += await pool.read(
                functools.partial(event_log.list_events, player=player, title_id=title_id, metric=metric),
                limits=CATALOG,
            )
        value = rules.recompute(measure, sorted(log, key=lambda event: event.at), state=state)
        if value is not None and value != state.measure_values.get(measure.key):
            recomputed[measure.key] = value
    change = Change(
        player=player, title_id=title_id, recomputed=recomputed, suppress_notifications=True, must_exist=True
    )
    return change if evaluate.evaluate_change(rules, state, change, now=writer.now()).is_change else None


async def _list_players(connection: Connection, title_id: int, position: str | None) -> list[str]:
    rows = await _players_after.all(connection, title_id=title_id, position=position, max_rows=_PAGE)
    return [row.player for row in rows]


class _BackfillRow(msgspec.Struct, frozen=True):
    backfill_id: int
    title_id: int
    numbers: list[int]
    position: str | None


class _PlayerRow(msgspec.Struct, frozen=True):
    player: str


_claim_next = query("backfill.claim_next", row=_BackfillRow)
_players_after = query("backfill.players_after", row=_PlayerRow)
_advance = statement("backfill.advance")
_finish = statement("backfill.finish")
