"""A queue of changes: each player's in order, many players' in one batch, and few batches at once.

Changes that arrive while a batch is under way travel together in the next one: the busier a player, the more changes
one batch holds.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.model import Change, EventResult, PlayerState, Unlock
from service.errors import LaurelError

DEADLINE_SECONDS = 5.0  # for one batch, lost races included
MAX_CONCURRENCY = 3  # batches at once: more wait for the same processor, fewer leave it idle
MAX_PLAYERS = 64  # of one batch
MAX_CHANGES = 256  # of one player in a batch

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
    """One change whose caller waits for the result."""

    __slots__ = ("change", "future", "is_settled")

    def __init__(self, change: Change, future: "asyncio.Future[WriteResult]") -> None:
        self.change = change
        self.future = future
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
        self.pending = [pending for pending in self.pending if not pending.is_settled]


WriteBatches = Callable[[list[PlayerBatch], float], Awaitable[None]]
"""Writes batches of different players, ordered by player, until a deadline on the loop's clock.

It settles every change or raises. A change that it has settled is never given to it again.
"""


class ChangeQueue:
    """Gives changes to `write` in batches and their results to the callers."""

    def __init__(self, write: WriteBatches) -> None:
        self._write = write
        self._waiting: dict[str, deque[PendingChange]] = {}
        self._ready: deque[str] = deque()
        self._under_way: set[str] = set()
        self._free_slots = MAX_CONCURRENCY
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, change: Change) -> WriteResult:
        """The result of the change, after those of the same player that were submitted before.

        Raises:
            LaurelError: whatever `write` raises for this change.
        """
        pending = PendingChange(change, asyncio.get_running_loop().create_future())
        self._enqueue(pending)
        self._start()
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
                batches = self._take()
                try:
                    await self._write_or_fail(batches)
                finally:
                    self._release(batches)
        finally:
            self._free_slots += 1

    def _take(self) -> list[PlayerBatch]:
        """The next players, ordered by name, each with the changes that wait in one title."""
        batches: list[PlayerBatch] = []
        while self._ready and len(batches) < MAX_PLAYERS:
            player = self._ready.popleft()
            queue = self._waiting[player]
            title_id = queue[0].change.title_id
            pending: list[PendingChange] = []
            while queue and queue[0].change.title_id == title_id and len(pending) < MAX_CHANGES:
                pending.append(queue.popleft())
            if not queue:
                del self._waiting[player]
            self._under_way.add(player)
            batches.append(PlayerBatch((player, title_id), pending))
        return sorted(batches, key=lambda batch: batch.key)

    def _release(self, batches: Sequence[PlayerBatch]) -> None:
        for batch in batches:
            player = batch.key[0]
            self._under_way.discard(player)
            if player in self._waiting:
                self._ready.append(player)

    async def _write_or_fail(self, batches: list[PlayerBatch]) -> None:
        """Write the batches. An error reaches the callers whose changes caused it, and nobody else."""
        try:
            await self._write(batches, asyncio.get_running_loop().time() + DEADLINE_SECONDS)
        except Exception as error:  # noqa: BLE001  (every caller gets it, and decides)
            for batch in batches:
                batch.drop_settled()
            if isinstance(error, LaurelError) or len(batches) == 1:
                for pending in (pending for batch in batches for pending in batch.pending):
                    pending.settle(error)
                return
            for batch in batches:  # one of them broke the statement of all
                if batch.pending:
                    await self._write_or_fail([batch])
