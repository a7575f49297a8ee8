"""Processes are killed in the middle of writes: what was acknowledged is there, and nothing is there twice.

Real processes, a durable Postgres, and clients that keep a journal and tell everything again, under the same key,
until it is acknowledged. `FAULT_EVENTS` asks for more of them: `make test-heavy`.
"""

import asyncio
import contextlib
import itertools
import os
import pathlib
import signal
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator

import aiohttp
import asyncpg
import pytest

from service.core.auth import api_keys
from service.core.progress import consistency
from service.db.embedded import EmbeddedPostgres
from service.db.migrate import migrate
from service.db.pool import open_pool
from tests.factories import SECRET, counted, draft, metric, publish_draft
from tests.servers import running

EVENTS = int(os.environ.get("FAULT_EVENTS", "400"))
PLAYERS = 5
CLIENTS = 16
LINUX = pathlib.Path("/proc/self/stat").exists()
PATIENCE = 60.0  # seconds for everything to be acknowledged


class Server:
    """A Postgres of its own that can be killed and started again, at the same place."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._again: subprocess.Popen[bytes] | None = None

    async def postmaster(self) -> int:
        """The process that all backends are children of."""
        connection = await asyncpg.connect(self.url)
        try:
            return parent(await connection.fetchval("SELECT pg_backend_pid()"))
        finally:
            await connection.close()

    async def crash(self) -> None:
        """Kill it, and start it again as it was started before; its backends end by themselves."""
        await asyncio.to_thread(self._crash, await self.postmaster())

    def _crash(self, pid: int) -> None:
        folder = pathlib.Path("/proc") / str(pid)
        command = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        owner, place = folder.stat(), (folder / "cwd").readlink()
        os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:  # the last backend may still hold the shared memory
            self._again = subprocess.Popen(  # noqa: S603  (what ran before)
                command,
                cwd=place,
                user=owner.st_uid,
                group=owner.st_gid,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._again.wait(0.5)
                continue
            return
        raise TimeoutError

    def end(self) -> None:
        """End what was started again."""
        if self._again is not None and self._again.poll() is None:
            self._again.send_signal(signal.SIGINT)
            self._again.wait(PATIENCE)


def processes() -> Iterator[int]:
    """Every process that there is."""
    return (int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdecimal())


def parent(pid: int) -> int:
    """The process that started this one; 0 if it is gone."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@pytest.fixture
async def server():
    """A durable Postgres with title 1, which counts words, and a key of it."""
    if not LINUX:
        pytest.skip("needs /proc, to find the processes to kill: run it on Linux")
    with tempfile.TemporaryDirectory(prefix="laurel-faults-") as folder, EmbeddedPostgres(pathlib.Path(folder)) as url:
        await migrate(url)
        made = Server(url)
        async with await open_pool(url, size=1) as pool, pool.transaction() as connection:
            new = draft(1, (counted(1, 40),), metrics=(metric(),))
            await publish_draft(connection, new)
            made.key = (await api_keys.create_key(connection, title_id=1)).key
        yield made
        made.end()


