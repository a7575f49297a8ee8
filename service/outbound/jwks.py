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
from service.errors import ConfigurationError, Unavailable
from service.outbound.fetch import FetchError, fetch_bounded, is_safe_url
from service.outbound.key_set_file import KeySetFile

INTERVAL_SECONDS = 300.0
RETRY_SECONDS = 10.0  # after a failure
FIRST_RETRY_SECONDS = 1.0  # the same, while there are no keys: the process is not ready
COOL_DOWN_SECONDS = 30.0  # between fetches caused by unknown kids, so that forged kids cannot flood the issuer
LOOK_SECONDS = 1.0  # between reads of the stored set caused by unknown kids
ABSENT_MAX = 256  # remembered kids that the current set does not hold
MAX_AGE_SECONDS = 24 * 3600.0
TIMEOUT = aiohttp.ClientTimeout(total=2.0)  # seconds

_log = logging.getLogger(__name__)


class JwksRefresher:
    """Fetches a key set periodically and on demand, and replaces the verifier's keys with it.

    The last valid set is kept for 24 h while the issuer is unreachable, and in `file`, where the other processes find
    it. `clock` is monotonic, in seconds.

    Raises:
        ConfigurationError: the URL is neither https nor http on loopback.
    """

    def __init__(
        self,
        verifier: Verifier,
        url: str,
        *,
        file: KeySetFile | None = None,
        interval: float = INTERVAL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not is_safe_url(url):
            raise ConfigurationError(
                f"LAUREL_JWKS_URL: expected an https URL (http on loopback only), got {url[:80]!r}"
            )
        self._verifier = verifier
        self._url = url
        self._file = file
        self._interval = interval
        self._clock = clock
        self._lock = asyncio.Lock()
        self._has_keys = asyncio.Event()
        self._body: bytes | None = None
        self._fetched_at: float | None = None  # of the clock
        self._stored_at = 0.0  # the same moment in seconds since 1970, by which processes compare their sets
        self._requested_at: float | None = None
        self._looked_at: float | None = None
        self._is_away = False  # the last fetch failed
        self._absent: set[str] = set()

    @property
    def age(self) -> float | None:
        """Seconds since the last successful fetch, by any process; None before the first."""
        return None if self._fetched_at is None else self._clock() - self._fetched_at

    @property
    def is_fresh(self) -> bool:
        """Whether there are keys, and the last refresh was in time."""
        return self.age is not None and self.age <= 2 * self._interval and not self._verifier.ring.is_empty

    async def first_keys(self) -> None:
        """Wait until there are keys, of the issuer or of the file."""
        await self._has_keys.wait()

    async def run(self, *, on_refresh: Callable[[], None] = lambda: None) -> None:
        """Refresh at once, then every 300 s ± 10 %, sooner after a failure. Runs until cancelled.

        `on_refresh` is called after each refresh that succeeded, in this process or another one.
        """
        await self._adopt()
        while True:
            pause = self._interval * random.uniform(0.9, 1.1)  # noqa: S311  (jitter, no secret)
            async with self._lock:
                if await self._adopt(max_age_seconds=pause) or await self.refresh():
                    pause = max(0.0, pause - (self.age or 0.0))
                    on_refresh()
                else:
                    pause = min(pause, RETRY_SECONDS if self._has_keys.is_set() else FIRST_RETRY_SECONDS)
            await asyncio.sleep(pause)

    async def refresh(self) -> bool:
        """Fetch the set once and use it; False, and a log line, if that failed."""
        try:
            body = await self._fetch()
            await self._use(body)
        except (FetchError, ValueError) as error:
            self._is_away = True
            _log.warning("the key set at %s could not be refreshed: %r", self._url, error)
            if self.age is not None and self.age > MAX_AGE_SECONDS and self._body is not None:
                self._body = None
                self._verifier.replace_keys(KeyRing.empty())
            return False
        self._is_away = False
        self._fetched_at, self._stored_at = self._clock(), time.time()
        await self._store(body)
        return True

    async def unknown_kid(self, kid: str | None) -> bool:
        """Whether the key is known now, after at most one fetch in 30 s for all callers.

        Raises:
            Unavailable: the issuer cannot be asked, so the key may be a new one.
        """
        if kid is None or kid in self._absent:
            return False
        async with self._lock:
            if kid in self._verifier.ring:
                return True
            if self._is_due(self._looked_at, LOOK_SECONDS):
                self._looked_at = self._clock()
                if await self._adopt() and kid in self._verifier.ring:
                    return True
            if self._is_due(self._requested_at, COOL_DOWN_SECONDS):
                self._requested_at = self._clock()
                if await self.refresh():
                    if kid in self._verifier.ring:
                        return True
                    if len(self._absent) >= ABSENT_MAX:
                        self._absent.clear()
                    self._absent.add(kid)
            if self._is_away:
                raise Unavailable(
                    "the token names a key that is not known here, and its issuer cannot be asked for now"
                )
            return False

    def _is_due(self, last: float | None, seconds: float) -> bool:
        return last is None or self._clock() - last >= seconds

    async def _use(self, body: bytes) -> None:
        """Verify with the keys of this set from now on."""
        # An unchanged set keeps the cache of verified tokens.
        if body != self._body:
            self._verifier.replace_keys(await asyncio.to_thread(KeyRing.from_jwks, body))
            self._absent.clear()
            self._body = body
        self._has_keys.set()

    async def _adopt(self, *, max_age_seconds: float = MAX_AGE_SECONDS) -> bool:
        """Use the stored set if it is newer than the own one; whether it is, or the own one is not too old either."""
        if self._file is None:
            return False
        now = time.time()
        stored = await asyncio.to_thread(self._file.read, now=now, max_age_seconds=max_age_seconds)
        if stored is None or stored.fetched_at < self._stored_at:
            return False
        try:
            await self._use(stored.body)
        except ValueError:
            return False
        self._fetched_at, self._stored_at = self._clock() - stored.age(now), stored.fetched_at
        return True

    async def _store(self, body: bytes) -> None:
        """Keep the set for the other processes; they can do without."""
        if self._file is None:
            return
        try:
            await asyncio.to_thread(self._file.write, body, fetched_at=self._stored_at)
        except OSError as error:
            _log.warning("the key set cannot be kept in LAUREL_DATA: %s", error.strerror)

    async def _fetch(self) -> bytes:
        async with aiohttp.ClientSession(timeout=TIMEOUT, headers={"Accept": "application/json"}) as session:
            return await fetch_bounded(session, self._url, max_bytes=KEY_SET_MAX_BYTES)
