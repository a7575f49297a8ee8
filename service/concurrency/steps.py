"""Long computations that can be interrupted: generators that yield between their steps and return a result. Pure.

`cooperative.run_steps` runs one on the event loop.
"""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]
"""A computation that yields often, at least every millisecond, and returns its result."""


def run_at_once(steps: Steps[T]) -> T:
    """The result of a computation, without pauses: for commands, and for processes that serve nobody."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result
