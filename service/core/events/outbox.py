"""Webhooks and their outbox: a message is stored with its unlock, sent at least once, and kept if it cannot be sent."""

import base64
import datetime
import secrets
from collections.abc import Mapping, Sequence

import msgspec

from service.db import Connection
from service.db.queries import query, statement
from service.errors import NotFound

MAX_ATTEMPTS = 8  # the last one about two hours after the first
FIRST_DELAY_SECONDS = 60  # doubled after each attempt (Trophy: "starting from one minute")
SECRET_PREFIX = "whsec_"  # noqa: S105  (what every secret begins with, as Standard Webhooks writes them)
_LEASE_SECONDS = 60  # a process that dies while sending loses its claim after that


class Webhook(msgspec.Struct, frozen=True):
    """A URL that is notified of a title's unlocks, with its numbers of messages. `created_at` is UTC to the second."""

    webhook_id: int
    url: str
    created_at: str
    waiting: int
    dead: int


class DueMessage(msgspec.Struct, frozen=True):
    """One unlock to send to one webhook now. `at` is in ticks; `attempts` were made before."""

    player: str
    title_id: int
    number: int
    webhook_id: int
    at: int
    attempts: int
    url: str
    secret: str


class DeadMessage(msgspec.Struct, frozen=True):
    """A message that is not retried automatically any more, and the error of the last attempt."""

    player: str
    number: int
    webhook_id: int
    attempts: int
    error: str | None


async def due_webhooks(connection: Connection) -> list[int]:
    """The webhooks with messages that are due, those that have waited longest first."""
    return [row.webhook_id for row in await _due_webhooks.all(connection)]


async def claim_due(connection: Connection, counts: Mapping[int, int]) -> list[DueMessage]:
    """Claim due messages for a minute, at most so many of each webhook; concurrent callers get others."""
    lease = datetime.timedelta(seconds=_LEASE_SECONDS)
    return await _claim.all(connection, webhook_ids=list(counts), counts=list(counts.values()), lease=lease)


async def mark_delivered(connection: Connection, message: DueMessage) -> None:
    """Delete a message that was delivered."""
    await _delete.run(connection, **_key(message))


async def mark_failed(connection: Connection, message: DueMessage, *, error: str, jitter: float = 1.0) -> None:
    """Schedule the next attempt, twice as far as the last one; after the last attempt the message is dead."""
    attempts = message.attempts + 1
    delay = datetime.timedelta(seconds=FIRST_DELAY_SECONDS * 2**message.attempts * jitter)
    is_dead = attempts >= MAX_ATTEMPTS
    await _reschedule.run(
        connection, **_key(message), attempts=attempts, error=error[:200], delay=delay, is_dead=is_dead
    )


async def list_dead(connection: Connection, title_id: int) -> Sequence[DeadMessage]:
    """The dead messages of one title, the oldest first."""
    return await _dead_messages.all(connection, title_id=title_id)


async def retry_dead(connection: Connection, title_id: int) -> int:
    """Make all dead messages of one title due again; returns how many."""
    return await _retry_dead.run(connection, title_id=title_id)


async def add_webhook(connection: Connection, *, title_id: int, url: str) -> tuple[int, str]:
    """Add a webhook to a title; returns its id and the secret that signs its messages.

    Raises:
        NotFound: there is no such title.
    """
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    row = await _add_webhook.first(connection, title_id=title_id, url=url, secret=secret)
    if row is None:
        raise NotFound(f"there is no title {title_id}")
    return row.webhook_id, secret


async def list_webhooks(connection: Connection, title_id: int) -> Sequence[Webhook]:
    """The webhooks of a title, by id."""
    return await _webhooks.all(connection, title_id=title_id)


async def remove_webhook(connection: Connection, *, title_id: int, webhook_id: int) -> None:
    """Remove a webhook with its messages.

    Raises:
        NotFound: the title has no such webhook.
    """
    if not await _remove_webhook.run(connection, title_id=title_id, webhook_id=webhook_id):
        raise NotFound(f"title {title_id} has no webhook {webhook_id}")


def _key(message: DueMessage) -> dict[str, object]:
    return {
        "player": message.player,
        "title_id": message.title_id,
        "number": message.number,
        "webhook_id": message.webhook_id,
    }


class _IdRow(msgspec.Struct, frozen=True):
    webhook_id: int


_due_webhooks = query("outbox.due_webhooks", row=_IdRow)
_claim = query("outbox.claim", row=DueMessage)
_delete = statement("outbox.delete")
_reschedule = statement("outbox.reschedule")
_dead_messages = query("outbox.dead_messages", row=DeadMessage)
_retry_dead = statement("outbox.retry_dead")
_add_webhook = query("outbox.add_webhook", row=_IdRow)
_webhooks = query("outbox.webhooks", row=Webhook)
_remove_webhook = statement("outbox.remove_webhook")
