"""Admission: how many requests are in progress at once, and how long each may take.

Under overload it is better to refuse some requests at once than to answer all of them too late. A request is refused
while so many of its class are in progress that it would have to wait too long; how long, follows from how many were
answered lately.
"""

import asyncio
import contextlib
import itertools
import math
import sys
import time
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from aiohttp import web
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.errors import Overloaded, Unavailable

OVERLOADED = "the service has too many requests at the moment; try again later"
_CHECK_SECONDS = 0.1  # between two checks of deadlines and limits, while requests are in progress
_FREE_FOR_ALL = 0.75  # of a limit: of the rest, each caller has an equal part
_REMEMBERED_CHECKS = 20  # for which a refusal counts as one of late
_EXPECTED_CHECKS = 10  # after which requests that were about to be parsed are no longer expected
_WEIGHT = 0.3  # of the last interval in the rate

Task = asyncio.Task[Any]


class RequestClass(msgspec.Struct, frozen=True, kw_only=True):
    """What bounds the requests of a class, reads and writes apart.

    Between `least` and `most` of them are in progress at once, as many as can be answered within `wait_seconds`.
    `deadline_seconds` is how long one may take, without the time in which its body arrives.
    """

    name: str
    deadline_seconds: float
    wait_seconds: float
    least: int
    most: int


PLAYERS = RequestClass(name="players", deadline_seconds=5.0, wait_seconds=0.2, least=64, most=1024)
"""Reads and writes of players: the class of every route that names no other."""

CATALOGS = RequestClass(name="catalogs", deadline_seconds=30.0, wait_seconds=2.0, least=8, most=64)
"""Catalogs and pages for those who work on them; refused while requests of players have to wait."""

TRANSFERS = RequestClass(name="transfers", deadline_seconds=90.0, wait_seconds=20.0, least=4, most=16)
"""Imports, exports and publishes of whole titles; refused likewise."""

STREAMS = RequestClass(name="streams", deadline_seconds=math.inf, wait_seconds=0.0, least=sys.maxsize, most=sys.maxsize)
"""Event streams and websockets: they last as long as their clients wish, and others bound their number."""


