"""Delivers unlocks from the outbox to webhooks, at least once, with retries.

Each receiver has a queue of its own. One that hangs, fails or is slow holds only what is sent to itself: it gets one
message at a time, and all such receivers together at most half of the deliveries that one process makes at once.
"""

import asyncio
import contextlib
import itertools
import operator
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence

import aiohttp
from cachetools import LRUCache

from service.core.events import outbox
from service.core.events.outbox import DueMessage
from service.db.limits import CATALOG
from service.db.pool import Pool
from service.outbound.destinations import Destinations
from service.outbound.fetch import FetchError, describe_failure
from service.outbound.signatures import signature_headers
from service.telemetry import Observer

POLL_INTERVAL_SECONDS = 1.0
TIMEOUT = aiohttp.ClientTimeout(total=10.0)  # seconds, of one attempt
MAX_RECEIVERS = 24  # served at once
MAX_SLOW_RECEIVERS = 12  # of them not known to answer promptly: new ones, and those that are slow or failed last
_PROMPT_SECONDS = 2.0
_BATCH = 8  # messages that a prompt receiver gets at a time, within their lease even if it begins to hang
_CONCURRENCY = 4  # of them at once
_MAX_CONNECTIONS = 2  # to the database, for the results of all deliveries: other jobs need some too
_REMEMBERED = 4_096  # receivers whose last attempts are remembered
_NOT_PUBLISHED = "the achievement is not published"

Render = Callable[[DueMessage], Awaitable[bytes | None]]
"""The body of an unlock; None if its achievement is not published."""


class Webhooks:
    """Delivers messages that are due; `session` sends them to where `destinations` allows."""

    def __init__(
        self,
        pool: Pool,
        session: aiohttp.ClientSession,
        render: Render,
        observer: Observer,
        *,
        destinations: Destinations,
    ) -> None:
        self._pool = pool
        self._session = session
        self._render = render
        self._observer = observer
        self._destinations = destinations
        self._running: dict[int, asyncio.Task[None]] = {}
        self._tried: LRUCache[int, float] = LRUCache(_REMEMBERED)  # loop time of the last batch
        self._prompt: LRUCache[int, bool] = LRUCache(_REMEMBERED)  # whether the last attempt was answered in time
        self._failing: set[int] = set()
        self._ended = asyncio.Event()
        self._storing = asyncio.Semaphore(_MAX_CONNECTIONS)

    async def deliver(self) -> None:
        """Start what can be delivered now; return when something ended, or after a second.

        Raises:
            Unavailable: the database cannot answer.
        """
        self._ended.clear()
        await self.start_due()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_INTERVAL_SECONDS):
                await self._ended.wait()

    async def start_due(self) -> int:
        """Start delivering due messages to receivers that are free, and return how many messages those are.

        Raises:
            Unavailable: the database cannot answer.
        """
        async with self._pool.connection(CATALOG) as connection:
            counts = self._choose(await outbox.due_webhooks(connection))
            due = await outbox.claim_due(connection, counts) if counts else []
        by_webhook = operator.attrgetter("webhook_id")
        for webhook_id, messages in itertools.groupby(sorted(due, key=by_webhook), by_webhook):
            self._tried[webhook_id] = asyncio.get_running_loop().time()
            self._running[webhook_id] = asyncio.create_task(self._deliver_batch(webhook_id, list(messages)))
        return len(due)

    async def close(self) -> None:
        """Stop the deliveries under way; their messages become due again when their lease ends."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _choose(self, due: Sequence[int]) -> dict[int, int]:
        """How many messages to claim for each of these webhooks: first for those that were tried longest ago."""
        slots = MAX_RECEIVERS - len(self._running)
        slow_slots = MAX_SLOW_RECEIVERS - sum(not self._prompt.get(webhook_id) for webhook_id in self._running)
        counts: dict[int, int] = {}
        idle = [webhook_id for webhook_id in due if webhook_id not in self._running]
        for webhook_id in sorted(idle, key=lambda each: self._tried.get(each, 0.0)):
            is_prompt = self._prompt.get(webhook_id, False)
            if len(counts) < slots and (is_prompt or slow_slots > 0):
                counts[webhook_id] = _BATCH if is_prompt else 1
                slow_slots -= not is_prompt
        return counts

    async def _deliver_batch(self, webhook_id: int, messages: Sequence[DueMessage]) -> None:
        """Deliver messages of one receiver. An error of the database is logged; its message becomes due again."""
        slots = asyncio.Semaphore(_CONCURRENCY)

        async def deliver(message: DueMessage) -> None:
            async with slots:
                await self._deliver(message)

        try:
            results = await asyncio.gather(*map(deliver, messages), return_exceptions=True)
            if errors := [repr(error) for error in results if error is not None]:
                self._observer.log("warning", f"webhook {webhook_id}: results not stored", error=errors[0])
        finally:
            del self._running[webhook_id]
            self._ended.set()

    async def _deliver(self, due: DueMessage) -> None:
        try:
            body = await self._render(due)
            error = _NOT_PUBLISHED if body is None else await self._attempt(due, body)
        except Exception as bug:  # noqa: BLE001  (a failed attempt like others, which does not stop other messages)
            error = repr(bug)
        async with self._storing, self._pool.connection(CATALOG) as connection:
            if error is None:
                await outbox.mark_delivered(connection, due)
            else:
                await outbox.mark_failed(connection, due, error=error, jitter=random.uniform(0.9, 1.1))  # noqa: S311  (no secret)
        if error is None:
            self._failing.discard(due.webhook_id)
        elif due.webhook_id not in self._failing:  # logged once, until a delivery succeeds
            self._failing.add(due.webhook_id)
            self._observer.log("warning", f"webhook {due.webhook_id} delivery failed, retrying later", error=error)

    async def _attempt(self, due: DueMessage, body: bytes) -> str | None:
        """Send a message once, and remember how the receiver answered; None on success, else the error."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        error = await self._send(due, body)
        self._prompt[due.webhook_id] = error is None and loop.time() - began < _PROMPT_SECONDS
        return error

    async def _send(self, due: DueMessage, body: bytes) -> str | None:
        try:
            self._destinations.check_url(due.url)
            async with self._session.post(
                due.url, data=body, headers=_headers(due, body), allow_redirects=False
            ) as response:
                return None if 200 <= response.status < 300 else f"answered {response.status}"  # noqa: PLR2004
        except FetchError as error:
            return str(error)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return describe_failure(error)


def _headers(due: DueMessage, body: bytes) -> dict[str, str]:
    name = f"{due.webhook_id}/{due.title_id}/{due.number}/{due.player}"
    message_id = str(uuid.uuid5(uuid.NAMESPACE_OID, name))  # the same for every attempt
    signed = signature_headers(due.secret, message_id=message_id, timestamp=int(time.time()), body=body)
    return {"Content-Type": "application/json", "User-Agent": "laurel", **signed}
