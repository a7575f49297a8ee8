"""Webhooks get each unlock at least once, signed; failed deliveries are retried, and dead ones listed."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import io
import ipaddress
import itertools
import json
import socket

import pytest
import standardwebhooks
from aiohttp import ClientTimeout, web

from service.core.events import outbox
from service.core.unlocks.model import Change
from service.outbound.destinations import NOT_PUBLIC, Destinations
from service.outbound.webhooks import MAX_RECEIVERS, MAX_SLOW_RECEIVERS, Webhooks
from service.server.app import make_services
from service.server.jobs import Jobs
from service.telemetry import Observer
from tests.factories import PLAYER, counted, event, metric
from tests.servers import PATIENCE

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


class Receiver:
    """Answers with these statuses, one after the other and then the last one, and stores the requests.

    At another URL it does not answer before `release` is set.
    """

    def __init__(self):
        self.statuses = [200]
        self.came = []
        self.release = asyncio.Event()

    async def hang(self, _request):
        """Answer late."""
        await self.release.wait()
        return web.Response(status=500)

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
    app.router.add_post("/hang", made.hang)
    server = await aiohttp_server(app)
    made.url, made.hanging_url = str(server.make_url("/hook")), str(server.make_url("/hang"))
    yield made
    made.release.set()


@pytest.fixture
async def unlocked(receiver, make_title, services, connection):
    """Title 1 with a webhook, and a player who has just unlocked achievement 1 there."""
    await make_title(1, achievements=(counted(1, 1),), metrics=(metric(),))
    webhook_id, receiver.secret = await outbox.add_webhook(connection, title_id=1, url=receiver.url)
    await services.writer.write(Change(player=PLAYER, title_id=1, events=(event(2),)))
    return webhook_id


@pytest.fixture
async def start(pool, services):
    """Makes the deliveries of one process, which begins without memories; `render` replaces that of the service."""
    destinations = Destinations(LOOPBACK)
    async with contextlib.AsyncExitStack() as stack:

        async def started(render=None, observer=None, destinations=destinations):
            session = await stack.enter_async_context(destinations.session(ClientTimeout(total=PATIENCE)))
            observer = observer or Observer(level="error", stream=io.StringIO())
            render = render or Jobs(services).render
            webhooks = Webhooks(pool, session, render, observer, destinations=destinations)
            stack.push_async_callback(webhooks.close)
            return webhooks

        yield started


@pytest.fixture
async def deliver(start):
    """Makes one attempt to deliver each due message; returns how many those were."""
    webhooks = await start()

    async def delivered():
        count = await webhooks.start_due()
        await end_of_deliveries(webhooks)
        return count

    return delivered


async def test_unlock_is_delivered_signed_and_then_deleted(receiver, unlocked, deliver, connection):
    assert (await deliver(), await deliver()) == (1, 0)

    ((headers, body),) = receiver.came
    message = json.loads(body)
    assert (message["type"], message["user"]) == ("achievement.completed", {"id": PLAYER})
    assert (message["achievement"]["id"], message["achievement"]["name"]) == ("1", "Name 1")
    assert standardwebhooks.Webhook(receiver.secret).verify(body, headers) == message
    key = receiver.secret.encode()
    assert headers["X-Trophy-Signature"] == base64.b64encode(hmac.digest(key, body, hashlib.sha256)).decode()
    assert [w.waiting for w in await outbox.list_webhooks(connection, 1)] == [0]
    del unlocked


async def test_secret_of_an_earlier_version_verifies_as_before_and_by_the_standard(
    receiver, unlocked, deliver, connection
):
    secret = "whsec_AbC-dE_f" + "g" * 35
    await connection.execute("UPDATE webhook SET secret = $1", secret)
    await deliver()

    ((headers, body),) = receiver.came
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    of_text = base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256)).decode()
    assert f"v1,{of_text}" in headers["webhook-signature"].split()
    rewritten = secret.translate(str.maketrans("-_", "+/")).replace("whsec/", "whsec_")
    standardwebhooks.Webhook(rewritten).verify(body, headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(rewritten).verify(body + b" ", headers)
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

    assert await connection.fetchval("SELECT error FROM outbox") == "expected a response, got ClientConnectorError"
    assert not receiver.came
    assert unlocked


async def test_message_that_cannot_be_rendered_is_a_failed_attempt_and_others_are_delivered(
    receiver, unlocked, start, connection
):
    broken = unlocked
    await add_receiver(connection, receiver.url, messages=1)

    async def render(due):
        if due.webhook_id == broken:
            raise KeyError(due.number)
        return b"{}"

    log = io.StringIO()
    observer = Observer(level="warning", stream=log)
    webhooks = await start(render, observer)
    assert await webhooks.start_due() == 2
    await end_of_deliveries(webhooks)
    observer.flush()

    assert len(receiver.came) == 1
    (waiting,) = await connection.fetch("SELECT webhook_id, attempts, error FROM outbox")
    assert tuple(waiting) == (unlocked, 1, "KeyError(1)")
    assert f"webhook {unlocked} delivery failed" in log.getvalue()


async def test_unlock_of_a_release_that_this_process_has_not_loaded_is_delivered(
    receiver, unlocked, make_title, services, start
):
    other = await make_services(services.settings, services.pool, services.observer)
    await make_title(1, achievements=(counted(1, 1), counted(2, 3)), metrics=(metric(),))
    await services.writer.write(Change(player=PLAYER, title_id=1, events=(event(2),)))

    webhooks = await start(Jobs(other).render)
    for _ in range(2):
        await webhooks.start_due()
        await end_of_deliveries(webhooks)

    assert {json.loads(body)["achievement"]["id"] for _, body in receiver.came} == {"1", "2"}
    del unlocked


async def test_unlock_that_is_not_published_any_more_is_kept(receiver, unlocked, deliver, connection):
    await connection.execute("UPDATE outbox SET number = 5")

    assert await deliver() == 1

    (waiting,) = await connection.fetch("SELECT attempts, error FROM outbox")
    assert tuple(waiting) == (1, "the achievement is not published")
    assert not receiver.came
    del unlocked


async def test_receivers_that_hang_hold_up_nobody_else(receiver, unlocked, start, connection):
    """As many hang as one process serves, each with many older messages."""
    hanging = [await add_receiver(connection, receiver.hanging_url, messages=9) for _ in range(MAX_RECEIVERS)]
    await connection.execute("UPDATE outbox SET due_at = now() - interval '1 h' WHERE webhook_id = ANY($1)", hanging)
    webhooks = await start()
    webhooks._prompt[unlocked] = True  # it has answered before

    assert await webhooks.start_due() == MAX_SLOW_RECEIVERS + 1
    await webhooks._running[unlocked]
    await add_messages(connection, unlocked, 3)
    assert await webhooks.start_due() == 3
    await webhooks._running[unlocked]
    assert len(receiver.came) == 4

    newcomer = await add_receiver(connection, receiver.url, messages=1)
    receiver.release.set()
    await end_of_deliveries(webhooks)
    for _ in range(2):  # its turn comes after those that have not been tried either, and before second turns
        await webhooks.start_due()
        await end_of_deliveries(webhooks)
    assert await connection.fetchval("SELECT count(*) FROM outbox WHERE webhook_id = $1", newcomer) == 0


async def test_prompt_receiver_gets_a_batch_and_a_failing_one_a_message_at_a_time(
    receiver, unlocked, start, connection
):
    await add_messages(connection, unlocked, 20)
    webhooks = await start(always)

    sizes = []
    for statuses in ([200], [200], [200, 500], [500]):
        receiver.statuses = statuses
        sizes.append(await webhooks.start_due())
        await end_of_deliveries(webhooks)

    assert sizes == [1, 8, 8, 1]


async def test_two_processes_claim_different_messages(unlocked, connection):
    await add_messages(connection, unlocked, 5)
    counts = {unlocked: 3}

    first, second = [await outbox.claim_due(connection, counts) for _ in range(2)]

    assert len({message.player for message in first + second}) == len(first + second) == 6


async def test_message_to_a_private_address_is_not_sent(receiver, unlocked, start, connection, monkeypatch):
    """Neither to one in the URL, nor to one that a public name leads to."""
    loopback = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: loopback)
    webhooks = await start(destinations=Destinations())
    errors = []
    for url in (receiver.url, "https://rebound.example.com/"):
        await connection.execute("UPDATE webhook SET url = $1", url)
        await connection.execute("UPDATE outbox SET due_at = now()")
        await webhooks.start_due()
        await end_of_deliveries(webhooks)
        errors.append(await connection.fetchval("SELECT error FROM outbox"))

    assert errors == [NOT_PUBLIC] * 2
    assert not receiver.came
    del unlocked


async def end_of_deliveries(webhooks):
    """Wait for the deliveries under way."""
    await asyncio.gather(*webhooks._running.values())


async def always(_due):
    """The body of every message."""
    return b"{}"


async def add_receiver(connection, url, *, messages):
    """A webhook of title 1 with so many messages."""
    webhook_id, _ = await outbox.add_webhook(connection, title_id=1, url=url)
    await add_messages(connection, webhook_id, messages)
    return webhook_id


async def add_messages(connection, webhook_id, count):
    """So many messages, each about another player."""
    await connection.execute(
        """
        INSERT INTO outbox (player, title_id, number, webhook_id, at)
        SELECT 'player ' || n, 1, 1, $1, 1 FROM generate_series(1, $2) AS n
        """,
        webhook_id,
        count,
    )
