"""The load: a closed loop over keep-alive connections that costs little, so that what is measured is the server.

Requests are bytes made beforehand. Of an answer only its status and length are read; any other status than the
expected one ends the run. wrk does the same faster, but is not there to be installed with pip.
"""

import array
import asyncio
import time
from collections.abc import Iterator, Sequence

import msgspec

HOST = "127.0.0.1"
_GRACE = 10.0  # seconds for answers that are under way when a round ends
_LENGTH = b"\r\nContent-Length: "  # as aiohttp writes it


class Round(msgspec.Struct, frozen=True):
    """What one round saw. `latencies` are in seconds, ascending; `busy` is the share of a core that the driver took."""

    seconds: float
    latencies: Sequence[float]
    busy: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency, in milliseconds, that this share of the answers did not exceed."""
        return 1000 * self.latencies[min(int(share * len(self.latencies)), len(self.latencies) - 1)]


class BadAnswer(Exception):
    """An answer that the load does not expect, with its beginning."""


async def drive(port: int, requests: Iterator[bytes], *, connections: int, seconds: float, status: int = 200) -> Round:
    """Send requests for so many seconds: each connection its next one as soon as the one before was answered.

    `requests` never ends; the next round goes on where this one stopped.

    Raises:
        BadAnswer: one had another status or length, or a connection was closed.
    """
    loop = asyncio.get_running_loop()
    run = _Run(requests, f"HTTP/1.1 {status} ".encode(), connections, loop.create_future())
    opened = [await loop.create_connection(lambda: _Connection(run), HOST, port) for _ in range(connections)]
    try:
        busy, started = time.process_time(), time.perf_counter()
        run.ends = started + seconds
        for _, connection in opened:
            connection.send()
        await asyncio.wait_for(run.done, seconds + _GRACE)
        wall, busy = time.perf_counter() - started, time.process_time() - busy
    finally:
        for transport, _ in opened:
            transport.close()
    return Round(wall, sorted(run.latencies), busy / wall)


async def fetch(port: int, request: bytes) -> tuple[dict[str, str], bytes]:
    """One answer whole: its header fields, by their names in lower case, and its body.

    Raises:
        BadAnswer: its status is not 200.
    """
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(request)
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(fields["content-length"]))
    finally:
        writer.close()
    if " 200 " not in status:
        raise BadAnswer(f"{status}: {body[:500]!r}")
    return fields, body


class _Run:
    """What the connections of a round share."""

    def __init__(
        self, requests: Iterator[bytes], expected: bytes, connections: int, done: "asyncio.Future[None]"
    ) -> None:
        self.next_request = requests.__next__
        self.expected = expected
        self.open = connections
        self.done = done
        self.ends = 0.0
        self.latencies = array.array("d")

    def refuse(self, why: str, data: bytes = b"") -> None:
        if not self.done.done():
            self.done.set_exception(BadAnswer(f"{why} {data[:500]!r}"))


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._head = b""
        self._missing = 0
        self._sent_at = 0.0
        self._write = lambda _: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write

    def connection_lost(self, _: Exception | None) -> None:
        self._run.refuse("a connection was closed")

    def send(self) -> None:
        self._sent_at = time.perf_counter()
        self._write(self._run.next_request())

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            data = self._head + data if self._head else data
            end = data.find(b"\r\n\r\n")
            self._head = data if end < 0 else b""
            if end < 0:
                return
            if not data.startswith(self._run.expected):
                self._run.refuse("an answer that was not expected:", data)
                return
            at = data.find(_LENGTH, 0, end)  # a 304 has none
            length = int(data[at + len(_LENGTH) : data.find(b"\r", at + 2)]) if at >= 0 else 0
            self._missing = end + 4 + length - len(data)
        if self._missing == 0:
            self._answered()
        elif self._missing < 0:
            self._run.refuse("an answer longer than it says:", data)

    def _answered(self) -> None:
        run = self._run
        now = time.perf_counter()
        run.latencies.append(now - self._sent_at)
        if now < run.ends:
            self._sent_at = now
            self._write(run.next_request())
            return
        run.open -= 1
        if run.open == 0 and not run.done.done():
            run.done.set_result(None)
