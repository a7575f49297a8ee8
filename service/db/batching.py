"""Batch loading: keys that are requested while a statement runs are read together by the next one.

The cost per request falls as load rises, and few connections are in use at any time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

_MAX_BATCH = 256  # keys per statement: bounds how many requests one slow statement delays


class BatchLoader(Generic[Key, Value]):
    """Loads values by key, many keys per call of `load_batch`.

    `load_batch` returns the values in the order of its keys; an exception of it is raised for each key of the batch.
    At most `max_concurrency` batches run at once. A key whose waiter was cancelled before its batch began is not loaded.
    """

    def __init__(self, load_batch: Callable[[list[Key]], Awaitable[list[Value]]], *, max_concurrency: int = 2) -> None:
        self._load_batch = load_batch
        self._waiting: list[tuple[Key, asyncio.Future[Value]]] = []
        self._free_slots = max_concurrency
        self._running: set[asyncio.Task[None]] = set()

    def load(self, key: Key) -> asyncio.Future[Value]:
        """The value of a key, as a future."""
        future: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, future))
        if self._free_slots:
            self._free_slots -= 1
            task = asyncio.create_task(self._run())
            self._running.add(task)  # the event loop keeps only a weak reference
            task.add_done_callback(self._running.discard)
        return future

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MAX_BATCH], self._waiting[_MAX_BATCH:]
                batch = [waiting for waiting in batch if not waiting[1].done()]
                if batch:
                    await self._settle(batch)
        finally:
            self._free_slots += 1

    async def _settle(self, batch: list[tuple[Key, asyncio.Future[Value]]]) -> None:
        try:
            values = await self._load_batch([key for key, _ in batch])
        except Exception as error:  # noqa: BLE001  (raised again by every future of the batch)
            for _, future in batch:
                if not future.done():  # the waiter may have been cancelled
                    future.set_exception(error)
        else:
            for (_, future), value in zip(batch, values, strict=True):
                if not future.done():
                    future.set_result(value)
