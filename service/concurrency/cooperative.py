"""Run long computations on the event loop in small steps, so that other tasks run in between.

For work that grows with a title or with the number of subscribers, but is not worth sending to another process. All
computations together take at most half of the loop's time, one of them at a time.
"""

import asyncio
import time
import weakref
from typing import TypeVar

from service.concurrency.steps import Steps

STEP_SECONDS = 0.002

T = TypeVar("T")

_turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = weakref.WeakKeyDictionary()


async def run_steps(steps: Steps[T]) -> T:
    """The result of a computation. A request that is being answered meanwhile waits for one or two steps."""
    turn = _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    while True:
        async with turn:
            until = time.perf_counter() + STEP_SECONDS
            try:
                while time.perf_counter() < until:
                    next(steps)
            except StopIteration as stop:
                result: T = stop.value
                return result
            await asyncio.sleep(STEP_SECONDS)
