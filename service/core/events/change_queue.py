"""A queue of changes: each player's in order, many players' in one batch, and few batches at once.

Changes that arrive while a batch is under way travel together in the next one: the busier a player, the more changes
one batch holds.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from cachetools import TTLCache

from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.model import Change, EventResult, PlayerState, Unlock
from service.errors import DatabaseTimeout, LaurelError, Unavailable

DEADLINE_SECONDS = 4.5  # for one change, from its arrival, lost races included: less than its request has
MAX_CONCURRENCY = 3  # batches at once: more wait for the same processor, fewer leave it idle
MAX_PLAYERS = 64  # of one batch
_LEAST_PLAYERS = 4  # of one batch, however slow the database is
_BATCH_SECONDS = 0.2  # a batch has as many players as are written in this time, far less than a statement may take
_WEIGHT = 0.3  # of the last batch in the usual time
MAX_CHANGES = 256  # of one player in a batch
_SPLIT_CONCURRENCY = 4  # players of a failed batch who are written at once, each alone
_ALONE_SECONDS = 5.0  # how long a player whose write timed out is kept out of others' batches
_MAX_ALONE = 1024

PlayerTitle = tuple[str, int]
"""A player in a title."""


class WriteResult(msgspec.Struct, frozen=True, kw_only=True):
    """The state after a change, and what is new in it.

    `published` is the release that the change was evaluated with: a response about the change is rendered from it, as
    the caller may have begun with an older one. `is_change` is False if nothing had to be written. `recorded` has the
    order of the change's events.
    """

    published: PublishedTitle
    state: PlayerState
    is_change: bool
    recorded: tuple[EventResult, ...] = ()
    unlocked: tuple[Unlock, ...] = ()


class PendingChange:
    """One change whose caller waits for the result, until `deadline` on the loop's clock."""

    __slots__ = ("change", "deadline", "future", "is_settled")

    def __init__(self, change: Change, future: "asyncio.Future[WriteResult]", deadline: float) -> None:
        self.change = change
        self.future = future
        self.deadline = deadline
        self.is_settled = False

    def settle(self, outcome: WriteResult | BaseException) -> None:
        """Give the caller the result or the error; a caller that was cancelled gets nothing."""
        self.is_settled = True
        if self.future.done():
            return
        if isinstance(outcome, WriteResult):
            self.future.set_result(outcome)
        else:
            self.future.set_exception(outcome)


class PlayerBatch:
    """Changes of one player in one title that are written together, in the order in which they arrived."""

    __slots__ = ("key", "pending")

    def __init__(self, key: PlayerTitle, pending: list[PendingChange]) -> None:
        self.key = key
        self.pending = pending

    def drop_settled(self) -> None:
        """Keep only the changes whose callers still wait."""
        self.pending = [pending for pending in self.pending if not pending.is_settled and not pending.future.done()]

    def drop_expired(self, now: float, reason: str) -> None:
        """Refuse the changes past their deadline with this reason, and keep those whose callers still wait."""
        for pending in self.pending:
            if now > pending.deadline:
                pending.settle(Unavailable(reason))
        self.drop_settled()


WriteBatches = Callable[[list[PlayerBatch]], Awaitable[None]]
"""Writes batches of different players, ordered by player.

It settles every change or raises. A change that it has settled is never given to it again.
"""


