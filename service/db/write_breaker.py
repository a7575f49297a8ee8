"""A circuit breaker for writes: while the database refuses all of them, they fail at once, without asking it."""

import time
from collections.abc import Callable

from service.db.failures import WritesRefused

PROBE_SECONDS = 0.5  # between two writes that test whether the database accepts them again


class WriteBreaker:
    """Opens when the database refuses writes. Then one write at a time is let through, and the first success closes it."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refusal: WritesRefused | None = None
        self._next_probe_at = 0.0

    def check(self) -> None:
        """Refuse a write, unless writes succeed or it is time for a probe.

        Raises:
            WritesRefused: with the reason that the database gave last.
        """
        if self._refusal is not None and self._clock() < self._next_probe_at:
            raise type(self._refusal)(str(self._refusal))

    def enter(self) -> None:
        """As `check`, for a write that begins now: while writes are refused, it is the probe.

        Raises:
            WritesRefused: as for `check`.
        """
        if self._refusal is not None:
            self.check()
            self._next_probe_at = self._clock() + PROBE_SECONDS

    def refused(self, refusal: WritesRefused) -> None:
        """Refuse writes from now on."""
        self._refusal = refusal
        self._next_probe_at = self._clock() + PROBE_SECONDS

    def succeeded(self) -> None:
        """Let all writes through."""
        self._refusal = None
