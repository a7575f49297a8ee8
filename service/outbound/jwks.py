"""Refreshes the issuer's JSON Web Key Set in the background, so that requests do not wait for it.

PyJWT's own client (`PyJWKClient`) blocks the event loop, and after an outage of the issuer every request fails and
fetches again.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable

import aiohttp

from service.core.auth.key_ring import KEY_SET_MAX_BYTES, KeyRing
from service.core.auth.tokens import Verifier
from service.errors import ConfigurationError
from service.outbound.fetch import FetchError, fetch_bounded, is_safe_url

INTERVAL_SECONDS = 300.0
RETRY_SECONDS = 10.0  # after a failure; requests fail until the first set arrives
COOL_DOWN_SECONDS = 30.0  # between fetches caused by unknown kids, so that forged kids cannot flood the issuer
ABSENT_MAX = 256  # remembered kids that the current set does not hold
MAX_AGE_SECONDS = 24 * 3600.0
TIMEOUT = aiohttp.ClientTimeout(total=2.0)  # seconds

_log = logging.getLogger(__name__)


class JwksRefresher:
    """Fetches a key set periodically and on demand, and replaces the verifier's keys with it.

    The last valid set is kept for 24 h while the issuer is unreachable. `clock` is monotonic, in seconds.

    Raises:
        ConfigurationError: the URL is neither https nor http on loopback.
    """

    def __init__(
        self,
        verifier: Verifier,
        url: str,
        *,
        interval: float = INTERVAL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not is_safe_url(url):
            raise ConfigurationError(
                f"LAUREL_JWKS_URL: expected an https URL (http on loopback only), got {url[:80]!r}"
            )
        self._verifier = verifier
        self._url = url
        self._interval = interval
        self._clock = clock
        self._lock = asyncio.Lock()
        self._body: bytes | None = None
        self._fetched_at: float | None = None
        self._requested_at: float | None = None
        self._absent: set[str] = set()

    @property
    def age(self) -> float | None:
        """Seconds since the last successful fetch; None before the first."""
        return None if self._fetched_at is None else self._clock() - self._fetched_at

    async def run(self) -> None:
        """Refresh at once, then every 300 s ± 10 %, sooner after a failure. Runs until cancelled."""
        while True:
            async with self._lock:
                is_fresh = await self.refresh()
            pause = self._interval if is_fresh else min(RETRY_SECONDS, self._interval)
            await asyncio.sleep(pause * random.uniform(0.9, 1.1))  # noqa: S311  (jitter, no secret)

    async def refresh(self) -> bool:
        """Fetch the set once and use it; False, and a log line, if that failed."""
        try:
            body = await self._fetch()
            # An unchanged set keeps the cache of verified tokens.
            if body != self._body:
                self._verifier.replace_keys(await asyncio.to_thread(KeyRing.from_jwks, body))
                self._absent.clear()
        except (FetchError, ValueError) as error:
            _log.warning("the key set at %s could not be refreshed: %r", self._url, error)
            if self.age is not None and self.age > MAX_AGE_SECONDS and self._body is not None:
                self._body = None
                self._verifier.replace_keys(KeyRing.empty())
            return False
        self._body, self._fetched_at = body, self._clock()
        return True

    async def unknown_kid(self, kid: str | None) -> bool:
        """Whether the key is known now, after at most one fetch in 30 s for all callers."""
        if kid is None or kid in self._absent:
            return False
        async with self._lock:
            if kid in self._verifier.ring:
                return True
            if self._requested_at is not None and self._clock() - self._requested_at < COOL_DOWN_SECONDS:
                return False
            self._requested_at = self._clock()
            if not await self.refresh():
                return False
            if kid in self._verifier.ring:
                return True
            if len(self._absent) >= ABSENT_MAX:
                self._absent.clear()
            self._absent.add(kid)
            return False

    async def _fetch(self) -> bytes:
        async with aiohttp.ClientSession(timeout=TIMEOUT, headers={"Accept": "application/json"}) as session:
            return await fetch_bounded(session, self._url, max_bytes=KEY_SET_MAX_BYTES)
