"""Delivers unlocks from the outbox to webhooks, with retries.

A message carries two signatures: Trophy's (`X-Trophy-Signature`: base64 of HMAC-SHA256 over the raw body), and that of
Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`). The id is the same for every attempt, so
that receivers can drop duplicates.
"""

import asyncio
import base64
import hashlib
import hmac
import random
import time
import uuid
from collections.abc import Callable

import aiohttp

from service.core.events import outbox
from service.core.events.outbox import DueMessage
from service.db.limits import CATALOG
from service.db.pool import Pool
from service.outbound.fetch import is_safe_url
from service.telemetry import Observer

POLL_INTERVAL_SECONDS = 1.0
TIMEOUT = aiohttp.ClientTimeout(total=10.0)  # seconds, of one attempt
_MAX_CONCURRENCY = 32  # deliveries at once

Render = Callable[[DueMessage], bytes | None]
"""The body of an unlock; None if its achievement is no longer published."""


class Webhooks:
    """Delivers messages that are due; `session` sends them."""

    def __init__(self, pool: Pool, session: aiohttp.ClientSession, render: Render, observer: Observer) -> None:
        self._pool = pool
        self._session = session
        self._render = render
        self._observer = observer
        self._failing: set[int] = set()

    async def deliver_all_due(self) -> None:
        """Attempt batches of due messages until none is due."""
        while await self.deliver_due():
            pass

    async def deliver_due(self) -> int:
        """Attempt one batch of due messages and return its size.

        Raises:
            Unavailable: the database cannot answer; messages whose result is not stored become due again.
        """
        async with self._pool.connection(CATALOG) as connection:
            due = await outbox.claim_due(connection, limit=_MAX_CONCURRENCY)
        results = await asyncio.gather(*(self._deliver(message) for message in due), return_exceptions=True)
        for error in results:  # after every message of the batch has had its attempt
            if error is not None:
                raise error
        return len(due)

    async def _deliver(self, due: DueMessage) -> None:
        try:
            body = self._render(due)
            error = None if body is None else await self._attempt(due, body)
        except Exception as bug:  # noqa: BLE001  (a failed attempt like others, which does not stop other messages)
            error = repr(bug)
        async with self._pool.connection(CATALOG) as connection:
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
        """Send a message once; None on success, else the error."""
        if not is_safe_url(due.url):
            return "the URL is neither https nor http on loopback"
        try:
            async with self._session.post(
                due.url, data=body, headers=_headers(due, body), allow_redirects=False
            ) as response:
                return None if 200 <= response.status < 300 else f"answered {response.status}"  # noqa: PLR2004
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return type(error).__name__


def _headers(due: DueMessage, body: bytes) -> dict[str, str]:
    message_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{due.webhook_id}/{due.title_id}/{due.number}/{due.player}"))
    timestamp = str(int(time.time()))
    return {
        "Content-Type": "application/json",
        "User-Agent": "laurel",
        "X-Trophy-Signature": _signature(due.secret, body),
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + _signature(due.secret, f"{message_id}.{timestamp}.".encode() + body),
    }


def _signature(secret: str, message: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()
