"""What is still to be told of unlocks: written with the unlock, sent at least once, and kept to be seen if it cannot be."""

import datetime
import secrets
from collections.abc import Sequence

import msgspec

from service.db import Connection
from service.db.queries import query, statement
from service.errors import NotFound

MAX_ATTEMPTS = 8  # the last some two hours after the first
FIRST_DELAY_SECONDS = 60  # seconds; twice as long after each attempt (Trophy's own: "starting from one minute")
_LEASE = 60  # seconds: a process that dies while sending loses its claim


class Webhook(msgspec.Struct, frozen=True):
    """Who is told of a title's unlocks. `created_at` is UTC to the second."""

    webhook_id: int
    url: str
    created_at: str
    waiting: int
    dead: int


class DueMessage(msgspec.Struct, frozen=True):
    """One unlock that one webhook is to be told of now. `at` is in ticks; `attempts` were made before."""

    player: str
    title_id: int
    number: int
    webhook_id: int
    at: int
    attempts: int
    url: str
    secret: str


class DeadMessage(msgspec.Struct, frozen=True):
    """One that was tried as often as it will be by itself, and why the last attempt failed."""

    player: str
    number: int
    webhook_id: int
    attempts: int
    error: str | None


async def claim_due(connection: Connection, *, most: int) -> list[DueMessage]:
    """What is due, the longest due first; whoever else asks gets something else, for a minute."""
    return await _claim.all(connection, most=most, lease=datetime.timedelta(seconds=_LEASE))


async def mark_delivered(connection: Connection, due: DueMessage) -> None:
    """Forget what was delivered."""
    await _forget.run(connection, **_key(due))


async def mark_failed(connection: Connection, due: DueMessage, *, error: str, jitter: float = 1.0) -> None:
    """Put it off, twice as long each time; after the last attempt it is dead until somebody retries it."""
    attempts = due.attempts + 1
    delay = datetime.timedelta(seconds=FIRST_DELAY_SECONDS * 2**due.attempts * jitter)
    is_dead = attempts >= MAX_ATTEMPTS
    await _put_off.run(connection, **_key(due), attempts=attempts, error=error[:200], delay=delay, is_dead=is_dead)


async def list_dead(connection: Connection, title_id: int) -> Sequence[DeadMessage]:
    """What will not be tried again by itself, of one title."""
    return await _dead.all(connection, title_id=title_id)


async def retry_dead(connection: Connection, title_id: int) -> int:
    """Begin anew with everything dead of one title; gives how many that are."""
    return await _retry.run(connection, title_id=title_id)


async def add_webhook(connection: Connection, *, title_id: int, url: str) -> tuple[int, str]:
    """A new webhook of a title: its id, and the secret that signs what it is sent.

    Raises:
        NotFound: there is no such title.
    """
    secret = "whsec_" + secrets.token_urlsafe(32)
    row = await _add_webhook.first(connection, title_id=title_id, url=url, secret=secret)
    if row is None:
        raise NotFound(f"there is no title {title_id}")
    return row.webhook_id, secret


async def list_webhooks(connection: Connection, title_id: int) -> Sequence[Webhook]:
    """The webhooks of a title, with what they have not been told yet."""
    return await _webhooks.all(connection, title_id=title_id)


async def remove_webhook(connection: Connection, *, title_id: int, webhook_id: int) -> None:
    """Take a webhook away, with what it was still to be told.

    Raises:
        NotFound: the title has no such webhook.
    """
    if not await _remove_webhook.run(connection, title_id=title_id, webhook_id=webhook_id):
        raise NotFound(f"title {title_id} has no webhook {webhook_id}")


def _key(due: DueMessage) -> dict[str, object]:
    return {
        "player": due.player,
        "title_id": due.title_id,
        "number": due.number,
        "webhook_id": due.webhook_id,
    }


class _IdRow(msgspec.Struct, frozen=True):
    webhook_id: int


_claim = query("outbox.claim", row=DueMessage)
_forget = statement("outbox.forget")
_put_off = statement("outbox.put_off")
_dead = query("outbox.dead", row=DeadMessage)
_retry = statement("outbox.retry")
_add_webhook = query("outbox.add_webhook", row=_IdRow)
_webhooks = query("outbox.webhooks", row=Webhook)
_remove_webhook = statement("outbox.remove_webhook")
