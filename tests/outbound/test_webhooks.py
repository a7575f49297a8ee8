"""Webhooks get each unlock at least once, signed; failed deliveries are retried, and dead ones listed."""

import base64
import hashlib
import hmac
import io
import itertools
import json

import aiohttp
import pytest
from aiohttp import web

from service.api.trophy import completed_message
from service.core.events import outbox
from service.core.unlocks.model import Change
from service.outbound.webhooks import Webhooks
from service.telemetry import Observer
from tests.factories import PLAYER, counted, event, metric


class Receiver:
    """Answers with these statuses, one after the other and then the last one, and stores the requests."""

    def __init__(self):
        self.statuses = [200]
        self.came = []

    async def take(self, request):
        """Store a message and answer."""
        self.came.append((dict(request.headers), await request.read()))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})


@pytest.fixture
async def receiver(aiohttp_server):
    """A webhook of title 1, on this machine."""
    made = Receiver()
    app = web.Application()
    app.router.add_post("/hook", made.take)
    server = await aiohttp_server(app)
    made.url = str(server.make_url("/hook"))
    return made


@pytest.fixture
async def unlocked(receiver, make_title, services, connection):
    """Title 1 with a webhook, and a player who has just unlocked achievement 1 there."""
    await make_title(1, achievements=(counted(1, 1),), metrics=(metric(),))
    webhook_id, receiver.secret = await outbox.add_webhook(connection, title_id=1, url=receiver.url)
    await services.writer.write(Change(player=PLAYER, title_id=1, events=(event(2),)))
    return webhook_id


@pytest.fixture
async def deliver(pool, services):
    """Makes one attempt to deliver each due message."""

    def render(due):
        return completed_message(services.snapshots.current.titles[1], due.player, due.number, due.at)

    async with aiohttp.ClientSession() as session:
        yield Webhooks(pool, session, render, Observer(level="error", stream=io.StringIO())).deliver_due


async def test_unlock_is_delivered_signed_and_then_deleted(receiver, unlocked, deliver, connection):
    assert (await deliver(), await deliver()) == (1, 0)

    ((headers, body),) = receiver.came
    message = json.loads(body)
    assert (message["type"], message["user"]) == ("achievement.completed", {"id": PLAYER})
    assert (message["achievement"]["id"], message["achievement"]["name"]) == ("1", "Name 1")
    key = receiver.secret.encode()
    assert headers["X-Trophy-Signature"] == base64.b64encode(hmac.digest(key, body, hashlib.sha256)).decode()
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert [w.waiting for w in await outbox.list_webhooks(connection, 1)] == [0]
    del unlocked


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_failed_delivery_is_retried_later(receiver, unlocked, deliver, connection, status):
    receiver.statuses = [status, 200]
    first = await deliver()
    at_once = await deliver()
    waiting = await connection.fetchrow("SELECT attempts, error, due_at - now() AS wait FROM outbox")
    await connection.execute("UPDATE outbox SET due_at = now()")
    later = await deliver()

    assert (first, at_once, later) == (1, 0, 1)
    assert (waiting["attempts"], waiting["error"]) == (1, f"answered {status}")
    assert 50 < waiting["wait"].total_seconds() < 70
    assert len({headers["webhook-id"] for headers, _ in receiver.came}) == 1
    del unlocked


async def test_message_is_dead_after_the_last_attempt_until_retried(receiver, unlocked, deliver, connection):
    receiver.statuses = [503]
    waits = []
    for _ in range(outbox.MAX_ATTEMPTS):
        await deliver()
        waits.append((await connection.fetchval("SELECT due_at - now() FROM outbox")).total_seconds())
        await connection.execute("UPDATE outbox SET due_at = now()")

    assert await deliver() == 0
    assert all(1.5 < after / before < 2.5 for before, after in itertools.pairwise(waits))
    (dead,) = await outbox.list_dead(connection, 1)
    assert (dead.player, dead.attempts, dead.error) == (PLAYER, outbox.MAX_ATTEMPTS, "answered 503")
    receiver.statuses = [200]
    assert await outbox.retry_dead(connection, 1) == 1
    assert await deliver() == 1
    assert await outbox.list_dead(connection, 1) == []
    assert unlocked


async def test_refused_connection_counts_as_an_attempt(receiver, unlocked, deliver, connection):
    await connection.execute("UPDATE webhook SET url = 'http://127.0.0.1:9/hook'")
    await deliver()

    assert (await connection.fetchval("SELECT error FROM outbox")).startswith("Client")
    assert not receiver.came
    assert unlocked


async def test_message_that_cannot_be_rendered_is_a_failed_attempt_and_others_are_delivered(
    receiver, unlocked, pool, connection
):
    broken = await connection.fetchval("SELECT min(webhook_id) FROM webhook")
    second, _ = await outbox.add_webhook(connection, title_id=1, url=receiver.url)
    await connection.execute(
        "INSERT INTO outbox (player, title_id, number, webhook_id, at) SELECT player, title_id, number, $1, at FROM outbox",
        second,
    )

    def render(due):
        if due.webhook_id == broken:
            raise KeyError(due.number)
        return b"{}"

    log = io.StringIO()
    observer = Observer(level="warning", stream=log)
    async with aiohttp.ClientSession() as session:
        assert await Webhooks(pool, session, render, observer).deliver_due() == 2
    observer.flush()

    assert len(receiver.came) == 1
    (waiting,) = await connection.fetch("SELECT webhook_id, attempts, error FROM outbox")
    assert tuple(waiting) == (unlocked, 1, "KeyError(1)")
    assert f"webhook {unlocked} delivery failed" in log.getvalue()
