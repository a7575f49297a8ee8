"""The load of a scenario: players who write and read at once, through clients that repeat a write until it is stored."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from tests.factories import authorization
from tests.faults.harness.client import Client, Response
from tests.faults.harness.journal import Journal
from tests.faults.harness.table import Row
from tests.servers import PATIENCE

_WRITERS = 8
_READERS = 4
_PAUSE_SECONDS = 0.05  # of a client whose request failed
_THINK_SECONDS = 0.01  # of a client between two requests, so that the clients leave the service some of the machine


class Answer(NamedTuple):
    """The response to one request, and the time of the loop's clock at which it came."""

    at: float
    player: str
    is_write: bool
    response: Response

    @property
    def is_ok(self) -> bool:
        """Whether the request succeeded."""
        return 200 <= self.response.status < 400


class Load:
    """Requests of one scenario. `url` gives the address of a client's next request, from that of its last one."""

    def __init__(
        self,
        journal: Journal,
        keys: Sequence[str],
        url: Callable[[str], str],
        *,
        writers: int = _WRITERS,
        readers: int = _READERS,
    ) -> None:
        self._journal = journal
        self._keys = keys
        self._url = url
        self._writers, self._readers = writers, readers
        self._authorizations = {player: authorization(player) for player in journal.players}
        self._stopping = False
        self._numbers = itertools.count()
        self.answers: list[Answer] = []
        self.healed_at: float | None = None
        self._refused: list[Answer] = []
        self._milestones: list[tuple[list[Answer], int, asyncio.Event]] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send requests during the block; its end waits until every write is acknowledged."""
        players = itertools.cycle(self._journal.players)
        async with asyncio.TaskGroup() as clients:
            for _ in range(self._writers):
                clients.create_task(self._write_all(next(players)))
            for _ in range(self._readers):
                clients.create_task(self._read_all())
            try:
                yield
            finally:
                self._stopping = True

    def heal(self) -> None:
        """Note that the fault is over."""
        self.healed_at = time.monotonic()

    async def first_events(self) -> None:
        """Give every player a total of their own."""
        with Client(self._url("")) as client:
            for player in self._journal.players:
                key = self._journal.begin(player)
                response = await self._write(client, player, key, self._journal.first_amount(player))
                assert response.status == 201, response

    async def until(self, count: int) -> None:
        """Wait for so many more responses."""
        await self._until(count, self.answers)

    async def until_refused(self, count: int) -> None:
        """Wait for so many more responses that are no success."""
        await self._until(count, self._refused)

    async def _until(self, count: int, answers: list[Answer]) -> None:
        reached = asyncio.Event()
        self._milestones.append((answers, len(answers) + count, reached))
        async with asyncio.timeout(PATIENCE):
            await reached.wait()

    async def _write_all(self, player: str) -> None:
        with Client(self._url("")) as client:
            while not self._stopping:
                key = self._journal.begin(player)
                async with asyncio.timeout(PATIENCE):
                    while (await self._write(client, player, key, 1)).status not in (201, 202):
                        await asyncio.sleep(_PAUSE_SECONDS)
                        client.move(self._url(client.url))
                await asyncio.sleep(_THINK_SECONDS)
                client.move(self._url(client.url))

    async def _write(self, client: Client, player: str, key: str, amount: int) -> Response:
        body = {"user": {"id": player}, "value": amount}
        since = self._journal.acknowledged(player)
        response = await client.post("/metrics/words/event", body, X_API_KEY=self._key(), Idempotency_Key=key)
        self._note(player, response, is_write=True)
        if response.status in (201, 202):
            answer = response.json()
            self._journal.acknowledge(player, key, answer["eventId"])
            self._journal.check_total(player, answer["total"], since=since)
        return response

    async def _read_all(self) -> None:
        players = itertools.cycle(self._journal.players)
        with Client(self._url("")) as client:
            while not self._stopping:
                response = await self._read(client, next(players))
                await asyncio.sleep(_THINK_SECONDS if response.status == 200 else _PAUSE_SECONDS)
                client.move(self._url(client.url))

    async def _read(self, client: Client, player: str) -> Response:
        since = self._journal.acknowledged(player)
        if next(self._numbers) % 2:
            response = await client.get(f"/users/{player}/metrics/words", X_API_KEY=self._key())
            total = response.json()["current"] if response.status == 200 else None
        else:
            response = await client.get(
                f"/users/xuid({player})/achievements?titleId=1&maxItems=2",
                Authorization=self._authorizations[player],
                x_xbl_contract_version="2",
            )
            total = None
            if response.status == 200:
                items = {item["id"]: item for item in response.json()["achievements"]}
                total = int(items["2"]["progression"]["requirements"][0]["current"])
        self._note(player, response, is_write=False)
        if total is not None:
            self._journal.check_total(player, total, since=since)
        return response

    def _key(self) -> str:
        return self._keys[next(self._numbers) % len(self._keys)]

    def _note(self, player: str, response: Response, *, is_write: bool) -> None:
        self.answers.append(Answer(time.monotonic(), player, is_write, response))
        if not self.answers[-1].is_ok:
            self._refused.append(self.answers[-1])
        for answers, count, reached in self._milestones:
            if len(answers) >= count:
                reached.set()
        if response.status == 503 and "retry-after" not in response.headers:
            self._journal.wrong.append(f"503 without Retry-After: {response.body[:200]!r}")
        if response.status in (500, -1):
            self._journal.wrong.append(f"{response.status} after {response.seconds:.2f} s: {response.body[:200]!r}")

    def row(self, scenario: str, *, lost: int) -> Row:
        """The row of the scenario."""
        statuses = [answer.response.status for answer in self.answers]
        failures = [answer.at for answer in self._refused]
        recovery = None
        if self.healed_at is not None:
            recovery = max(0.0, max(failures, default=self.healed_at) - self.healed_at)
        return Row(
            scenario=scenario,
            sent=len(statuses),
            ok=sum(200 <= status < 400 for status in statuses),
            refused=sum(400 <= status < 500 for status in statuses),
            unavailable=sum(status in (503, 504) for status in statuses),
            failed=sum(status >= 500 and status not in (503, 504) for status in statuses),
            lost=lost,
            recovery=recovery,
            worst=max(answer.response.seconds for answer in self.answers),
        )
