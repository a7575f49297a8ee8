"""Subscriptions to changes of players: many subscribers of one player are notified a few at a time."""

import asyncio
import contextlib

from service.core.events.subscriptions import NOTIFIED_AT_ONCE, Subscriptions

MANY = 10 * NOTIFIED_AT_ONCE


async def test_many_subscribers_are_all_notified_but_never_many_at_once(pool):
    """Every subscriber that was notified runs before the event loop does anything else."""
    subscriptions = Subscriptions(pool)
    async with contextlib.AsyncExitStack() as stack:
        subscribers = [await stack.enter_async_context(subscriptions.subscribe("1")) for _ in range(MANY)]
        waiting = {asyncio.create_task(subscriber.next()) for subscriber in subscribers}
        await asyncio.sleep(0)
        subscriptions.notify("1")
        steps = []
        while waiting:
            before = len(waiting)
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            steps.append(before - len(waiting))

    assert sum(steps) == MANY
    assert max(steps) <= NOTIFIED_AT_ONCE


async def test_few_subscribers_are_notified_at_once(pool):
    subscriptions = Subscriptions(pool)
    async with subscriptions.subscribe("1") as first, subscriptions.subscribe("1") as second:
        subscriptions.notify("1")

        async with asyncio.timeout(1):
            await asyncio.gather(first.next(), second.next())


async def test_subscriber_that_has_left_is_not_notified_later(pool):
    subscriptions = Subscriptions(pool)
    async with contextlib.AsyncExitStack() as stack:
        subscribers = [await stack.enter_async_context(subscriptions.subscribe("1")) for _ in range(MANY)]
        subscriptions.notify("1")

    async with subscriptions.subscribe("1") as again:
        subscriptions.notify("1")
        await asyncio.wait_for(again.next(), 1)
    assert not any(subscriber._changed.is_set() for subscriber in subscribers[NOTIFIED_AT_ONCE:])
