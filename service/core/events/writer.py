"""What players did, written exactly once: the changes of each player in order, of many players in one statement.

A change is worked out in memory (`rules.Rules`) from what the player has, and written only if nobody wrote anything
of that player meanwhile; else it is worked out anew. So the rules stay pure, nothing is locked while they think, and
parallel events give exact totals. Changes that arrive while a statement is under way travel together in the next: the
busier a player, the more events one write holds.
"""

import asyncio
import datetime
import functools
import hashlib
import random
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence

import msgspec

from service import ticks
from service.core.events import event_log, store
from service.core.events.store import PendingWrite
from service.core.publishing.snapshot import SnapshotStore
from service.core.unlocks import evaluate
from service.core.unlocks.model import (
    Change,
    ChangeOutcome,
    DailyDelta,
    EventResult,
    HistoryQuery,
    HistoryResult,
    PlayerState,
    Unlock,
)
from service.core.unlocks.rules import Rules
from service.db.pool import Pool
from service.errors import LaurelError, NotFound, Unavailable

SECONDS = 1.0
DEADLINE = 5.0 * SECONDS  # for one round of changes, races lost included
_MAX_CONCURRENCY = 3  # statements under way at once: more wait for the same processor, fewer leave it idle
_PLAYERS_TOGETHER = 64
_CHANGES_TOGETHER = 256  # of one player
_REMEMBERED = 16_384  # states of players who wrote last, some 2 kB each

PlayerTitle = tuple[str, int]
"""A player in a title."""

FirstEvents = Mapping[tuple[str, str], uuid.UUID]
"""Which event was told first, by metric and key."""


class WriteResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a change: the state after it, and what is new in it.

    `is_change` False: everything was as asked for already. `recorded` stands in the order of the change's events.
    """

    state: PlayerState
    is_change: bool
    recorded: tuple[EventResult, ...] = ()
    unlocked: tuple[Unlock, ...] = ()


class Counters:
    """What this process has written since it began: for operators."""

    __slots__ = ("conflicts", "events", "unlocks")

    def __init__(self) -> None:
        self.events = self.unlocks = self.conflicts = 0


class _PendingChange:
    """One change that waits for its answer."""

    __slots__ = ("answer", "change")

    def __init__(self, change: Change, answer: "asyncio.Future[WriteResult]") -> None:
        self.change = change
        self.answer = answer

    def settle(self, outcome: WriteResult | BaseException) -> None:
        if self.answer.done():  # whoever asked may have gone
            return
        if isinstance(outcome, WriteResult):
            self.answer.set_result(outcome)
        else:
            self.answer.set_exception(outcome)


class _PlayerBatch:
    """The changes of one player in one title that are written together, and how far they are."""

    __slots__ = ("asked", "before", "is_fresh", "outcomes", "place", "told")

    def __init__(self, place: PlayerTitle, asked: list[_PendingChange], before: PlayerState | None) -> None:
        self.place = place
        self.asked = asked
        self.before = before
        self.is_fresh = False  # whether `before` was read for this write, and not only remembered
        self.told: FirstEvents = {}
        self.outcomes: list[tuple[_PendingChange, WriteResult]] = []


class Writer:
    """Writes changes. Each is written whole or refused, and once it is answered it is durable.

    `on_change` is told each player of whom something was written, after it was.
    """

    def __init__(
        self, pool: Pool, releases: SnapshotStore, *, erasure_key: bytes, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._releases = releases
        self._erasure_key = erasure_key
        self._waiting: dict[str, deque[_PendingChange]] = {}
        self._ready: deque[str] = deque()
        self._under_way: set[str] = set()
        self._free_slots = _MAX_CONCURRENCY
        self._running: set[asyncio.Task[None]] = set()
        self._remembered: OrderedDict[PlayerTitle, PlayerState] = OrderedDict()
        self.on_change: Callable[[str], None] = _ignore
        self.counters = Counters()

    def hash_of(self, player: str) -> bytes:
        """The player's name where it must not be readable: 32 bytes, the same for the same database."""
        return hash_of(player, key=self._erasure_key)

    async def write(self, change: Change) -> WriteResult:
        """Do it, durably, or nothing of it.

        Raises:
            NotFound: the title is not published, a reported achievement is not there, or the player is not in the
                title although `must_exist`.
            UnknownMetric: an event of a metric that the title does not count.
            InvalidField: an attribute that the title does not know, or a total out of range.
            Unavailable: the database is out of reach, or too many others wrote of this player.
        """
        asked = _PendingChange(change, asyncio.get_running_loop().create_future())
        self._wait(asked)
        self._start()
        return await asked.answer

    def now(self) -> int:
        """The present moment, in ticks."""
        return ticks.of_unix_ns(self._clock())

    async def state(self, player: str, title_id: int) -> PlayerState:
        """What a player has in a title now.

        Raises:
            Unavailable: the database is out of reach.
        """
        place = player, title_id
        hashes = [self.hash_of(player)]
        return (await self._pool.read(functools.partial(store.read_states, places=[place], hashes=hashes)))[0]

    def _wait(self, asked: _PendingChange) -> None:
        player = asked.change.player
        queue = self._waiting.get(player)
        if queue is not None:
            queue.append(asked)
            return
        self._waiting[player] = deque((asked,))
        if player not in self._under_way:
            self._ready.append(player)

    def _start(self) -> None:
        if self._free_slots and self._ready:
            self._free_slots -= 1
            task = asyncio.create_task(self._run())
            self._running.add(task)  # the loop itself keeps only a weak reference
            task.add_done_callback(self._running.discard)

    async def _run(self) -> None:
        try:
            while self._ready:
                parts = self._take()
                try:
                    await self._write_together(parts)
                finally:
                    self._give_back(parts)
        finally:
            self._free_slots += 1

    async def _write_together(self, parts: list[_PlayerBatch]) -> None:
        """Write them; whatever goes wrong is told to those whom it concerns, and to nobody else."""
        try:
            await self._write(parts)
        except Exception as error:  # noqa: BLE001  (each of those who asked is told, and decides)
            if isinstance(error, LaurelError) or len(parts) == 1:
                for asked in (asked for part in parts for asked in part.asked):
                    asked.settle(error)
                return
            for part in parts:  # one of them broke the statement of all
                part.before = None
                await self._write_together([part])

    def _take(self) -> list[_PlayerBatch]:
        """The next players, ordered by name, each with what waits for them in one title."""
        parts: list[_PlayerBatch] = []
        while self._ready and len(parts) < _PLAYERS_TOGETHER:
            player = self._ready.popleft()
            queue = self._waiting[player]
            title_id = queue[0].change.title_id
            asked: list[_PendingChange] = []
            while queue and queue[0].change.title_id == title_id and len(asked) < _CHANGES_TOGETHER:
                asked.append(queue.popleft())
            if not queue:
                del self._waiting[player]
            self._under_way.add(player)
            parts.append(_PlayerBatch((player, title_id), asked, self._remembered.get((player, title_id))))
        return sorted(parts, key=lambda part: part.place)

    def _give_back(self, parts: Sequence[_PlayerBatch]) -> None:
        for part in parts:
            player = part.place[0]
            self._under_way.discard(player)
            if player in self._waiting:
                self._ready.append(player)

    async def _write(self, parts: list[_PlayerBatch]) -> None:
        """Read, work out, write; again for those with whom somebody else was faster, until the deadline."""
        loop = asyncio.get_running_loop()
        until = loop.time() + DEADLINE
        attempt = 0
        while parts:
            await self._read([part for part in parts if part.before is None])
            planned = [(part, record) for part in parts if (record := await self._plan(part)) is not None]
            unread = [part for part in parts if part.before is None]
            written = await self._record([record for _, record in planned])
            for index, (part, record) in enumerate(planned):
                if index in written:
                    self._settle(part, record)
                else:
                    self.counters.conflicts += 1
                    part.before = None
                    unread.append(part)
            if unread and loop.time() > until:
                raise Unavailable("too many others write of this player at once")
            parts = sorted(unread, key=lambda part: part.place)
            if attempt > 1:  # two processes that keep in step would go on losing to each other
                await asyncio.sleep(random.uniform(0, 0.002 * attempt))  # noqa: S311  (no secret)
            attempt += 1

    async def _read(self, parts: Sequence[_PlayerBatch]) -> None:
        if not parts:
            return
        places = [part.place for part in parts]
        hashes = [self.hash_of(player) for player, _ in places]
        changes = [asked.change for part in parts for asked in part.asked]
        states = await self._pool.read(functools.partial(store.read_states, places=places, hashes=hashes))
        told: Mapping[tuple[str, int, str, str], uuid.UUID] = {}
        if any(event.key is not None for change in changes for event in change.events):
            told = await self._pool.read(functools.partial(store.find_replays, changes=changes))
        for part, state in zip(parts, states, strict=True):
            part.before, part.is_fresh = state, True
            part.told = {key[2:]: event_id for key, event_id in told.items() if key[:2] == part.place}

    async def _plan(self, part: _PlayerBatch) -> PendingWrite | None:
        """What is to be written of one player; None if there is nothing, or if the state is to be read first.

        Refusals, and answers without a write, are given only from a state that was read for them.
        """
        assert part.before is not None  # noqa: S101  (it was read)
        state, done, silent = part.before, list[ChangeOutcome](), set[int]()
        told = dict(part.told)
        part.outcomes = []
        now = self.now()
        for position, asked in enumerate(list(part.asked)):
            try:
                rules = self._rules(part.place[1])
                change, replays = _without_replays(asked.change, told)
                history: Mapping[HistoryQuery, HistoryResult] = {}
                if questions := rules.history_queries(state, change, now=now):
                    if done:  # what comes before is not in the log yet
                        self._put_off(part, position)
                        break
                    history = await self._pool.read(
                        functools.partial(event_log.query_history, place=part.place, questions=questions)
                    )
                applied = evaluate.evaluate_change(rules, state, change, now=now, history=history)
            except LaurelError as refusal:
                if not part.is_fresh:
                    part.before = None
                    return None
                part.asked.remove(asked)
                asked.settle(refusal)
                continue
            state = applied.state
            if applied.is_change:
                done.append(applied)
                silent.update(unlock.number for unlock in applied.unlocked if change.suppress_notifications)
            recorded = _with_replays(applied, asked.change, replays, rules, now=now)
            told |= {(event.metric, event.key): event.event_id for event in change.events if event.key is not None}
            written = WriteResult(
                state=state, is_change=applied.is_change, recorded=recorded, unlocked=applied.unlocked
            )
            part.outcomes.append((asked, written))
        if done:
            return PendingWrite(
                player=part.place[0],
                title_id=part.place[1],
                before=part.before,
                outcome=_together(part.before, done),
                silent=frozenset(silent),
                player_hash=self.hash_of(part.place[0]),
            )
        if part.is_fresh:
            for asked, outcome in part.outcomes:
                asked.settle(outcome)
        else:
            part.before = None
        return None

    def _rules(self, title_id: int) -> Rules:
        published = self._releases.current.titles.get(title_id)
        if published is None:
            raise NotFound(f"there is no title {title_id}")
        return published.rules

    def _put_off(self, part: _PlayerBatch, position: int) -> None:
        """Leave the changes from this position on for the next round."""
        player = part.place[0]
        rest = part.asked[position:]
        del part.asked[position:]
        self._waiting.setdefault(player, deque()).extendleft(reversed(rest))

    async def _record(self, planned: list[PendingWrite]) -> set[int]:
        """Write them; if the database was lost before it said so, find out what became of it."""
        if not planned:
            return set()
        try:
            async with self._pool.connection() as connection:
                return await store.write(connection, planned)
        except Unavailable:
            return await self._pool.read(functools.partial(store.find_committed, written=planned))

    def _settle(self, part: _PlayerBatch, record: PendingWrite) -> None:
        state = record.outcome.state
        self.counters.events += len(record.outcome.logged)
        self.counters.unlocks += len(record.outcome.unlocked)
        self._remembered[part.place] = state
        self._remembered.move_to_end(part.place)
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        for asked, outcome in part.outcomes:
            asked.settle(outcome)
        self.on_change(part.place[0])


