"""Workers of one service are killed or stopped, and answers are cut, while players write and read."""

import asyncio
import os
import signal
import time

from tests.faults.harness.client import Client
from tests.faults.harness.proxy import Proxy
from tests.faults.harness.table import Row, scaled

REPLACED_SECONDS = 5.0
"""How soon a worker that hangs is replaced."""


async def test_killed_workers_lose_no_acknowledged_write(two_workers, report):
    load = two_workers.load()
    killed = set()
    async with load.running():
        for _ in range(int(scaled(1, 20))):
            await load.until(40)
            victim = next(pid for pid in two_workers.service.children() if pid not in killed)
            os.kill(victim, signal.SIGKILL)
            killed.add(victim)
        await two_workers.until_replaced(killed)
        load.heal()
        await load.until(80)

    report(await two_workers.settle(load, "F12 workers are killed", may_cut=True))


async def test_stopped_worker_is_replaced(two_workers, report):
    load = two_workers.load()
    async with load.running():
        await load.until(40)
        stopped = two_workers.service.children()[0]
        started = time.monotonic()
        os.kill(stopped, signal.SIGSTOP)
        await two_workers.until_replaced({stopped})
        seconds = time.monotonic() - started
        load.heal()
        await load.until(80)

    report(await two_workers.settle(load, "a worker is stopped", may_cut=True))
    assert seconds < REPLACED_SECONDS + scaled(10, 2), seconds  # a new one has to start meanwhile


async def test_worker_that_starts_while_postgres_is_away_waits_for_it(two_workers, report):
    load = two_workers.load()
    killed = two_workers.service.children()[0]
    async with load.running():
        await load.until(40)
        await two_workers.network.set("refuse")
        os.kill(killed, signal.SIGKILL)
        await asyncio.sleep(scaled(2, 20))  # while PostgreSQL is away
        assert two_workers.service.started.process.poll() is None, two_workers.service.started.take_lines()
        await two_workers.network.set("pass")
        await two_workers.until_replaced({killed})
        load.heal()
        await load.until(80)

    report(await two_workers.settle(load, "a worker starts while PostgreSQL is away", may_cut=True))


async def test_write_whose_answer_is_cut_counts_once_when_it_is_repeated(two_workers, report):
    address = two_workers.service.url.removeprefix("http://")
    host, port = address.split(":")
    async with Proxy(lambda: asyncio.open_connection(host, int(port))) as answers:
        load = two_workers.load(lambda _: f"http://127.0.0.1:{answers.port}")
        async with load.running():
            for _ in range(int(scaled(3, 30))):
                await load.until(50)
                await answers.set("cut answers")
                await load.until(20)
                await answers.set("pass")
            load.heal()
            await load.until(40)

    row = await two_workers.settle(load, "F13 answers of writes are cut", may_cut=True)
    report(row)
    assert row.ok < row.sent


async def test_40_keys_sent_many_times_each_through_two_workers_count_40_times(two_workers, report):
    keys, times = 40, int(scaled(10, 50))
    statuses, latencies = [], []

    async def send(number: int) -> None:
        with Client(two_workers.service.url) as client:
            for turn in range(times):
                key = {"Idempotency_Key": f"repeated {(number + turn) % keys}"}
                body = {"user": {"id": "repeater"}, "value": 1}
                answer = await client.post("/metrics/words/event", body, X_API_KEY=two_workers.keys[number % 16], **key)
                statuses.append(answer.status)
                latencies.append(answer.seconds)

    await asyncio.gather(*(send(number) for number in range(keys)))

    lost = keys - await two_workers.database.value("SELECT count(*) FROM event WHERE player = 'repeater'")
    report(
        Row(scenario="40 keys, many times each", sent=len(statuses), ok=len(statuses), lost=lost, worst=max(latencies))
    )
    assert (statuses.count(201), statuses.count(202)) == (keys, keys * times - keys)
    assert lost == 0
