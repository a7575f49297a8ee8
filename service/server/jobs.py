"""Background jobs: polling, merging counters, backfills, schedules and webhooks, in every process.

Jobs over all titles or players are claimed in the database, so that one process at a time runs them and another one
resumes them if it dies.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp

from service.api import trophy
from service.core.events import backfill, event_log, subscriptions, tenure
from service.core.events.outbox import DueMessage
from service.core.publishing import schedules
from service.db.limits import CATALOG
from service.db.listen import listen
from service.http.services import Services
from service.outbound import jwks, webhooks
from service.telemetry import Observer

RARITY_INTERVAL_SECONDS = 15.0
MERGE_INTERVAL_SECONDS = 2.0
TENURE_INTERVAL_SECONDS = 2.0
BACKFILL_INTERVAL_SECONDS = 2.0  # between polls; pages follow each other while there is work
SCHEDULES_INTERVAL_SECONDS = 1.0  # reads an index that holds only what is due
FALLBACKS_INTERVAL_SECONDS = 30.0
RECONNECT_INTERVAL_SECONDS = 5.0  # after the connection was lost; polling continues meanwhile
PARTITIONS_INTERVAL_SECONDS = 3600.0
MONTHS_AHEAD = 3


@contextlib.asynccontextmanager
async def background(services: Services, *, url: str | None = None) -> AsyncIterator[None]:
    """Run all jobs for as long as the block runs.

    `url` is the database to LISTEN on; without it, new releases are found by polling alone.
    """
    jobs, observer, poll = Jobs(services), services.observer, services.settings.catalog_poll
    loops = [
        _every(poll, services.snapshots.refresh, observer),
        _every(poll, jobs.check_credentials, observer),
        _every(poll, services.user_contexts.refresh, observer),
        _every(RARITY_INTERVAL_SECONDS, services.rarities.refresh, observer),
        _every(MERGE_INTERVAL_SECONDS, jobs.merge_deltas, observer),
        _every(PARTITIONS_INTERVAL_SECONDS, jobs.maintain_partitions, observer, at_once=True),
        _every(BACKFILL_INTERVAL_SECONDS, jobs.run_backfill, observer),
        _every(TENURE_INTERVAL_SECONDS, jobs.award_tenure, observer),
        _every(SCHEDULES_INTERVAL_SECONDS, jobs.publish_due, observer),
        _every(FALLBACKS_INTERVAL_SECONDS, services.fallbacks.flush, observer),
        _every(subscriptions.POLL_SECONDS, services.subscriptions.poll, observer),
    ]
    if url is not None:

        async def listen_to_publications() -> None:
            await listen(url, "publication", services.snapshots.refresh)

        loops.append(_every(RECONNECT_INTERVAL_SECONDS, listen_to_publications, observer, at_once=True))
    if services.jwks is not None:
        loops.append(_every(jwks.RETRY_SECONDS, services.jwks.run, observer, at_once=True))
    async with aiohttp.ClientSession(timeout=webhooks.TIMEOUT) as session:
        deliveries = webhooks.Webhooks(services.pool, session, jobs.render, observer)
        loops.append(_every(webhooks.POLL_INTERVAL_SECONDS, deliveries.deliver_all_due, observer))
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class Jobs:
    """One round of each job."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def check_credentials(self) -> None:
        """Forget the keys that were revoked, and end the streams and sockets whose credential is no longer valid."""
        try:
            await self._services.api_keys.refresh()
        finally:
            await self._services.open_streams.check()  # tokens expire whether the database is there or not

    async def merge_deltas(self) -> None:
        """Merge deltas of achievement holders into their totals."""
        async with self._services.pool.connection(CATALOG) as connection:
            await self._services.holder_counts.merge_deltas(connection)

    async def run_backfill(self) -> None:
        """Unlock newly earnable achievements whose target players had reached before."""
        while await backfill.run_step(self._services.pool, self._services.writer, self._services.snapshots):
            pass

    async def award_tenure(self) -> None:
        """Unlock achievements that are earned by time alone."""
        await tenure.award_due(self._services.pool, self._services.writer, self._services.snapshots)

    async def publish_due(self) -> None:
        """Publish schedules that are due."""
        await schedules.run_due(self._services.pool, run=self._services.processes.run_for("schedules"))

    async def maintain_partitions(self) -> None:
        """Create partitions of the event log ahead of time, and drop those past their retention."""
        async with self._services.pool.connection(CATALOG) as connection:
            await event_log.create_partitions(connection, MONTHS_AHEAD)
            if self._services.settings.event_retention_months:
                await event_log.drop_partitions(connection, older_than=self._services.settings.event_retention_months)

    def render(self, due: DueMessage) -> bytes | None:
        """The webhook body of an unlock; None if its achievement is no longer published."""
        published = self._services.snapshots.current.titles.get(due.title_id)
        return None if published is None else trophy.completed_message(published, due.player, due.number, due.at)


async def _every(
    seconds: float, action: Callable[[], Awaitable[None]], observer: Observer, *, at_once: bool = False
) -> None:
    """Run an action periodically. A failure is logged, unless it repeats the last one; the action is retried."""
    last_error = None
    while True:
        if not at_once:
            await asyncio.sleep(seconds)
        at_once = False
        try:
            await action()
        except Exception as error:  # noqa: BLE001  (a failed round must not end the job)
            if repr(error) != last_error:
                observer.log("warning", f"{action.__qualname__} failed, retrying in {seconds:g} s", error=repr(error))
            last_error = repr(error)
        else:
            last_error = None
