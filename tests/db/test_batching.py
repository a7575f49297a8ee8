"""Batch loading: keys requested while a batch runs are loaded by the next one, and each caller gets its own value."""

import asyncio
import itertools

import pytest

from service.db.batching import BatchLoader


class Backend:
    """Doubles numbers once it is open, and records its batches and how many ran at once."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.running = self.max_running = 0

    async def load_batch(self, keys: list[int]) -> list[int]:
        """The doubles; ValueError if a key is negative."""
        self.batches.append(keys)
        self.running += 1
        self.max_running = max(self.max_running, self.running)
        try:
            await self.open.wait()
        finally:
            self.running -= 1
        if min(keys) < 0:
            raise ValueError("negative")
        return [2 * key for key in keys]


@pytest.fixture
def backend() -> Backend:
    return Backend()


async def run_ready_tasks() -> None:
    """Let all tasks run until they wait."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_each_key_gets_its_own_value(backend):
    backend.open.set()
    loader = BatchLoader(backend.load_batch)

    assert await asyncio.gather(*(loader.load(number) for number in range(100))) == [2 * n for n in range(100)]


async def test_keys_requested_at_once_share_a_batch(backend):
    backend.open.set()
    loader = BatchLoader(backend.load_batch)

    await asyncio.gather(*(loader.load(number) for number in range(5)))

    assert backend.batches == [[0, 1, 2, 3, 4]]


async def test_keys_requested_during_a_batch_share_the_next_one(backend):
    loader = BatchLoader(backend.load_batch, max_concurrency=1)
    first = loader.load(1)
    await run_ready_tasks()
    later = [loader.load(number) for number in (2, 3, 4)]
    await run_ready_tasks()

    assert backend.batches == [[1]]
    backend.open.set()
    assert await asyncio.gather(first, *later) == [2, 4, 6, 8]
    assert backend.batches == [[1], [2, 3, 4]]


async def test_at_most_max_concurrency_batches_run_at_once(backend):
    loader = BatchLoader(backend.load_batch, max_concurrency=2)
    answers = []
    for number in range(6):
        answers.append(loader.load(number))
        await run_ready_tasks()

    assert backend.batches == [[0], [1]]
    backend.open.set()
    assert await asyncio.gather(*answers) == [0, 2, 4, 6, 8, 10]
    assert backend.batches == [[0], [1], [2, 3, 4, 5]]
    assert backend.max_running == 2


async def test_slot_is_free_again_after_its_batch(backend):
    backend.open.set()
    loader = BatchLoader(backend.load_batch, max_concurrency=1)

    for number in range(3):
        assert await loader.load(number) == 2 * number

    assert backend.batches == [[0], [1], [2]]


async def test_batch_has_at_most_256_keys(backend):
    backend.open.set()
    loader = BatchLoader(backend.load_batch, max_concurrency=1)

    answers = await asyncio.gather(*(loader.load(number) for number in range(600)))

    assert answers == [2 * number for number in range(600)]
    assert [len(batch) for batch in backend.batches] == [256, 256, 88]
    assert [*itertools.chain(*backend.batches)] == [*range(600)]


async def test_error_reaches_exactly_the_callers_of_its_batch(backend):
    loader = BatchLoader(backend.load_batch, max_concurrency=1)
    failing = [loader.load(number) for number in (1, -1, 2)]
    await run_ready_tasks()
    later = [loader.load(number) for number in (3, 4)]
    backend.open.set()

    results = await asyncio.gather(*failing, *later, return_exceptions=True)

    assert [str(error) for error in results[:3]] == ["negative"] * 3
    assert results[3:] == [6, 8]
    assert await loader.load(5) == 10


@pytest.mark.parametrize("number", [2, -2])
async def test_cancelled_waiter_does_not_affect_others(backend, number):
    """Also if the batch fails."""
    loader = BatchLoader(backend.load_batch, max_concurrency=1)
    cancelled, same_batch, next_batch = loader.load(number), loader.load(3), loader.load(4)
    await run_ready_tasks()
    cancelled.cancel()
    waiting = loader.load(5)
    waiting.cancel()
    backend.open.set()

    results = await asyncio.gather(same_batch, next_batch, return_exceptions=True)

    assert [str(result) for result in results] == (["6", "8"] if number > 0 else ["negative"] * 2)
    assert cancelled.cancelled()
    assert waiting.cancelled()
    assert await loader.load(6) == 12
