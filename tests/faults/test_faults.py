"""Exactly-once writes while processes are killed: acknowledged events are stored, and none is stored twice.

Real processes, a durable PostgreSQL, and clients that retry each event with the same idempotency key until it is
acknowledged. `FAULT_EVENTS` is the number of events (`make test-heavy` sends more).
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
from service.db.limits import UNLIMITED
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
    """A PostgreSQL server that can be killed and started again in the same folder."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._restarted: subprocess.Popen[bytes] | None = None

    async def postmaster(self) -> int:
        """The process id of the server, the parent of all backends."""
        connection = await asyncpg.connect(self.url)
        try:
            return parent(await connection.fetchval("SELECT pg_backend_pid()"))
        finally:
            await connection.close()

    async def crash(self) -> None:
        """Kill the server and start it again with the same command; its backends end by themselves."""
        await asyncio.to_thread(self._crash, await self.postmaster())

    def _crash(self, pid: int) -> None:
        folder = pathlib.Path("/proc") / str(pid)
        command = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        owner, working_directory = folder.stat(), (folder / "cwd").readlink()
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:  # the last backend may still hold the shared memory
            self._restarted = subprocess.Popen(  # noqa: S603  (the command that ran before)
                command,
                cwd=working_directory,
                user=owner.st_uid,
                group=owner.st_gid,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._restarted.wait(0.5)
                continue
            return
        raise TimeoutError

    def end(self) -> None:
        """Stop the restarted server."""
        if self._restarted is not None and self._restarted.poll() is None:
            self._restarted.send_signal(signal.SIGINT)
            self._restarted.wait(PATIENCE)


def processes() -> Iterator[int]:
    """The ids of all processes."""
    return (int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdecimal())


def parent(pid: int) -> int:
    """The id of a process's parent; 0 if the process has ended."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@pytest.fixture
async def server():
    """A durable PostgreSQL server with title 1, which counts words, and an API key of the title."""
    if not LINUX:
        pytest.skip("needs /proc to find the processes to kill: run it on Linux")
    with tempfile.TemporaryDirectory(prefix="laurel-faults-") as folder, EmbeddedPostgres(pathlib.Path(folder)) as url:
        await migrate(url)
        made = Server(url)
        async with await open_pool(url, size=1) as pool, pool.transaction() as connection:
            new = draft(1, (counted(1, 40),), metrics=(metric(),))
            await publish_draft(connection, new)
            made.key = (await api_keys.create_key(connection, title_id=1)).key
        yield made
        made.end()


class Clients:
    """Concurrent clients that send events and retry them until they are acknowledged."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        self._numbers = itertools.count()
        self.acknowledged = 0
        self.attempts = 0
        self._milestones: list[tuple[int, asyncio.Event]] = []

    async def send_all(self, fault: Callable[[], Awaitable[None]]) -> None:
        """Send all events; inject the fault when a quarter of them is acknowledged."""
        timeout = aiohttp.ClientTimeout(total=5)
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession(timeout=timeout) as session:
            clients = [asyncio.create_task(self._send(session)) for _ in range(CLIENTS)]
            await self.wait_for(EVENTS // 4)
            await fault()
            await asyncio.gather(*clients)

    async def wait_for(self, count: int) -> None:
        """Wait until `count` events are acknowledged, or all of them."""
        reached = asyncio.Event()
        self._milestones.append((min(count, EVENTS), reached))
        self._notify()
        await reached.wait()

    def _notify(self) -> None:
        for count, reached in self._milestones:
            if self.acknowledged >= count:
                reached.set()

    async def _send(self, session: aiohttp.ClientSession) -> None:
        while (number := next(self._numbers)) < EVENTS:
            await self._until_acknowledged(session, number)
            self.acknowledged += 1
            self._notify()

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
            await asyncio.sleep(0.02)  # as a client backs off after a 503


async def stored(url: str) -> dict[str, object]:
    """Totals of the database, and the drift that `laurel doctor` reports."""
    async with await open_pool(url, size=1, limits=UNLIMITED) as pool, pool.connection() as connection:
        return {
            "events": await connection.fetchval("SELECT count(*) FROM event"),
            "keys": await connection.fetchval("SELECT count(*) FROM idempotency"),
            "days": await connection.fetchval("SELECT sum(change)::integer FROM metric_day"),
            "totals": await connection.fetchval("SELECT sum((standings ->> 'sum:words')::integer) FROM progress"),
            "unlocks": await connection.fetchval("SELECT sum(cardinality(unlocked)) FROM progress"),
            "doctor": [drift.description for drift in await consistency.find_drift(connection)],
        }


def everything_once(events: int) -> dict[str, object]:
    """The totals if every event is stored exactly once."""
    per_player = events // PLAYERS
    unlocks = PLAYERS if per_player >= 40 else 0
    return {"events": events, "keys": events, "days": events, "totals": events, "unlocks": unlocks, "doctor": []}


async def test_killed_workers_neither_lose_nor_duplicate_acknowledged_events(server):
    settings = {"LAUREL_DATABASE_URL": server.url, "LAUREL_JWT_SECRET": SECRET, "LAUREL_LOG_LEVEL": "error"}
    with running("serve", "--workers", 2, "--port", 0, "--ops-port", 0, **settings) as service:
        clients = Clients(service.url, server.key)
        killed = []

        async def kill_workers() -> None:
            for _ in range(3):
                workers = [pid for pid in processes() if parent(pid) == service.process.pid and pid not in killed]
                os.kill(workers[0], signal.SIGKILL)
                killed.append(workers[0])
                await clients.wait_for(clients.acknowledged + EVENTS // 10)

        await clients.send_all(kill_workers)

    assert len(killed) == 3
    assert await stored(server.url) == everything_once(EVENTS)


async def test_killed_postgres_neither_loses_nor_duplicates_acknowledged_events(server):
    settings = {"LAUREL_DATABASE_URL": server.url, "LAUREL_JWT_SECRET": SECRET, "LAUREL_LOG_LEVEL": "error"}
    with running("serve", "--port", 0, "--ops-port", 0, **settings) as service:
        clients = Clients(service.url, server.key)
        await clients.send_all(server.crash)
        after = await stored(server.url)

    assert clients.attempts > EVENTS
    assert after == everything_once(EVENTS)


@pytest.mark.parametrize("with_keys", [True, False], ids=["with keys", "without"])
async def test_40_keys_sent_50_times_each_count_40_times(server, with_keys):
    """Through two processes at once. Without keys every request counts, which shows that the keys make the difference."""
    settings = {"LAUREL_DATABASE_URL": server.url, "LAUREL_JWT_SECRET": SECRET, "LAUREL_LOG_LEVEL": "error"}
    with running("serve", "--workers", 2, "--port", 0, "--ops-port", 0, **settings) as service:
        headers = {"X-API-KEY": server.key}

        async def send(session: aiohttp.ClientSession, number: int) -> int:
            key = {"Idempotency-Key": f"key {number % 40}"} if with_keys else {}
            body = {"user": {"id": f"player {number % PLAYERS}"}, "value": 1}
            url = f"{service.url}/metrics/words/event"
            async with session.post(url, json=body, headers=headers | key) as response:
                return response.status

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=32)) as session:
            statuses = await asyncio.gather(*(send(session, number) for number in range(2000)))

    effects = 40 if with_keys else 2000
    assert (statuses.count(201), statuses.count(202)) == (effects, 2000 - effects)
    after = await stored(server.url)
    assert (after["events"], after["totals"], after["days"], after["doctor"]) == (effects, effects, effects, [])