class ChangeQueue:
    """Gives changes to `write` in batches and their results to the callers."""

    def __init__(self, write: WriteBatches) -> None:
        self._write = write
        self._waiting: dict[str, deque[PendingChange]] = {}
        self._lanes = _Lane(MAX_CONCURRENCY, MAX_PLAYERS), _Lane(1, 1)
        self._alone: TTLCache[str, None] = TTLCache(_MAX_ALONE, _ALONE_SECONDS)
        self._seconds_per_player = 0.0
        self._splitting = asyncio.Semaphore(_SPLIT_CONCURRENCY)
        self._under_way: set[str] = set()
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, change: Change) -> WriteResult:
        """The result of the change, after those of the same player that were submitted before.

        Raises:
            LaurelError: whatever `write` raises for this change.
        """
        loop = asyncio.get_running_loop()
        pending = PendingChange(change, loop.create_future(), loop.time() + DEADLINE_SECONDS)
        self._enqueue(pending)
        return await pending.future

    def postpone(self, batch: PlayerBatch, position: int) -> None:
        """Leave the changes of a batch from this position on for the player's next batch."""
        rest = batch.pending[position:]
        del batch.pending[position:]
        self._waiting.setdefault(batch.key[0], deque()).extendleft(reversed(rest))

    def _enqueue(self, pending: PendingChange) -> None:
        player = pending.change.player
        queue = self._waiting.get(player)
        if queue is not None:
            queue.append(pending)
            return
        self._waiting[player] = deque((pending,))
        if player not in self._under_way:
            self._start(self._make_ready(player))

    def _make_ready(self, player: str) -> "_Lane":
        """Put a player who is not under way into a lane: the second one, of single players, after a write timed out."""
        lane = self._lanes[player in self._alone]
        lane.ready.append(player)
        return lane

    def _start(self, lane: "_Lane") -> None:
        if lane.free_slots and lane.ready:
            lane.free_slots -= 1
            task = asyncio.create_task(self._run(lane))
            self._running.add(task)  # the loop itself keeps only a weak reference
            task.add_done_callback(self._running.discard)

    async def _run(self, lane: "_Lane") -> None:
        try:
            while lane.ready:
                batches = self._take(lane)
                started = time.perf_counter()
                try:
                    await self._write_or_fail(batches)
                finally:
                    self._note_time(time.perf_counter() - started, len(batches))
                    self._release(batches, lane)
        finally:
            lane.free_slots += 1

    def _note_time(self, seconds: float, players: int) -> None:
        usual = self._seconds_per_player
        self._seconds_per_player = usual + _WEIGHT * (seconds / players - usual)

    def _max_players(self, lane: "_Lane") -> int:
        """How many players are written in a batch's time, as long as the last ones took."""
        written_in_time = int(_BATCH_SECONDS / max(self._seconds_per_player, _BATCH_SECONDS / MAX_PLAYERS))
        return min(lane.max_players, max(_LEAST_PLAYERS, written_in_time))

    def _take(self, lane: "_Lane") -> list[PlayerBatch]:
        """The next players, ordered by name, each with the changes that wait in one title."""
        now = asyncio.get_running_loop().time()
        batches: list[PlayerBatch] = []
        max_players = self._max_players(lane)
        while lane.ready and len(batches) < max_players:
            player = lane.ready.popleft()
            queue = self._waiting[player]
            title_id = queue[0].change.title_id
            pending: list[PendingChange] = []
            while queue and queue[0].change.title_id == title_id and len(pending) < MAX_CHANGES:
                pending.append(queue.popleft())
            if not queue:
                del self._waiting[player]
            self._under_way.add(player)
            batch = PlayerBatch((player, title_id), pending)
            batch.drop_expired(now, "too many changes are waiting; this one was not begun in time")
            batches.append(batch)
        return sorted(batches, key=lambda batch: batch.key)

    def _release(self, batches: Sequence[PlayerBatch], lane: "_Lane") -> None:
        for batch in batches:
            player = batch.key[0]
            self._under_way.discard(player)
            if player in self._waiting:
                next_lane = self._make_ready(player)
                if next_lane is not lane:  # whose task goes on by itself
                    self._start(next_lane)

    async def _write_or_fail(self, batches: list[PlayerBatch]) -> None:
        """Write the batches. An error reaches the callers whose changes caused it, and nobody else."""
        waiting = [batch for batch in batches if batch.pending]
        if not waiting:
            return
        try:
            await self._write(waiting)
        except Exception as error:  # noqa: BLE001  (every caller gets it, and decides)
            for batch in waiting:
                batch.drop_settled()
            is_of_all = isinstance(error, LaurelError) and not isinstance(error, DatabaseTimeout)
            if is_of_all or len(waiting) == 1:
                if isinstance(error, DatabaseTimeout):
                    self._alone[waiting[0].key[0]] = None
                for pending in (pending for batch in waiting for pending in batch.pending):
                    pending.settle(error)
                return
            # One of them broke the statement of all, or holds it up.
            await asyncio.gather(*(self._write_alone(batch) for batch in waiting))

    async def _write_alone(self, batch: PlayerBatch) -> None:
        async with self._splitting:
            batch.drop_expired(asyncio.get_running_loop().time(), "the database is too slow for this change")
            await self._write_or_fail([batch])


class _Lane:
    """Players whose changes wait to be written in batches, and how many batches may still start."""

    __slots__ = ("free_slots", "max_players", "ready")

    def __init__(self, slots: int, max_players: int) -> None:
        self.free_slots = slots
        self.max_players = max_players
        self.ready: deque[str] = deque()
