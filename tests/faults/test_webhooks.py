"""Receivers of webhooks hang, fail or come back, and workers are killed, while players unlock achievements."""

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.core.events import outbox
from tests.faults.harness.client import Client, Response
from tests.faults.harness.service import until
from tests.faults.harness.stage import Stage
from tests.faults.harness.table import Row, scaled


class Receiver:
    """A receiver of webhooks: it answers, hangs or fails. `messages` counts what it has accepted, by id."""

    def __init__(self) -> None:
        self.mode = "answer"
        self.messages: Counter[str] = Counter()
        self._released = asyncio.Event()

    def answer(self) -> None:
        """Answer from now on, what hangs too."""
        self.mode = "answer"
        self._released.set()

    async def handle(self, request: web.Request) -> web.Response:
        """Take a message."""
        if self.mode == "hang":
            await self._released.wait()
        if self.mode == "fail":
            return web.Response(status=500)
        self.messages[request.headers["webhook-id"]] += 1
        return web.Response()


@contextlib.asynccontextmanager
async def receiving(scene: Stage, *modes: str):
    """A receiver for each mode, with a webhook of title 1."""
    app, receivers, hooks = web.Application(), [Receiver() for _ in modes], []
    for number, (receiver, mode) in enumerate(zip(receivers, modes, strict=True)):
        receiver.mode = mode
        app.router.add_post(f"/{number}", receiver.handle)
    async with TestServer(app, shutdown_timeout=0.1) as server, scene.database.session() as session:
        for number in range(len(modes)):
            webhook_id, _ = await outbox.add_webhook(session, title_id=1, url=str(server.make_url(f"/{number}")))
            hooks.append(webhook_id)
        yield receivers
        for webhook_id in hooks:
            await outbox.remove_webhook(session, title_id=1, webhook_id=webhook_id)
        for receiver in receivers:
            receiver.answer()


async def unlock(scene: Stage, players: range) -> list[Response]:
    """Let new players unlock achievement 2, each once."""
    answers = []
    with Client(scene.service.url) as client:
        for number in players:
            body = {"user": {"id": f"hooked {number}"}, "value": 1_000_000_000}
            answers.append(await client.post("/metrics/words/event", body, X_API_KEY=scene.keys[0]))
    return answers


async def test_receivers_that_hang_or_fail_hold_nobody_else_up(one_worker, report):
    count = int(scaled(10, 200))
    async with receiving(one_worker, "answer", *["hang"] * 4, *["fail"] * 4) as (good, *_):
        started = time.monotonic()
        answers = await unlock(one_worker, range(count))
        per_player = await one_worker.database.value(
            "SELECT count(*) FROM progress, unnest(unlocked) WHERE player LIKE 'hooked %'"
        )

        async def all_arrived() -> bool:
            return len(good.messages) == per_player

        await until(all_arrived, f"{per_player} messages arrive, and not {len(good.messages)}")
        seconds = time.monotonic() - started

    report(
        Row(
            scenario="receivers of webhooks hang or fail",
            sent=len(answers),
            ok=sum(answer.status == 201 for answer in answers),
            lost=per_player - len(good.messages),
            recovery=seconds,
            worst=max(answer.seconds for answer in answers),
        )
    )
    assert per_player >= 2 * count
    assert {answer.status for answer in answers} == {201}


@pytest.mark.heavy  # the messages of a killed worker are sent again after a minute
async def test_messages_of_killed_workers_are_sent_again(two_workers, report):
    count = 100
    async with receiving(two_workers, "hang") as (receiver,):
        answers = await unlock(two_workers, range(1000, 1000 + count))
        killed = set(two_workers.service.children())
        for worker in killed:
            os.kill(worker, signal.SIGKILL)
        receiver.answer()
        await two_workers.until_replaced(killed)
        waiting = "SELECT count(*) FROM outbox WHERE webhook_id = (SELECT max(webhook_id) FROM webhook)"

        async def all_sent() -> bool:
            return await two_workers.database.value(waiting) == 0

        for _ in range(5):  # leases end later than one wait
            with contextlib.suppress(AssertionError):
                await until(all_sent, "all messages are sent")

    unlocks = await two_workers.database.value(
        "SELECT count(*) FROM progress, unnest(unlocked) WHERE player LIKE 'hooked 1___'"
    )
    report(
        Row(
            scenario="workers are killed while they send webhooks",
            sent=len(answers),
            ok=sum(answer.status == 201 for answer in answers),
            lost=unlocks - len(receiver.messages),
            worst=max(answer.seconds for answer in answers),
        )
    )
    assert len(receiver.messages) == unlocks
