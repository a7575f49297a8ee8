"""`laurel serve` as a process behind the scenarios, started without blocking the loop that its proxies run in."""

import asyncio
import contextlib
import pathlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from http import HTTPStatus

from tests.factories import SECRET
from tests.faults.harness.client import Client, Response
from tests.servers import LAUREL, PATIENCE, Running, free_port, running


class Service:
    """A running service, with the address of its first ops port."""

    def __init__(self, started: Running, ops_port: int) -> None:
        self.started = started
        self.url = started.url
        self.pid = started.process.pid
        self._ops_port = ops_port

    async def ops(self, path: str, worker: int = 0) -> Response:
        """A response of the ops port of a worker."""
        with Client(f"http://127.0.0.1:{self._ops_port + worker}") as client:
            return await client.get(path)

    async def until_ready(self) -> None:
        """Wait until `/readyz` says that it is ready."""
        await until(self.is_ready, "the service is ready")

    async def is_ready(self, worker: int = 0) -> bool:
        """Whether a worker says that it is ready."""
        return (await self.ops("/readyz", worker)).status == HTTPStatus.OK

    async def is_leaving(self) -> bool:
        """Whether a worker says that it is not ready, or nothing any more."""
        return not await self.is_ready()

    def children(self) -> list[int]:
        """The processes that it has started."""
        return children(self.pid)

    async def end(self) -> int:
        """Stop it, and return its exit status."""
        return await asyncio.to_thread(self.started.end)


@contextlib.asynccontextmanager
async def serving(
    url: str | None, *arguments: object, command: tuple[str, ...] = LAUREL, **settings: str | None
) -> AsyncIterator[Service]:
    """A service on the database of the URL; it is ended with the block."""
    chosen = {"LAUREL_JWT_SECRET": SECRET, "LAUREL_LOG_LEVEL": "warning"} | settings
    if url is not None:
        chosen["LAUREL_DATABASE_URL"] = url
    ops_port = free_port()
    given = {name: value for name, value in chosen.items() if value is not None}
    process = running("serve", "--port", 0, "--ops-port", ops_port, *arguments, command=command, **given)
    started = await asyncio.to_thread(process.__enter__)
    try:
        yield Service(started, ops_port)
    finally:
        await asyncio.to_thread(process.__exit__, None, None, None)


async def until(condition: Callable[[], Awaitable[bool]], claim: str) -> None:
    """Wait until a condition of another process holds, which can only be asked for; fail if it does not in time."""
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        assert time.monotonic() < deadline, f"expected that {claim}"
        await asyncio.sleep(0.03)


def processes() -> Iterator[int]:
    """The ids of all processes."""
    return (int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdecimal())


def parent(pid: int) -> int:
    """The id of a process's parent; 0 if the process has ended."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def children(pid: int) -> list[int]:
    """The processes that a process has started, oldest first."""
    return sorted(child for child in processes() if parent(child) == pid)
