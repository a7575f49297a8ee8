"""Rate limits per title: off by default, in fixed windows of one second, counted by each process on its own."""

import time

from service.errors import TooManyRequests
from service.settings import RATE_LIMITS, RateTier


class RateLimitStatus:
    """What remains of this second's limit after a request. `reset_at` is in seconds since 1970."""

    __slots__ = ("limit", "remaining", "reset_at")

    def __init__(self, limit: int, remaining: int, reset_at: int) -> None:
        self.limit, self.remaining, self.reset_at = limit, remaining, reset_at

    def headers(self) -> dict[str, str]:
        """The headers that report it."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_at),
        }


class Limiter:
    """Counts the requests of each title in the current second, writes and reads apart; rejected ones count too."""

    def __init__(self) -> None:
        self._second = 0
        self._counts: dict[tuple[int, bool], int] = {}

    def allow(
        self, tier: RateTier, title_id: int, *, is_write: bool, now: float | None = None
    ) -> RateLimitStatus | None:
        """Count a request; None without a limit. `now` is in seconds since 1970.

        Raises:
            TooManyRequests: the limit of this second is used up.
        """
        limits = RATE_LIMITS[tier]
        if limits is None:
            return None
        second = int(time.time() if now is None else now)
        if second != self._second:
            self._second, self._counts = second, {}
        limit = limits[0] if is_write else limits[1]
        count = self._counts[title_id, is_write] = self._counts.get((title_id, is_write), 0) + 1
        if count > limit:
            kind = "writes" if is_write else "reads"
            raise TooManyRequests(f"more than {limit} {kind} a second", limit=limit, reset_at=second + 1)
        return RateLimitStatus(limit, limit - count, second + 1)
