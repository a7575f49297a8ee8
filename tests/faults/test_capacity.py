"""Three times as many requests as the connections to PostgreSQL can answer: each needs one of its own."""

import asyncio
import itertools
import time

from tests.faults.harness.client import Client, Response
from tests.faults.harness.stage import Stage
from tests.faults.harness.table import Row, scaled

ROUND_TRIP_SECONDS = 0.004
"""Of a statement, so that the number of connections limits the service, and not the machine that it shares with its clients."""


class Overload:
    """Requests that each need a connection to PostgreSQL of their own."""

    def __init__(self, scene: Stage) -> None:
        self._scene = scene
        self._keys = itertools.cycle(scene.keys)
        self._free: list[Client] = []
        self.answers: list[Response] = []

    async def send(self) -> None:
        """Send one request over a connection that is free."""
        client = self._free.pop() if self._free else Client(self._scene.service.url)
        player = self._scene.journal.players[0]
        days = "startDate=2026-01-01&endDate=2026-01-31"
        path = f"/users/{player}/metrics/words/event-summary?aggregation=daily&{days}"
        self.answers.append(await client.get(path, X_API_KEY=next(self._keys)))
        self._free.append(client)

    async def closed_loop(self, seconds: float, clients: int) -> float:
        """Responses per second while so many clients send one request after the other."""
        until = time.monotonic() + seconds

        async def repeat() -> None:
            while time.monotonic() < until:
                await self.send()

        before = len(self.answers)
        await asyncio.gather(*(repeat() for _ in range(clients)))
        return (len(self.answers) - before) / seconds

    async def open_loop(self, seconds: float, rate: float) -> list[Response]:
        """The responses to requests that are sent at a rate, however slow the responses are."""
        before = len(self.answers)
        started = time.monotonic()
        async with asyncio.TaskGroup() as requests:
            for number in range(int(seconds * rate)):
                await asyncio.sleep(started + number / rate - time.monotonic())
                requests.create_task(self.send())
        return self.answers[before:]

    def close(self) -> None:
        """Close all connections."""
        for client in self._free:
            client.close()


async def test_three_times_capacity_leaves_nine_tenths_of_it(one_worker, report):
    seconds = scaled(2, 20)
    overload = Overload(one_worker)
    await one_worker.network.set("latency", seconds=ROUND_TRIP_SECONDS)
    try:
        await overload.closed_loop(0.5, 8)
        capacity = await overload.closed_loop(scaled(1, 5), 8)
        answers = await overload.open_loop(seconds, 3 * capacity)
        after = await overload.open_loop(1, 0.5 * capacity)
    finally:
        await one_worker.network.set("pass")
        overload.close()

    good = [answer for answer in answers if answer.status == 200 and answer.seconds <= 1]
    latencies = sorted(answer.seconds for answer in answers if answer.status == 200)
    report(
        Row(
            scenario="F9 three times what the connections can answer",
            sent=len(answers),
            ok=len(latencies),
            refused=sum(answer.status == 429 for answer in answers),
            unavailable=sum(answer.status == 503 for answer in answers),
            failed=sum(answer.status == 500 for answer in answers),
            worst=max(answer.seconds for answer in answers),
        )
    )
    unexpected = [answer for answer in answers if answer.status not in (200, 429, 503)]
    assert not unexpected, unexpected[:3]
    assert len({answer.headers["retry-after"] for answer in answers if answer.status != 200}) > 1, "no jitter"
    goodput, p99 = len(good) / seconds / capacity, latencies[int(0.99 * len(latencies))]
    assert goodput >= scaled(0.4, 0.9), (goodput, capacity)  # the short form shares its machine with other tests
    assert p99 <= scaled(2.5, 0.5), (p99, capacity)
    assert all(answer.status == 200 for answer in after[len(after) // 2 :])