def hash_of(player: str, *, key: bytes) -> bytes:
    """A player's name where it must not be readable: 32 bytes."""
    return hashlib.blake2b(player.encode(), key=key, digest_size=32).digest()


def _ignore(_player: str) -> None:
    """Tell nobody."""


def _without_replays(change: Change, told: FirstEvents) -> tuple[Change, Mapping[int, uuid.UUID]]:
    """The change without the events that were told before, and the first event of each of those, by position."""
    replays = {
        i: told[event.metric, event.key]
        for i, event in enumerate(change.events)
        if event.key is not None and (event.metric, event.key) in told
    }
    if not replays:
        return change, replays
    events = tuple(event for i, event in enumerate(change.events) if i not in replays)
    return msgspec.structs.replace(change, events=events), replays


def _with_replays(
    applied: ChangeOutcome, change: Change, replays: Mapping[int, uuid.UUID], rules: Rules, *, now: int
) -> tuple[EventResult, ...]:
    """What became of all events of the change, those that were told before among them."""
    if not replays:
        return applied.recorded
    recorded = iter(applied.recorded)
    streak = rules.streak(applied.state, now=now)
    return tuple(
        EventResult(event_id=replays[i], total=rules.total(event.metric, applied.state), is_replay=True, streak=streak)
        if i in replays
        else next(recorded)
        for i, event in enumerate(change.events)
    )


def _together(before: PlayerState, done: Sequence[ChangeOutcome]) -> ChangeOutcome:
    """What was made of the state by one change after the other, as one."""
    state = msgspec.structs.replace(done[-1].state, revision=before.revision + 1)
    if len(done) == 1:
        return msgspec.structs.replace(done[0], state=state)
    days: dict[tuple[str, datetime.date], DailyDelta] = {}
    for day in (day for applied in done for day in applied.days):
        same = days.get((day.metric, day.day))
        if same is not None:
            day = DailyDelta(day.metric, day.day, day.change + same.change, day.is_active or same.is_active)  # noqa: PLW2901  (the sum takes its place)
        days[day.metric, day.day] = day
    profiles = [applied.profile for applied in done if applied.profile is not None]
    return ChangeOutcome(
        state=state,
        is_change=True,
        standings={key: value for applied in done for key, value in applied.standings.items()},
        profile=profiles[-1] if profiles else None,
        unlocked=tuple(unlock for applied in done for unlock in applied.unlocked),
        days=tuple(days.values()),
        logged=tuple(event for applied in done for event in applied.logged),
    )
