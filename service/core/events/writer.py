"""Writes changes of players exactly once: read the state, evaluate in memory, compare and set, retry.

A change is evaluated (`unlocks.evaluate`) from what the player has, and written only if nobody else wrote of that
player meanwhile; else it is evaluated again. So the rules stay pure, nothing is locked while they are evaluated, and
parallel events give exact totals.
"""

import asyncio
import functools
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence

from cachetools import LRUCache

from service import ticks
from service.core.events import event_log, store
from service.core.events.change_queue import ChangeQueue, PendingChange, PlayerBatch, PlayerTitle, WriteResult
from service.core.events.outcomes import FirstEvents, merge_outcomes, with_replays, without_replays
from service.core.events.store import PendingWrite
from service.core.publishing.published_title import PublishedTitle
from service.core.publishing.snapshot import SnapshotStore
from service.core.unlocks import evaluate
from service.core.unlocks.model import Change, ChangeOutcome, HistoryQuery, HistoryResult, PlayerState
from service.db.failures import ConnectionLost, RolledBack
from service.db.limits import WRITE
from service.db.pool import Pool
from service.errors import LaurelError, NotFound

_MAY_BE_WRITTEN = "the connection to the database was lost; the change may have been written"
_MAX_STATE_BYTES = 32 * 1024 * 1024  # kept of the players who wrote last: some 16 000 of 2 kB each
_STATE_BYTES, _VALUE_BYTES = 1_000, 120  # of memory for a state, and for each unlock and measure value in it


def _size_bytes(state: PlayerState) -> int:
    """An estimate of the memory that a state takes."""
    attributes = sum(len(key) + len(value) for key, value in state.profile.attributes.items())
    return _STATE_BYTES + _VALUE_BYTES * (len(state.unlocked) + len(state.measure_values)) + attributes


class Counters:
    """How much this process has written since it began, for metrics."""

    __slots__ = ("conflicts", "events", "unlocks")

    def __init__(self) -> None:
        self.events = self.unlocks = self.conflicts = 0


class _Evaluation:
    """A batch, the state that it is evaluated from, and what became of its changes.

    `lost` are writes whose connection was lost before the answer, with the results that they have if they were
    committed; `failure` is why the last attempt failed.
    """

    __slots__ = ("batch", "before", "failure", "is_fresh", "lost", "results", "seen")

    def __init__(self, batch: PlayerBatch, before: PlayerState | None) -> None:
        self.batch = batch
        self.failure = "the change could not be written in time"
        self.lost: list[tuple[PendingWrite, list[tuple[PendingChange, WriteResult]]]] = []
        self.before = before  # None: to be read
        self.is_fresh = False  # whether `before` was read for this batch, and not kept from an earlier one
        self.seen: FirstEvents = {}
        self.results: list[tuple[PendingChange, WriteResult]] = []


