"""Logs and request metrics: one JSON line and one observation of a duration per request, and lines of background work.

A line's `text` can be read alone; its values are also fields. No line holds a token, a key or a player's id: players
appear as a keyed hash that only this process can compute.
"""

import asyncio
import bisect
import hashlib
import itertools
import logging
import os
import secrets
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Literal, TextIO

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

Level = Literal["debug", "info", "warning", "error"]

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_FLUSH_AFTER = 0.2  # seconds that a line is buffered at most, so that a busy second costs few writes
_FLUSH_AT = 512  # lines


class Observer:
    """Writes log lines to a stream and counts requests for Prometheus."""

    def __init__(self, *, level: Level = "info", stream: TextIO = sys.stderr) -> None:
        self._threshold = _LEVELS[level]
        self.stream = stream
        self._lines: list[bytes] = []
        self._pseudonym_key = secrets.token_bytes(16)
        self._flush_handle: asyncio.TimerHandle | None = None
        self.requests = RequestMetrics()
        self.registry = CollectorRegistry()
        self.registry.register(self.requests)

    def request(
        self,
        method: str,
        route: str,
        status: int,
        seconds: float,
        *,
        api: str,
        player: str | None = None,
        locale: str | None = None,
        error: Exception | None = None,
    ) -> None:
        """Log and count an answered request. `error` is an unexpected exception, logged with its trace."""
        method = method if method in _METHODS else "_OTHER"  # any method may be sent, and each would be a series
        self.requests.count(method, route, status, seconds)
        if error is not None:
            self.log("error", f"{method} {route} failed", api=api, trace="".join(traceback.format_exception(error)))
        elif self._threshold <= _LEVELS["info"]:
            self._write(
                _RequestLine(
                    time=time.time(),
                    text=f"{method} {route} {status}",
                    api=api,
                    method=method,
                    route=route,
                    status=status,
                    duration_ms=round(seconds * 1000, 3),
                    player=None if player is None else self.pseudonym(player),
                    locale=locale,
                )
            )

    def log(self, level: Level, text: str, **fields: str | float | None) -> None:
        """Write one line about anything that is not a request."""
        if _LEVELS[level] >= self._threshold:
            self._write({"time": time.time(), "level": level, "text": text, **fields})

    def pseudonym(self, name: str) -> str:
        """A hash of a player's id or a caller's name, with a key that only this process has."""
        return hashlib.blake2b(name.encode(), digest_size=6, key=self._pseudonym_key).hexdigest()

    def flush(self) -> None:
        """Write the buffered lines."""
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None
        if self._lines:
            self.stream.write(b"".join(self._lines).decode())
            self.stream.flush()
            self._lines.clear()

    def _write(self, line: object) -> None:
        self._lines.append(_encoder.encode(line) + b"\n")
        if len(self._lines) >= _FLUSH_AT:
            self.flush()
        elif self._flush_handle is None:
            try:
                self._flush_handle = asyncio.get_running_loop().call_later(_FLUSH_AFTER, self.flush)
            except RuntimeError:  # no loop: a command, not the service
                self.flush()


class RequestMetrics(Collector):
    """Histogram of request durations by method, route and status, with OpenTelemetry's names; no player, no title.

    Prometheus' own `Histogram` takes 4 µs more for each request.
    """

    def __init__(self) -> None:
        self._series: dict[tuple[str, str, int], list[float]] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. A series holds a count per bucket, and last the sum of seconds."""
        key = method, route, status
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = [0.0] * (len(_BUCKETS) + 2)
        series[bisect.bisect_left(_BUCKETS, seconds)] += 1
        series[-1] += seconds

    def collect(self) -> Iterator[Metric]:
        """The metric families, with cumulative buckets."""
        durations = HistogramMetricFamily(
            "http_server_request_duration_seconds",
            "How long requests took to be answered.",
            labels=["http_request_method", "http_route", "http_response_status_code"],
        )
        bounds = (*map(str, _BUCKETS), "+Inf")
        for (method, route, status), series in self._series.items():
            buckets = list(zip(bounds, itertools.accumulate(series[:-1]), strict=True))
            durations.add_metric([method, route, str(status)], buckets, series[-1])
        yield durations
        process = CounterMetricFamily("laurel_process", "This process, by its number.", labels=["pid"])
        process.add_metric([str(os.getpid())], 1)
        yield process


class _RequestLine(msgspec.Struct, frozen=True, kw_only=True):
    time: float
    level: Level = "info"
    text: str
    api: str
    method: str
    route: str
    status: int
    duration_ms: float
    player: str | None
    locale: str | None


class LoggingBridge(logging.Handler):
    """Passes warnings and errors that libraries and background work log to the observer."""

    def __init__(self, observer: Observer) -> None:
        super().__init__(logging.WARNING)
        self._observer = observer

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record as one line, with its trace if it has one."""
        trace = None if record.exc_info is None else "".join(traceback.format_exception(record.exc_info[1]))
        level: Level = "error" if record.levelno >= logging.ERROR else "warning"
        self._observer.log(level, record.getMessage(), logger=record.name, trace=trace)


_encoder = msgspec.json.Encoder()
