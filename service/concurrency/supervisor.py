"""Runs background jobs again and again, with back-off after failures, and knows how each of them is doing.

Nothing but cancelling ends a job: a round that raises, whatever it raises, is followed by another one.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType

import msgspec
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.telemetry import Observer

FIRST_RETRY_SECONDS = 0.5  # doubled after each failure that follows
LONGEST_RETRY_SECONDS = 5.0
JITTER = 0.25  # of a pause, either way: processes that failed together do not retry together


class JobStatus(msgspec.Struct):
    """How a background job of this process is doing. `last_success` is in Unix seconds, None before the first.

    `error` names the type of the last round's error, None if it succeeded.
    """

    last_success: float | None = None
    failures: int = 0
    consecutive_failures: int = 0
    error: str | None = None

    def succeeded(self) -> None:
        """Note a success: a round that ended, or progress of one that goes on."""
        self.last_success = time.time()
        self.consecutive_failures, self.error = 0, None

    def failed(self, error: BaseException, *, longest: float = LONGEST_RETRY_SECONDS) -> float:
        """Note a failed round, and return how many seconds to wait before the next one."""
        self.failures += 1
        self.consecutive_failures += 1
        self.error = type(error).__name__
        doubled = FIRST_RETRY_SECONDS * 2.0 ** min(self.consecutive_failures - 1, 10)
        return min(doubled, longest) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  (no secret)


class Supervisor(Collector):
    """The background jobs of this process, and their Prometheus metrics. `statuses` are by the names of the jobs."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self.statuses: dict[str, JobStatus] = {}

    async def run(
        self, name: str, action: Callable[[], Awaitable[object]], *, seconds: float, at_once: bool = False
    ) -> None:
        """Run an action every `seconds` (0: whenever it ends), until cancelled; after a failure by back-off.

        The pause after a failure is never longer than that after a success. An error is logged, unless it repeats the
        last one.
        """
        longest = min(seconds or LONGEST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        status = self.statuses[name] = JobStatus()
        pause, last_error = 0.0 if at_once else seconds, ""
        while True:
            await asyncio.sleep(pause)
            pause = seconds
            try:
                await action()
                status.succeeded()
                last_error = ""
            except BaseException as error:
                if not isinstance(error, Exception | asyncio.CancelledError) or _is_cancelled():
                    raise
                pause = status.failed(error, longest=longest)
                if repr(error) != last_error:
                    last_error = repr(error)
                    self._observer.log("warning", f"{name} failed, retrying in {pause:.1f} s", error=last_error)

    def succeeded(self, name: str) -> None:
        """Note a success of a job whose rounds go on for long."""
        self.statuses[name].succeeded()

    def collect(self) -> Iterator[Metric]:
        """The metric families."""
        last_success = GaugeMetricFamily(
            "laurel_job_last_success_timestamp_seconds",
            "When a background job last succeeded, in Unix seconds; 0 before the first time.",
            labels=["job"],
        )
        consecutive_failures = GaugeMetricFamily(
            "laurel_job_consecutive_failures",
            "How often a background job has failed since it last succeeded.",
            labels=["job"],
        )
        failures = CounterMetricFamily("laurel_job_failures", "Failed rounds of a background job.", labels=["job"])
        for name, status in self.statuses.items():
            last_success.add_metric([name], status.last_success or 0.0)
            consecutive_failures.add_metric([name], status.consecutive_failures)
            failures.add_metric([name], status.failures)
        yield from (last_success, consecutive_failures, failures)


def running_job(frame: FrameType) -> str | None:
    """The name of the job that runs in this frame of the stack; None for any other frame."""
    return frame.f_locals["name"] if frame.f_code is Supervisor.run.__code__ else None


def _is_cancelled() -> bool:
    """Whether this task itself is being cancelled, and not only something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
