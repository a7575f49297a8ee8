"""The queue of changes: order, batches, bounded concurrency, and errors that reach only their callers."""

import asyncio

import pytest

from service.core.events import change_queue
from service.core.events.change_queue import MAX_CHANGES, MAX_CONCURRENCY, MAX_PLAYERS, ChangeQueue, WriteResult
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.model import Change, PlayerState
from service.errors import NotFound
from tests.factories import draft

PUBLISHED = PublishedTitle(publication_id=1, release=1, title=draft(1, ()).title, achievements=(), texts={})
RESULT = WriteResult(published=PUBLISHED, state=PlayerState(), is_change=True)


class Log:
    """Writes batches by noting them, once they are released; `fails` names players whose batch breaks."""

    def __init__(self, *, fails=()):
        self.batches = []
        self.under_way = 0
        self.most_under_way = 0
        self.began = asyncio.Event()
        self.released = asyncio.Event()
        self.fails = fails

    async def write(self, batches):
        """Settle every change of the batches."""
        self.batches.append(
            {batch.key: [pending.change.profile["n"] for pending in batch.pending] for batch in batches}
        )
        self.under_way += 1
        self.began.set()
        self.most_under_way = max(self.most_under_way, self.under_way)
        await self.released.wait()
        self.under_way -= 1
        if any(batch.key[0] in self.fails for batch in batches):
            raise RuntimeError
        for pending in (pending for batch in batches for pending in batch.pending):
            pending.settle(RESULT)


def change(player, n, title_id=1):
    return Change(player=player, title_id=title_id, profile={"n": n})


async def test_changes_that_arrive_during_a_batch_form_the_next_one_in_order():
    log = Log()
    queue = ChangeQueue(log.write)
    submitted = [asyncio.create_task(queue.submit(change("a", 0)))]
    await log.began.wait()
    submitted += [asyncio.create_task(queue.submit(change("a", n))) for n in range(1, 4)]
    await asyncio.sleep(0)
    log.released.set()
    await asyncio.gather(*submitted)

    assert log.batches == [{("a", 1): [0]}, {("a", 1): [1, 2, 3]}]


async def test_player_has_one_batch_at_a_time_and_few_batches_run_at_once():
    log = Log()
    queue = ChangeQueue(log.write)
    submitted = []
    for player in range(10):
        submitted += [asyncio.create_task(queue.submit(change(str(player), n))) for n in range(2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    log.released.set()
    await asyncio.gather(*submitted)

    assert log.most_under_way == MAX_CONCURRENCY
    assert sorted(key for batches in log.batches for key in batches) == sorted((str(n), 1) for n in range(10))


async def test_batch_is_of_one_title_and_bounded():
    log = Log()
    log.released.set()
    queue = ChangeQueue(log.write)
    await asyncio.gather(
        *(queue.submit(change("a", n)) for n in range(MAX_CHANGES + 1)), queue.submit(change("a", 0, 2))
    )

    assert [(key, len(changes)) for batches in log.batches for key, changes in batches.items()] == [
        (("a", 1), MAX_CHANGES),
        (("a", 1), 1),
        (("a", 2), 1),
    ]


async def test_cancelled_waiter_does_not_affect_others():
    log = Log()
    queue = ChangeQueue(log.write)
    cancelled, other = (asyncio.create_task(queue.submit(change("a", n))) for n in range(2))
    await log.began.wait()
    cancelled.cancel()
    log.released.set()

    assert await other == RESULT
    with pytest.raises(asyncio.CancelledError):
        await cancelled


async def test_broken_batch_fails_only_for_its_player():
    log = Log(fails={"b"})
    log.released.set()
    queue = ChangeQueue(log.write)
    outcomes = await asyncio.gather(*(queue.submit(change(player, 0)) for player in "abc"), return_exceptions=True)

    assert [isinstance(outcome, RuntimeError) for outcome in outcomes] == [False, True, False]


async def test_error_of_the_service_reaches_every_caller_of_the_batch():
    async def write(_batches):
        raise NotFound("nothing here")

    queue = ChangeQueue(write)
    outcomes = await asyncio.gather(*(queue.submit(change(player, 0)) for player in "ab"), return_exceptions=True)

    assert [str(outcome) for outcome in outcomes] == ["nothing here"] * 2


async def test_batches_are_small_while_the_database_is_slow(monkeypatch):
    """A batch of as many players as usual would take longer than a statement may."""
    clock, sizes = [0.0], []

    async def write(batches):
        sizes.append(len(batches))
        clock[0] += 0.02 * len(batches)
        for pending in (pending for batch in batches for pending in batch.pending):
            pending.settle(RESULT)

    monkeypatch.setattr(change_queue.time, "perf_counter", lambda: clock[0])
    queue = ChangeQueue(write)
    for _ in range(8):
        await asyncio.gather(*(queue.submit(change(str(player), 0)) for player in range(MAX_PLAYERS)))

    assert sizes[0] == MAX_PLAYERS
    assert max(sizes[-4:]) <= 0.2 / 0.02 + 1