class Writer:
    """Writes changes: each whole or not at all, and durable once `write` returns.

    `on_change` is called with each player of whom something was written, after the write.
    """

    def __init__(
        self,
        pool: Pool,
        snapshots: SnapshotStore,
        *,
        on_change: Callable[[str], None] = lambda _player: None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._snapshots = snapshots
        self._on_change = on_change
        self._queue = ChangeQueue(self._write_batches)
        self._states: LRUCache[PlayerTitle, PlayerState] = LRUCache(_MAX_STATE_BYTES, getsizeof=_size_bytes)
        self.counters = Counters()

    def now(self) -> int:
        """The current time, in ticks."""
        return ticks.from_unix_ns(self._clock())

    async def read_state(self, player: str, title_id: int) -> PlayerState:
        """The state of a player in a title, read now.

        Raises:
            Unavailable: the database is out of reach.
        """
        return (await self._read_states([(player, title_id)]))[0]

    def forget(self) -> None:
        """Forget all states."""
        self._states.clear()

    async def write(self, change: Change) -> WriteResult:
        """Write a change, durably, or nothing of it.

        Raises:
            NotFound: the title is not published, a reported achievement does not exist, or the player is not in the
                title although `must_exist`.
            UnknownMetric: an event of a metric that the title does not count.
            InvalidField: an attribute that the title does not know, or a total out of range.
            WritesRefused: the database accepts no writes.
            Unavailable: the database is out of reach or too slow, or too many others write of this player.
        """
        self._pool.check_writes()
        return await self._queue.submit(change)

    async def _write_batches(self, batches: list[PlayerBatch]) -> None:
        evaluations = [_Evaluation(batch, self._states.get(batch.key)) for batch in batches]
        try:
            await self._write_evaluations(evaluations)
        except Exception as error:
            for batch in batches:
                self._states.pop(batch.key, None)
            if any(evaluation.lost for evaluation in evaluations):
                raise ConnectionLost(_MAY_BE_WRITTEN) from error
            raise

    async def _write_evaluations(self, evaluations: list[_Evaluation]) -> None:
        """Read, evaluate and write; again for those whose player somebody else wrote of, or whose answer was lost."""
        attempt = 0
        while evaluations:
            await self._read([evaluation for evaluation in evaluations if evaluation.before is None])
            evaluations = [evaluation for evaluation in evaluations if evaluation.before is not None]
            planned = [(each, write) for each in evaluations if (write := await self._evaluate(each)) is not None]
            unread = [evaluation for evaluation in evaluations if evaluation.before is None]
            unread += await self._record(planned)
            for evaluation in unread:
                evaluation.before = None
                evaluation.batch.drop_expired(asyncio.get_running_loop().time(), evaluation.failure)
            evaluations = sorted(
                (evaluation for evaluation in unread if evaluation.batch.pending),
                key=lambda evaluation: evaluation.batch.key,
            )
            if attempt > 1:  # two processes that keep in step would go on losing to each other
                await asyncio.sleep(random.uniform(0, 0.002 * attempt))  # noqa: S311  (no secret)
            attempt += 1

    async def _read(self, evaluations: Sequence[_Evaluation]) -> None:
        evaluations = await self._settle_committed(evaluations)
        if not evaluations:
            return
        changes = [pending.change for evaluation in evaluations for pending in evaluation.batch.pending]
        states = await self._read_states([evaluation.batch.key for evaluation in evaluations])
        replays: Mapping[tuple[str, int, str, str], uuid.UUID] = {}
        if any(event.key is not None for change in changes for event in change.events):
            replays = await self._pool.read(functools.partial(store.find_replays, changes=changes))
        for evaluation, state in zip(evaluations, states, strict=True):
            evaluation.before, evaluation.is_fresh = state, True
            evaluation.seen = {
                key[2:]: event_id for key, event_id in replays.items() if key[:2] == evaluation.batch.key
            }

    async def _read_states(self, keys: Sequence[PlayerTitle]) -> list[PlayerState]:
        return await self._pool.read(functools.partial(store.read_states, keys=keys))

    async def _evaluate(self, evaluation: _Evaluation) -> PendingWrite | None:
        """What is to be written of one player; None if nothing is, or if the state must be read first.

        Errors, and results without a write, are given only from a state that was read for this batch.
        """
        assert evaluation.before is not None  # noqa: S101  (it was read)
        batch, state, seen = evaluation.batch, evaluation.before, dict(evaluation.seen)
        outcomes, silent = list[ChangeOutcome](), set[int]()
        evaluation.results = []
        now = self.now()
        for position, pending in enumerate(list(batch.pending)):
            try:
                published = self._published(batch.key[1])
                rules = published.rules
                change, replays = without_replays(pending.change, seen)
                queries = rules.history_queries(state, change, now=now)
                if queries and outcomes:  # the log lacks the changes before this one
                    self._queue.postpone(batch, position)
                    break
                history: Mapping[HistoryQuery, HistoryResult] = {}
                if queries:
                    read = functools.partial(
                        event_log.query_history, player=batch.key[0], title_id=batch.key[1], queries=queries
                    )
                    history = await self._pool.read(read)
                outcome = evaluate.evaluate_change(rules, state, change, now=now, history=history)
            except LaurelError as error:
                if not evaluation.is_fresh:
                    evaluation.before = None
                    return None
                batch.pending.remove(pending)
                pending.settle(error)
                continue
            state = outcome.state
            if outcome.is_change:
                outcomes.append(outcome)
                silent.update(unlock.number for unlock in outcome.unlocked if change.suppress_notifications)
            recorded = with_replays(outcome, pending.change, replays, rules, now=now)
            seen |= {(event.metric, event.key): event.event_id for event in change.events if event.key is not None}
            result = WriteResult(
                published=published,
                state=state,
                is_change=outcome.is_change,
                recorded=recorded,
                unlocked=outcome.unlocked,
            )
            evaluation.results.append((pending, result))
        if outcomes:
            return PendingWrite(
                player=batch.key[0],
                title_id=batch.key[1],
                before=evaluation.before,
                outcome=merge_outcomes(evaluation.before, outcomes),
                silent=frozenset(silent),
            )
        if evaluation.is_fresh:
            for pending, result in evaluation.results:
                pending.settle(result)
        else:
            evaluation.before = None
        return None

    def _published(self, title_id: int) -> PublishedTitle:
        published = self._snapshots.current.titles.get(title_id)
        if published is None:
            raise NotFound(f"there is no title {title_id}")
        return published

    async def _record(self, planned: "list[tuple[_Evaluation, PendingWrite]]") -> list[_Evaluation]:
        """Write, settle what was committed, and return the evaluations of what was not, or may not have been.

        A refusal that the database states is final: nothing was written, and trying again would not help.
        """
        if not planned:
            return []
        try:
            async with self._pool.connection(WRITE) as connection:
                written = await store.write(connection, [write for _, write in planned])
        except ConnectionLost:
            for evaluation, write in planned:
                evaluation.lost.append((write, evaluation.results))
                evaluation.failure = _MAY_BE_WRITTEN
            return [evaluation for evaluation, _ in planned]
        except RolledBack as error:
            for evaluation, _ in planned:
                evaluation.failure = str(error)
            return [evaluation for evaluation, _ in planned]
        unwritten = []
        for index, (evaluation, write) in enumerate(planned):
            if index in written:
                self._settle(evaluation.batch.key, write, evaluation.results)
            else:
                self.counters.conflicts += 1
                evaluation.failure = "too many others write of this player at once"
                unwritten.append(evaluation)
        return unwritten

    async def _settle_committed(self, evaluations: Sequence[_Evaluation]) -> list[_Evaluation]:
        """Settle what was committed although its answer was lost, and return the evaluations of the others.

        This is asked before each new attempt: a statement of a lost connection may still have been running at the last
        one. Once a later attempt is committed, it no longer can be: the revision is another.
        """
        lost = [(each, write, results) for each in evaluations for write, results in each.lost]
        if not lost:
            return list(evaluations)
        committed = await self._pool.read(
            functools.partial(store.find_committed, writes=[write for _, write, _ in lost])
        )
        found = set[PlayerTitle]()
        for index in committed:
            evaluation, write, results = lost[index]
            self._settle(evaluation.batch.key, write, results)
            found.add(evaluation.batch.key)
        return [evaluation for evaluation in evaluations if evaluation.batch.key not in found]

    def _settle(
        self, key: PlayerTitle, write: PendingWrite, results: Sequence[tuple[PendingChange, WriteResult]]
    ) -> None:
        self.counters.events += len(write.outcome.logged)
        self.counters.unlocks += len(write.outcome.unlocked)
        state = write.outcome.state
        self._states.pop(key, None)
        if _size_bytes(state) <= self._states.maxsize:
            self._states[key] = state
        for pending, result in results:
            pending.settle(result)
        self._on_change(write.player)
