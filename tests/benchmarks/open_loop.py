"""Open-loop load: requests are sent at a fixed rate, whether or not earlier ones were answered, as players do.

A closed loop slows down with its server; this one does not, so it shows what overload does. Each request goes to the
connection that has been idle longest. The time of a response counts from when its request was due.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterator

import msgspec

HOST = "127.0.0.1"
_TICK_SECONDS = 0.002
_GRACE_SECONDS = 6.0  # for responses that are pending at the end: longer than a request may take
_LENGTH = b"\r\nContent-Length: "  # as aiohttp writes it


class Sample(msgspec.Struct, frozen=True):
    """One request: when it was due, in seconds from the start of the load, its status (0 if it was cut), and its time."""

    due: float
    status: int
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether it succeeded."""
        return 200 <= self.status < 400


class Load(msgspec.Struct, frozen=True):
    """The samples of a load; `unsent` are requests that were due while no connection was free."""

    seconds: float
    samples: list[Sample]
    unsent: int

    @property
    def statuses(self) -> Counter[int]:
        """How many responses had each status; 0 are requests without one."""
        return Counter(sample.status for sample in self.samples)

    @property
    def worst(self) -> float:
        """The longest time of any response."""
        return max((sample.seconds for sample in self.samples), default=0.0)

    def goodput(self, *, within: float = 1.0) -> float:
        """Successful responses within this time, per second."""
        return sum(sample.is_good and sample.seconds <= within for sample in self.samples) / self.seconds

    def percentile(self, share: float) -> float:
        """The time in seconds that this share of the successful responses did not exceed."""
        times = sorted(sample.seconds for sample in self.samples if sample.is_good)
        return times[min(int(share * len(times)), len(times) - 1)] if times else 0.0

    def last_trouble(self, *, within: float = 1.0) -> float:
        """When the last request was due that failed or took longer than this; 0 if all went well."""
        return max((s.due for s in self.samples if not s.is_good or s.seconds > within), default=0.0)


async def send(port: int, requests: Iterator[bytes], *, rate: float, seconds: float, connections: int) -> Load:
    """Send this many requests a second for some seconds, and wait for the responses."""
    run = _Run(requests)
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: _Connection(run), HOST, port)
    try:
        run.started = time.perf_counter()
        sent = unsent = 0
        while (elapsed := time.perf_counter() - run.started) < seconds:
            due = int(elapsed * rate)
            for number in range(sent, due):
                if run.idle:
                    run.idle.popleft().send(run.started + number / rate)
                else:
                    unsent += 1
            sent = due
            await asyncio.sleep(_TICK_SECONDS)
        await run.until_answered(_GRACE_SECONDS)
    finally:
        run.close()
    return Load(seconds, run.samples, unsent)


class _Run:
    """What the connections of a load share."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self.next_request = requests.__next__
        self.idle: deque[_Connection] = deque()
        self.connections: set[_Connection] = set()
        self.samples: list[Sample] = []
        self.started = 0.0
        self.busy = 0
        self._answered: asyncio.Event | None = None

    async def until_answered(self, seconds: float) -> None:
        """Wait until every request is answered, but not longer than this."""
        self._answered = asyncio.Event()
        self._note_answered()
        try:
            await asyncio.wait_for(self._answered.wait(), seconds)
        except TimeoutError:
            return

    def end(self, status: int, due: float) -> None:
        """Note the end of a request."""
        self.samples.append(Sample(due - self.started, status, time.perf_counter() - due))
        self.busy -= 1
        self._note_answered()

    def _note_answered(self) -> None:
        if self._answered is not None and not self.busy:
            self._answered.set()

    def close(self) -> None:
        """Close all connections."""
        for connection in list(self.connections):
            connection.abort()


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._head = b""
        self._missing = 0
        self._status = 0
        self._due: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.abort, self._write = transport.abort, transport.write
        self._run.connections.add(self)
        self._run.idle.append(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._run.connections.discard(self)
        if self._due is not None:
            self._run.end(0, self._due)
        elif self in self._run.idle:
            self._run.idle.remove(self)

    def send(self, due: float) -> None:
        self._due = due
        self._run.busy += 1
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
            self._status = int(data[9:12])
            at = data.find(_LENGTH, 0, end)
            length = int(data[at + len(_LENGTH) : data.find(b"\r", at + 2)]) if at >= 0 else 0
            self._missing = end + 4 + length - len(data)
        if not self._missing and self._due is not None:
            due, self._due = self._due, None
            self._run.idle.append(self)
            self._run.end(self._status, due)
