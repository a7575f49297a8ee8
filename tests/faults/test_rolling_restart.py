"""Rolling restarts of two instances behind a balancer that asks `/readyz`: no request fails."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence

from tests.factories import SECRET
from tests.faults.harness.client import Client
from tests.faults.harness.journal import Journal
from tests.faults.harness.load import Load
from tests.faults.harness.proxy import Proxy
from tests.faults.harness.table import IS_HEAVY, scaled
from tests.servers import PATIENCE, Running, free_port, running

HOST = "127.0.0.2"  # where no other test can take the port of an instance that is being restarted
ASK_SECONDS = 0.1  # between two questions of the balancer
DRAIN_SECONDS = 1.0
REQUESTS = int(scaled(500, 20_000))
CLIENTS = int(scaled(2, 8))  # who write, and as many who read


class Instance:
    """An instance of the service that always has the same ports."""

    def __init__(self, url: str, *, workers: int) -> None:
        self.port, self.ops_port = free_port(), free_port()
        self.ready = asyncio.Event()
        addresses = ("--host", HOST, "--port", self.port, "--ops-host", HOST, "--ops-port", self.ops_port)
        self._arguments = (*addresses, "--workers", workers)
        self._settings = {
            "LAUREL_DATABASE_URL": url,
            "LAUREL_JWT_SECRET": SECRET,
            "LAUREL_LOG_LEVEL": "warning",
            "LAUREL_DRAIN": str(DRAIN_SECONDS),
        }
        self._stack = contextlib.ExitStack()
        self._process: Running | None = None

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        started = running("serve", *self._arguments, **self._settings)
        self._process = await asyncio.to_thread(self._stack.enter_context, started)

    async def restart(self) -> None:
        """End it as an orchestrator does, and start it again."""
        assert self._process is not None
        assert await asyncio.to_thread(self._process.end) == 0, self._process.lines
        await self.start()

    async def watch(self) -> None:
        """Ask for its readiness until cancelled."""
        while True:
            with Client(f"http://{HOST}:{self.ops_port}") as client:
                if (await client.get("/readyz")).status == 200:
                    self.ready.set()
                else:
                    self.ready.clear()
            await asyncio.sleep(ASK_SECONDS)

    async def end(self) -> None:
        """End it for good."""
        await asyncio.to_thread(self._stack.close)


class Balancer:
    """Passes each new connection to an instance that is ready, in turn, and never tries another one."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        self._turns = itertools.cycle(instances)
        self._count = len(instances)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the next instance that is ready."""
        ready = next((one for one in itertools.islice(self._turns, self._count) if one.ready.is_set()), None)
        if ready is None:
            raise ConnectionRefusedError
        return await asyncio.open_connection(HOST, ready.port)


@contextlib.asynccontextmanager
async def started(*instances: Instance) -> AsyncIterator[None]:
    """Instances that run and are watched during the block."""
    async with contextlib.AsyncExitStack() as stack:
        for instance in instances:
            stack.push_async_callback(instance.end)
        await asyncio.gather(*(instance.start() for instance in instances))
        watches = [asyncio.create_task(instance.watch()) for instance in instances]
        stack.callback(lambda: [watch.cancel() for watch in watches])
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(instance.ready.wait() for instance in instances))
        yield


async def test_rolling_restarts_fail_no_request(private_postgres, report):
    """One instance is a single process, the other has two workers in the long form. Each waits for the other one."""
    async with private_postgres.database() as database:
        instances = Instance(database.url, workers=1), Instance(database.url, workers=2 if IS_HEAVY else 1)
        journal, keys = Journal(), await database.make_keys(4)
        async with started(*instances), Proxy(Balancer(instances).connect) as balancer:
            load = Load(journal, keys, lambda _: f"http://127.0.0.1:{balancer.port}", writers=CLIENTS, readers=CLIENTS)
            await load.first_events()
            async with load.running():
                for instance in itertools.cycle(instances):
                    await instance.restart()
                    async with asyncio.timeout(PATIENCE):
                        await instance.ready.wait()
                    if instance is instances[-1] and len(load.answers) >= REQUESTS:
                        break
        row = load.row("F14 rolling restarts", lost=await journal.lost(database))

    report(row)
    assert row.ok == row.sent, [answer for answer in load.answers if not answer.is_ok][:5]
    assert row.lost == 0
    assert not journal.wrong
