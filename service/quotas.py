"""Quotas: how much of something is allowed in a time, counted by token buckets. Pure: `now` is an argument.

`now` is in seconds of a monotonic clock, so that setting the wall clock grants and takes nothing.
"""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_ROUNDING_SECONDS = 1e-6  # by which sums of floats may miss the end of a window


class Quota:
    """An amount for each window of time: it may be used at once, and comes back evenly over the window.

    `seconds_per_unit` is how long a unit takes to come back.
    """

    __slots__ = ("amount", "seconds_per_unit", "window_seconds")

    def __init__(self, amount: int, window_seconds: float) -> None:
        self.amount = amount
        self.window_seconds = window_seconds
        self.seconds_per_unit = window_seconds / amount


class TokenBucket:
    """What somebody has used of a quota. It is a single number: when everything will have come back."""

    __slots__ = ("_full_at",)

    def __init__(self) -> None:
        self._full_at = 0.0

    def take(self, quota: Quota, now: float, units: float = 1.0) -> float:
        """Take units and return 0; or take none, and return in how many seconds there are so many.

        More units than the quota has can be taken by nobody.
        """
        full_at = self._full_at
        if full_at < now:  # noqa: PLR1730  (max() takes longer, and every request comes by here)
            full_at = now
        full_at += units * quota.seconds_per_unit
        wait = full_at - now - quota.window_seconds
        if wait > _ROUNDING_SECONDS:
            return wait
        self._full_at = full_at
        return 0.0

    def remaining(self, quota: Quota, now: float) -> int:
        """The units that may be taken now."""
        used = max(0.0, self._full_at - now)
        return int((quota.window_seconds - used + _ROUNDING_SECONDS) / quota.seconds_per_unit)

    def seconds_to_full(self, now: float) -> float:
        """How long it takes until nothing is used."""
        return max(0.0, self._full_at - now)


class RecentTable(Generic[K, V]):
    """Values by key, made on first use. It holds the `size` keys that were used last, and up to as many older ones.

    A lookup costs one lookup in a dictionary: keys are not ordered by use, but move from an old half to a new one.
    """

    def __init__(self, make: Callable[[K], V], *, size: int) -> None:
        self._make = make
        self._size = size
        self._recent: dict[K, V] = {}
        self._older: dict[K, V] = {}

    def get(self, key: K) -> V:
        """The value of a key."""
        value = self._recent.get(key)
        return self._renew(key) if value is None else value

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)

    def _renew(self, key: K) -> V:
        if len(self._recent) >= self._size:
            self._older, self._recent = self._recent, {}
        value = self._older.pop(key, None)
        if value is None:
            value = self._make(key)
        self._recent[key] = value
        return value
