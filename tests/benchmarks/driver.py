"""Load generator: a closed loop over keep-alive connections, cheap enough that the server is the bottleneck.

Requests are prepared bytes. Only the status and length of a response are read; an unexpected status ends the run. wrk
is faster, but cannot be installed with pip.
"""

import array
import asyncio
import time
from collections.abc import Iterator, Sequence

import msgspec

HOST = "127.0.0.1"
_GRACE = 10.0  # seconds for responses that are pending when a round ends
_LENGTH = b"\r\nContent-Length: "  # as aiohttp writes it


class Round(msgspec.Struct, frozen=True):
    """Results of one round. `latencies` are in seconds, ascending; `busy` is the share of a core that the driver used."""

    seconds: float
    latencies: Sequence[float]
    busy: float

    @property
    def rate(self) -> float:
        """Responses per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that this share of the responses did not exceed."""
        return 1000 * self.latencies[min(int(share * len(self.latencies)), len(self.latencies) - 1)]


class UnexpectedResponse(Exception):
    """A response with another status or length than expected; the message has its beginning."""


async def drive(port: int, requests: Iterator[bytes], *, connections: int, seconds: float, status: int = 200) -> Round:
    """Send requests for some seconds; each connection sends its next request when the previous one was answered.

    `requests` never ends; the next round continues where this one stopped.

    Raises:
        UnexpectedResponse: a response had another status or length, or a connection was closed.
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
    """Send one request and return the header fields of the response, by lower-case name, and its body.

    Raises:
        UnexpectedResponse: its status is not 200.
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
        raise UnexpectedResponse(f"{status}: {body[:500]!r}")
    return fields, body


class _Run:
    """The state that the connections of a round share."""

    def __init__(
        self, requests: Iterator[bytes], expected: bytes, connections: int, done: "asyncio.Future[None]"
    ) -> None:
        self.next_request = requests.__next__
        self.expected = expected
        self.open = connections
        self.done = done
        self.ends = 0.0
        self.latencies = array.array("d")

    def fail(self, reason: str, data: bytes = b"") -> None:
        if not self.done.done():
            self.done.set_exception(UnexpectedResponse(f"{reason} {data[:500]!r}"))


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
        self._run.fail("a connection was closed")

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
                self._run.fail("unexpected status:", data)
                return
            at = data.find(_LENGTH, 0, end)  # a 304 has none
            length = int(data[at + len(_LENGTH) : data.find(b"\r", at + 2)]) if at >= 0 else 0
            self._missing = end + 4 + length - len(data)
        if self._missing == 0:
            self._answered()
        elif self._missing < 0:
            self._run.fail("a response longer than its Content-Length:", data)

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