class Journal:
    """What clients told, until it was acknowledged."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        self._numbers = itertools.count()
        self.acknowledged = 0
        self.attempts = 0
        self._awaited: list[tuple[int, asyncio.Event]] = []

    async def tell_all(self, fault: Callable[[], Awaitable[None]]) -> None:
        """Tell so many events from several clients; the fault comes when a quarter of them is acknowledged."""
        timeout = aiohttp.ClientTimeout(total=5)
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession(timeout=timeout) as session:
            clients = [asyncio.create_task(self._tell(session)) for _ in range(CLIENTS)]
            await self.reaches(EVENTS // 4)
            await fault()
            await asyncio.gather(*clients)

    async def reaches(self, count: int) -> None:
        """Wait until so many are acknowledged, or all."""
        reached = asyncio.Event()
        self._awaited.append((min(count, EVENTS), reached))
        self._look()
        await reached.wait()

    def _look(self) -> None:
        for count, reached in self._awaited:
            if self.acknowledged >= count:
                reached.set()

    async def _tell(self, session: aiohttp.ClientSession) -> None:
        while (number := next(self._numbers)) < EVENTS:
            await self._until_acknowledged(session, number)
            self.acknowledged += 1
            self._look()

    async def _until_acknowledged(self, session: aiohttp.ClientSession, number: int) -> None:
        headers = {"X-API-KEY": self._key, "Idempotency-Key": f"event {number}"}
        body = {"user": {"id": f"player {number % PLAYERS}"}, "value": 1}
        while True:
            self.attempts += 1
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.post(f"{self._url}/metrics/words/event", json=body, headers=headers) as response:
                    if response.status in (201, 202):
                        return
                    assert response.status == 503, await response.text()
            await asyncio.sleep(0.02)  # as a client does that was told to come back


async def found(url: str) -> dict[str, object]:
    """What the database holds after all, and what the doctor says of it."""
    async with await open_pool(url, size=1, statement_timeout=None) as pool, pool.connection() as connection:
        return {
            "events": await connection.fetchval("SELECT count(*) FROM event"),
            "keys": await connection.fetchval("SELECT count(*) FROM idempotency"),
            "days": await connection.fetchval("SELECT sum(change)::integer FROM metric_day"),
            "totals": await connection.fetchval("SELECT sum((standings ->> 'sum:words')::integer) FROM progress"),
            "unlocks": await connection.fetchval("SELECT sum(cardinality(unlocked)) FROM progress"),
            "doctor": [finding.what for finding in await consistency.find_drift(connection)],
        }


def everything_once(events: int) -> dict[str, object]:
    """Every event there, once."""
    per_player = events // PLAYERS
    unlocks = PLAYERS if per_player >= 40 else 0
    return {"events": events, "keys": events, "days": events, "totals": events, "unlocks": unlocks, "doctor": []}


async def test_killed_workers_lose_nothing_acknowledged_and_double_nothing(server):
    settings = {"LAUREL_DATABASE_URL": server.url, "LAUREL_JWT_SECRET": SECRET, "LAUREL_LOG_LEVEL": "error"}
    with running("serve", "--workers", 2, "--port", 0, "--ops-port", 0, **settings) as service:
        journal = Journal(service.url, server.key)
        killed = []

        async def kill_workers() -> None:
            for _ in range(3):
                workers = [pid for pid in processes() if parent(pid) == service.process.pid and pid not in killed]
                os.kill(workers[0], signal.SIGKILL)
                killed.append(workers[0])
                await journal.reaches(journal.acknowledged + EVENTS // 10)

        await journal.tell_all(kill_workers)

    assert len(killed) == 3
    assert await found(server.url) == everything_once(EVENTS)


async def test_a_killed_postgres_loses_nothing_acknowledged_and_doubles_nothing(server):
    settings = {"LAUREL_DATABASE_URL": server.url, "LAUREL_JWT_SECRET": SECRET, "LAUREL_LOG_LEVEL": "error"}
    with running("serve", "--port", 0, "--ops-port", 0, **settings) as service:
        journal = Journal(service.url, server.key)
        await journal.tell_all(server.crash)
        after = await found(server.url)

    assert journal.attempts > EVENTS
    assert after == everything_once(EVENTS)


@pytest.mark.parametrize("with_keys", [True, False], ids=["with keys", "without"])
async def test_40_keys_told_50_times_are_40_effects(server, with_keys):
    """Through two processes at once; without the keys every telling counts, which shows that it is the keys that do it."""
    settings = {"LAUREL_DATABASE_URL": server.url, "LAUREL_JWT_SECRET": SECRET, "LAUREL_LOG_LEVEL": "error"}
    with running("serve", "--workers", 2, "--port", 0, "--ops-port", 0, **settings) as service:
        headers = {"X-API-KEY": server.key}

        async def tell(session: aiohttp.ClientSession, number: int) -> int:
            key = {"Idempotency-Key": f"key {number % 40}"} if with_keys else {}
            body = {"user": {"id": f"player {number % PLAYERS}"}, "value": 1}
            url = f"{service.url}/metrics/words/event"
            async with session.post(url, json=body, headers=headers | key) as response:
                return response.status

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=32)) as session:
            statuses = await asyncio.gather(*(tell(session, number) for number in range(2000)))

    effects = 40 if with_keys else 2000
    assert (statuses.count(201), statuses.count(202)) == (effects, 2000 - effects)
    after = await found(server.url)
    assert (after["events"], after["totals"], after["days"], after["doctor"]) == (effects, effects, effects, [])
