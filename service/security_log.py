"""The security log: refused, failed and successful sign-ins, and revoked keys, as lines of JSON apart from other logs.

No line holds a token, a secret or a player's id. Somebody who repeats the same act fills no disk: their lines are
limited, as all lines of one event are, and the next line says how many were left out.
"""

import collections
import contextlib
import os
import pathlib
import time
from collections.abc import Iterator
from typing import TextIO

import msgspec
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from service.quotas import Quota, RecentTable, TokenBucket

_EACH = Quota(10, 60)  # lines of one event and address
_ALL = Quota(600, 60)  # lines of one event
_TABLE_SIZE = 4_096
_OPEN = os.O_WRONLY | os.O_APPEND | os.O_CREAT


class SecurityLog(Collector):
    """Writes to a file, which may be moved away at any time, or to a stream; counts all events by their names."""

    def __init__(self, path: pathlib.Path | None, *, stream: TextIO) -> None:
        """Open the file; only its owner can read it.

        Raises:
            OSError: it cannot be written.
        """
        self._path = path
        self._stream = stream
        self._descriptor = None if path is None else os.open(path, _OPEN, 0o600)
        self._repeats: RecentTable[tuple[str, str | None], _Repeats] = RecentTable(
            lambda _: _Repeats(), size=_TABLE_SIZE
        )
        self._buckets: dict[str, TokenBucket] = {}
        self._counts: collections.Counter[str] = collections.Counter()

    def write(self, event: str, *, address: str | None = None, **fields: str | int | None) -> None:
        """Write one event, unless there were too many like it. Fields that are None are left out."""
        self._counts[event] += 1
        now, repeats = time.monotonic(), self._repeats.get((event, address))
        bucket = self._buckets.setdefault(event, TokenBucket())
        if repeats.bucket.take(_EACH, now) or bucket.take(_ALL, now):
            repeats.left_out += 1
            return
        line = {"time": time.time(), "log": "security", "event": event, "address": address, **fields}
        line["left_out"] = repeats.left_out or None
        repeats.left_out = 0
        self._append(msgspec.json.encode({name: value for name, value in line.items() if value is not None}) + b"\n")

    def collect(self) -> Iterator[Metric]:
        """The metric families."""
        family = CounterMetricFamily("laurel_security_events", "Security events, logged or left out.", labels=["event"])
        for event, count in self._counts.items():
            family.add_metric([event], count)
        yield family

    def _append(self, line: bytes) -> None:
        if self._descriptor is not None and self._path is not None:
            with contextlib.suppress(OSError):  # a full disk ends neither the request nor the line
                self._reopen_if_moved(self._path, self._descriptor)
                os.write(self._descriptor, line)
                return
        self._stream.write(line.decode())
        self._stream.flush()

    def _reopen_if_moved(self, path: pathlib.Path, descriptor: int) -> None:
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                return
        self._descriptor = os.open(path, _OPEN, 0o600)
        os.close(descriptor)


class _Repeats:
    """The lines of one event and address: how many may follow, and how many were left out since the last one."""

    __slots__ = ("bucket", "left_out")

    def __init__(self) -> None:
        self.bucket = TokenBucket()
        self.left_out = 0
