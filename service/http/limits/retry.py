"""When a client should come back: with jitter, so that clients refused or cut off together do not return together."""

import random

_SPREAD_SECONDS = 2
_RECONNECT_MILLISECONDS = (500, 2500)


def retry_after(least_seconds: int) -> str:
    """The value of a Retry-After header: at least these seconds, and up to two more."""
    return str(least_seconds + random.randint(0, _SPREAD_SECONDS))  # noqa: S311  (jitter, no secret)


def reconnect_milliseconds() -> int:
    """How long a client waits that was sent away because this process ends; another one answers it."""
    return random.randint(*_RECONNECT_MILLISECONDS)  # noqa: S311  (jitter, no secret)
