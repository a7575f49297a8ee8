"""Trophy's rate limits per title: off by default, counted by each process on its own."""

import math
import time

from service.errors import TooManyRequests
from service.quotas import Quota, TokenBucket
from service.settings import RATE_LIMITS, RateTier

_WINDOW_SECONDS = 1


class Limiter:
    """Counts the requests of each title, writes and reads apart."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[int, bool], TokenBucket] = {}

    def allow(self, tier: RateTier, title_id: int, *, is_write: bool, now: float) -> dict[str, str]:
        """Count a request; the headers that report what remains, none without a limit. `now` is monotonic.

        Raises:
            TooManyRequests: the title has sent too many.
        """
        limits = RATE_LIMITS[tier]
        if limits is None:
            return {}
        kind, quota = (
            ("writes", Quota(limits[0], _WINDOW_SECONDS)) if is_write else ("reads", Quota(limits[1], _WINDOW_SECONDS))
        )
        bucket = self._buckets.setdefault((title_id, is_write), TokenBucket())
        wait = bucket.take(quota, now)
        if wait:
            raise TooManyRequests(
                f"{kind}: expected at most {quota.amount} a second of the title",
                policy=f"title-{kind}",
                limit=quota.amount,
                window_seconds=_WINDOW_SECONDS,
                retry_after=wait,
            )
        return rate_limit_headers(
            quota.amount, remaining=bucket.remaining(quota, now), reset_seconds=bucket.seconds_to_full(now)
        )


def rate_limit_headers(limit: int, *, remaining: int, reset_seconds: float) -> dict[str, str]:
    """The headers that Trophy's libraries read; the reset is a Unix time in seconds."""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(math.ceil(time.time() + reset_seconds)),
    }
