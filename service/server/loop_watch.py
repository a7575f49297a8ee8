"""Watches the event loop: how late it runs what is due, and which request or job has held it for long.

A timer on the loop measures how late it is. A thread looks at what the loop is doing when the timer is overdue, so that
requests cost nothing more. Searches of the garbage collector are measured as well, because everything waits for them.
"""

import asyncio
import contextlib
import gc
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from types import FrameType, MappingProxyType

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from service.concurrency.supervisor import running_job
from service.http.api import running_route
from service.telemetry import Observer

BEAT_SECONDS = 0.02
HELD_SECONDS = 0.05  # a step that takes longer is logged
WINDOW_SECONDS = 15.0  # of which the gauge shows the longest lag
_LOOK_AFTER_SECONDS = BEAT_SECONDS + 0.02  # the loop has been busy for 20 ms at least
_LOOPS = ("asyncio.base_events", "asyncio.runners", "uvloop", "gunicorn.")  # modules that run the event loop
_BELOW_HANDLERS = ("asyncio.", "aiohttp.")


class LoopWatch(Collector):
    """What is known of the event loop of this process, as log lines and Prometheus metrics."""

    def __init__(self, observer: Observer, *, slow_steps: Mapping[str, int] = MappingProxyType({})) -> None:
        self._observer = observer
        self._beat_at = 0.0
        self._lags: deque[tuple[float, float]] = deque()  # (when, seconds), each longer than those after it
        self._slow_steps = Counter(slow_steps)
        self._seen: tuple[float, str] = (0.0, "")  # the beat after which the loop was looked at, and what it was doing
        self._search_began_at = 0.0
        self._searches, self._search_seconds, self._longest_search_seconds = 0, 0.0, 0.0

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the running loop for as long as the block runs."""
        loop, stopped = asyncio.get_running_loop(), threading.Event()
        thread = threading.Thread(
            target=self._look, args=(threading.get_ident(), stopped), name="loop-watch", daemon=True
        )
        gc.callbacks.append(self._on_search)
        self._beat_at = time.perf_counter()
        beat = loop.create_task(self._beat())
        thread.start()
        try:
            yield
        finally:
            beat.cancel()
            stopped.set()
            thread.join()
            gc.callbacks.remove(self._on_search)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            now = time.perf_counter()
            beat_at, self._beat_at = self._beat_at, now
            lag = max(0.0, now - beat_at - BEAT_SECONDS)
            self._note_lag(now, lag)
            seen_after, doing = self._seen
            if lag + BEAT_SECONDS / 2 > HELD_SECONDS and seen_after == beat_at and doing:
                self._slow_steps[doing] += 1
                self._observer.log(
                    "warning",
                    f"{doing} held the event loop for {lag * 1000:.0f} ms",
                    step=doing,
                    duration_ms=round(lag * 1000, 3),
                )

    def _note_lag(self, now: float, lag: float) -> None:
        while self._lags and self._lags[-1][1] <= lag:
            self._lags.pop()
        self._lags.append((now, lag))
        while self._lags[0][0] < now - WINDOW_SECONDS:
            self._lags.popleft()

    def _look(self, loop_thread: int, stopped: threading.Event) -> None:
        while not stopped.wait(BEAT_SECONDS):
            beat_at = self._beat_at
            if time.perf_counter() - beat_at > _LOOK_AFTER_SECONDS and self._seen[0] != beat_at:
                self._seen = beat_at, _activity(sys._current_frames().get(loop_thread))  # noqa: SLF001  (documented)

    def _on_search(self, phase: str, _info: object) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._search_began_at = now
            return
        seconds = now - self._search_began_at
        self._searches += 1
        self._search_seconds += seconds
        self._longest_search_seconds = max(self._longest_search_seconds, seconds)
        if seconds > HELD_SECONDS / 2:
            self._seen = self._beat_at, "the garbage collector"

    def collect(self) -> Iterator[Metric]:
        """The metric families."""
        yield GaugeMetricFamily(
            "laurel_event_loop_lag_seconds",
            f"The longest delay of the event loop in the last {WINDOW_SECONDS:g} seconds.",
            value=self._lags[0][1] if self._lags else 0.0,
        )
        slow_steps = CounterMetricFamily(
            "laurel_slow_steps",
            f"Times that a request or job held the event loop for more than {HELD_SECONDS * 1000:g} ms.",
            labels=["step"],
        )
        for doing, count in list(self._slow_steps.items()):
            slow_steps.add_metric([doing], count)
        yield slow_steps
        yield SummaryMetricFamily(
            "laurel_garbage_collection_seconds",
            "How long searches of the garbage collector took.",
            count_value=self._searches,
            sum_value=self._search_seconds,
        )
        yield GaugeMetricFamily(
            "laurel_longest_garbage_collection_seconds",
            "The longest search of the garbage collector since the process started.",
            value=self._longest_search_seconds,
        )


def _activity(frame: FrameType | None) -> str:
    """What a thread does: the route of a request, the name of a job, or a function; "" if the loop waits."""
    outermost = ""
    while frame is not None:
        name = running_route(frame) or running_job(frame)
        if name is not None:
            return name
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith(_LOOPS):
            break
        if not module.startswith(_BELOW_HANDLERS):
            outermost = f"{module}.{frame.f_code.co_qualname}"
        frame = frame.f_back
    return outermost
