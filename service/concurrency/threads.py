"""A thread for computations of some ten milliseconds: too long for the event loop, too short for another process.

The thread and the event loop alternate: the one that waits for the interpreter gets it after `SWITCH_SECONDS`, which
processes that serve requests set (`sys.setswitchinterval`).
"""

import asyncio
import concurrent.futures
import functools
from collections.abc import Callable
from typing import Any, TypeVar

from service.errors import Unavailable

SWITCH_SECONDS = 0.001

T = TypeVar("T")


class ComputationThread:
    """One thread that computes one thing after the other; at most `max_waiting` callers wait for their turn."""

    def __init__(self, name: str, *, max_waiting: int) -> None:
        self._executor = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix=name)
        self._max_waiting = max_waiting
        self._waiting = 0

    async def run(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """What the function returns; it must not use the event loop.

        Raises:
            Unavailable: too many callers wait already.
        """
        if self._waiting >= self._max_waiting:
            raise Unavailable("too many computations wait for their turn")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._executor, functools.partial(function, *arguments, **named)
            )
        finally:
            self._waiting -= 1
