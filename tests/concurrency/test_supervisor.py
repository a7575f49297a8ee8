"""Background jobs are run again whatever a round does, and their status is kept."""

import asyncio
import io
import itertools
import time

import pytest
from prometheus_client.core import CollectorRegistry

from service.concurrency.supervisor import JITTER, LONGEST_RETRY_SECONDS, JobStatus, Supervisor
from service.telemetry import Observer
from tests.servers import PATIENCE


class Rounds:
    """A job whose rounds take these results, one after the other and then the last one: errors are raised."""

    def __init__(self, *results):
        self.results = list(results)
        self.count = 0
        self.all_taken = asyncio.Event()

    async def __call__(self):
        """Run one round."""
        self.count += 1
        if self.count == len(self.results):
            self.all_taken.set()
        result = self.results[min(self.count, len(self.results)) - 1]
        if result is not None:
            raise result


@pytest.fixture
def log():
    return io.StringIO()


@pytest.fixture
async def run(log, monkeypatch):
    """Runs a job until all its results were taken; returns the supervisor."""
    monkeypatch.setattr("service.concurrency.supervisor.FIRST_RETRY_SECONDS", 0.001)
    observer = Observer(level="warning", stream=log)
    supervisor = Supervisor(observer)

    async def ran(rounds):
        task = asyncio.create_task(supervisor.run("job", rounds, seconds=0.001, at_once=True))
        async with asyncio.timeout(PATIENCE):
            await rounds.all_taken.wait()
        await asyncio.sleep(0)  # the last round ends
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        observer.flush()
        return supervisor

    return ran


@pytest.mark.parametrize("error", [ValueError("no"), asyncio.CancelledError(), TimeoutError()], ids=repr)
async def test_job_goes_on_after_any_error(run, error):
    rounds = Rounds(error, error, None)

    supervisor = await run(rounds)

    status = supervisor.statuses["job"]
    assert (rounds.count, status.failures, status.consecutive_failures, status.error) == (3, 2, 0, None)
    assert status.last_success == pytest.approx(time.time(), abs=PATIENCE)


async def test_status_and_metrics_show_a_job_that_fails(run):
    supervisor = await run(Rounds(None, KeyError("a"), KeyError("b")))

    status = supervisor.statuses["job"]
    assert (status.consecutive_failures, status.error) == (2, "KeyError")
    registry = CollectorRegistry()
    registry.register(supervisor)
    labels = {"job": "job"}
    assert registry.get_sample_value("laurel_job_consecutive_failures", labels) == 2
    assert registry.get_sample_value("laurel_job_failures_total", labels) == 2
    assert registry.get_sample_value("laurel_job_last_success_timestamp_seconds", labels) == status.last_success


async def test_error_is_logged_once_until_it_is_another(run, log):
    await run(Rounds(*[ValueError("a")] * 3, KeyError("b"), None, KeyError("b"), None))

    assert [line.split('"error":')[1] for line in log.getvalue().splitlines()] == [
        "\"ValueError('a')\"}",
        "\"KeyError('b')\"}",
        "\"KeyError('b')\"}",
    ]


def test_pause_is_never_longer_than_after_a_success():
    status = JobStatus()

    pauses = [status.failed(ValueError(), longest=0.1) for _ in range(10)]

    assert max(pauses) <= 0.1 * (1 + JITTER)


def test_pauses_double_up_to_a_bound():
    status = JobStatus()

    pauses = [status.failed(ValueError()) for _ in range(40)]

    for before, after in itertools.pairwise(pauses[:4]):
        assert 2 * (1 - JITTER) / (1 + JITTER) <= after / before <= 2 * (1 + JITTER) / (1 - JITTER)
    assert max(pauses) <= LONGEST_RETRY_SECONDS * (1 + JITTER)
    assert len(set(pauses)) > 30