class Flow:
    """The requests of one class in progress, reads or writes, oldest first, and how many were answered lately.

    `callers` has the number of requests of each caller, from when it is known who that is.
    """

    __slots__ = (
        "_admission",
        "answered",
        "callers",
        "does_wait",
        "expected",
        "kind",
        "limit",
        "rate",
        "started",
        "verb",
    )

    def __init__(self, admission: "Admission", kind: RequestClass, *, is_safe: bool) -> None:
        self._admission = admission
        self.kind = kind
        self.verb = "read" if is_safe else "write"
        self.limit = kind.most
        self.rate = 0.0  # requests answered a second
        self.answered = 0  # since the last check
        self.does_wait = False
        self.expected = 0  # requests that are being parsed
        self.started: dict[Task, float] = {}
        self.callers: dict[object, int] = {}

    def enter(self, task: Task, now: float) -> None:
        """Admit the request of a task until `leave`. `now` is of `time.perf_counter`.

        Raises:
            Overloaded: too many are in progress.
        """
        if self.expected:
            self.expected -= 1
        if len(self.started) >= self.limit:
            self._admission.count_refused(self.kind)
            raise Overloaded(OVERLOADED)
        self.started[task] = now
        if not self._admission.is_checking:
            self._admission.start_checking()

    def expect(self) -> bool:
        """Whether a request that is about to be parsed will be admitted; then it is counted until `enter`."""
        if len(self.started) + self.expected >= self.limit:
            return False
        self.expected += 1
        return True

    def leave(self, task: Task) -> None:
        """Note that a request has ended, if it was admitted."""
        if self.started.pop(task, None) is not None:
            self.answered += 1

    def has_equal_part(self, own: int) -> bool:
        """Whether a caller with so many requests has its part of those that may be in progress, as the last are given."""
        callers = len(self.callers)
        return callers > 1 and len(self.started) >= self.limit * _FREE_FOR_ALL and own * callers >= self.limit

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the request of this task out while its client is awaited; its deadline begins again afterwards."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (a handler runs in one)
        was_admitted = self.started.pop(task, None) is not None
        try:
            yield
        finally:
            if was_admitted:
                self.started[task] = time.perf_counter()

    def adapt(self, now: float, seconds: float, *, do_players_wait: bool) -> None:
        """Set the limit after an interval of some seconds."""
        self.rate += _WEIGHT * (self.answered / seconds - self.rate)
        self.answered = 0
        kind, count = self.kind, len(self.started)
        soon = min(kind.most, max(kind.least, int(self.rate * kind.wait_seconds)))
        # If all wait their turn, the middle one has waited for half of the time. A few slow ones do not show there.
        middle = next(itertools.islice(self.started.values(), count // 2, None), now)
        is_many = count > (soon / 2 if self.does_wait else soon)
        self.does_wait = is_many and now - middle > kind.wait_seconds / 4
        self.limit = soon if self.does_wait else kind.most
        if do_players_wait and kind in _AFTER_PLAYERS:
            self.limit = 0


class Admission(Collector):
    """The gate of one process, and its metrics."""

    def __init__(self) -> None:
        self._flows: dict[tuple[str, bool], Flow] = {}
        self._expired: dict[Task, Unavailable] = {}
        self._checked_at = 0.0
        self._checks = 0
        self.is_checking = False
        self._refused_checks_ago = 0
        self.were_players_refused = False  # in the last seconds
        self._shed = dict.fromkeys(("overload", "deadline", "client_gone"), 0)

    def flow(self, kind: RequestClass, *, is_safe: bool) -> Flow:
        """The requests of a class in progress: reads if they are safe."""
        key = kind.name, is_safe
        flow = self._flows.get(key)
        if flow is None:
            flow = self._flows[key] = Flow(self, kind, is_safe=is_safe)
        return flow

    def count_refused(self, kind: RequestClass) -> None:
        """Count a request of this class that was refused."""
        self.count("overload")
        if kind is PLAYERS:
            self._refused_checks_ago = 0
            self.were_players_refused = True

    def count(self, reason: Literal["overload", "deadline", "client_gone"]) -> None:
        """Count a request that was refused or given up."""
        self._shed[reason] += 1

    def why_cancelled(self, task: Task) -> Unavailable:
        """The error for a request that was cancelled at its deadline.

        Raises:
            CancelledError: it was cancelled for another reason: its client has gone, or the service stops.
        """
        error = self._expired.pop(task, None)
        if error is None:
            raise asyncio.CancelledError
        task.uncancel()
        return error

    def start_checking(self) -> None:
        """Check deadlines and limits from now on, until no request is in progress."""
        self.is_checking = True
        self._checked_at = time.perf_counter()
        asyncio.get_running_loop().call_later(_CHECK_SECONDS, self._check)

    def _check(self) -> None:
        now = time.perf_counter()
        seconds, self._checked_at = now - self._checked_at, now
        self._checks += 1
        self._refused_checks_ago += 1
        if self._refused_checks_ago > _REMEMBERED_CHECKS:
            self.were_players_refused = False
        self._expired = {task: error for task, error in self._expired.items() if not task.done()}
        do_players_wait = any(flow.does_wait and flow.kind is PLAYERS for flow in self._flows.values())
        for flow in self._flows.values():
            flow.adapt(now, seconds, do_players_wait=do_players_wait)
            self._cancel_expired(flow, now)
            if self._checks % _EXPECTED_CHECKS == 0:  # some never came: they could not be read
                flow.expected = 0
        self.is_checking = any(flow.started for flow in self._flows.values())
        if self.is_checking:
            asyncio.get_running_loop().call_later(_CHECK_SECONDS, self._check)

    def _cancel_expired(self, flow: Flow, now: float) -> None:
        deadline = flow.kind.deadline_seconds
        for task, started in flow.started.items():
            if now - started < deadline:
                return
            if task not in self._expired:
                may_be_done = "" if flow.verb == "read" else "; what it asks for may have been done"
                self._expired[task] = Unavailable(f"the request took longer than {deadline:g} s{may_be_done}")
                self.count("deadline")
                task.cancel()

    def collect(self) -> Iterator[Metric]:
        """The metric families."""
        shed = CounterMetricFamily("laurel_shed", "Requests that were refused or given up.", labels=["reason"])
        for reason, count in self._shed.items():
            shed.add_metric([reason], count)
        yield shed
        labels = ["request_class", "kind"]
        started = GaugeMetricFamily("laurel_requests_in_progress", "Requests that are not answered yet.", labels=labels)
        limit = GaugeMetricFamily("laurel_requests_limit", "How many may be in progress at the moment.", labels=labels)
        for flow in self._flows.values():
            started.add_metric([flow.kind.name, flow.verb], len(flow.started))
            if flow.kind is not STREAMS:
                limit.add_metric([flow.kind.name, flow.verb], flow.limit)
        yield started
        yield limit


FLOW = web.RequestKey("flow", Flow)
"""Of a request with a body, which may have to wait for its client."""

_AFTER_PLAYERS = (CATALOGS, TRANSFERS)
