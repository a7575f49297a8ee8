"""Run long computations on the event loop in small steps, so that other tasks run in between.

For work that grows with a title or with the number of subscribers, but is not worth sending to another process.
"""

import asyncio
import time
from typing import TypeVar

from service.steps import Steps

STEP_SECONDS = 0.004

T = TypeVar("T")


async def run_steps(steps: Steps[T]) -> T:
    """The result of a computation; other tasks run whenever it has held the loop for `STEP_SECONDS`."""
    until = time.perf_counter() + STEP_SECONDS
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result
        if time.perf_counter() >= until:
            await asyncio.sleep(0)
            until = time.perf_counter() + STEP_SECONDS
