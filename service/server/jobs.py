"""Background jobs: polling, merging counters, backfills, schedules and webhooks, in every process.

Jobs over all titles or players are claimed in the database, so that one process at a time runs them and another one
resumes them if it dies.
"""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator

from service.api import trophy
from service.core.events import backfill, event_log, subscriptions, tenure
from service.core.events.outbox import DueMessage
from service.core.publishing import schedules
from service.db.limits import CATALOG
from service.db.listen import listen
from service.http.services import Services
from service.outbound import webhooks
from service.outbound.destinations import Destinations

RARITY_INTERVAL_SECONDS = 15.0
MERGE_INTERVAL_SECONDS = 2.0
TENURE_INTERVAL_SECONDS = 2.0
BACKFILL_INTERVAL_SECONDS = 2.0  # between polls; pages follow each other while there is work
SCHEDULES_INTERVAL_SECONDS = 1.0  # reads an index that holds only what is due
FALLBACKS_INTERVAL_SECONDS = 30.0
KEY_USE_INTERVAL_SECONDS = 60.0
PARTITIONS_INTERVAL_SECONDS = 3600.0
MONTHS_AHEAD = 3


@contextlib.asynccontextmanager
async def background(services: Services, *, url: str | None = None) -> AsyncIterator[None]:
    """Run all jobs for as long as the block runs.

    `url` is the database to LISTEN on; without it, new releases are found by polling alone.
    """
    jobs, run, poll = Jobs(services), services.jobs.run, services.settings.catalog_poll
    destinations = Destinations(services.settings.outbound_networks)
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(destinations.session(webhooks.TIMEOUT))
        deliveries = webhooks.Webhooks(
            services.pool, session, jobs.render, services.observer, destinations=destinations
        )
        stack.push_async_callback(deliveries.close)
        loops = [
            run("releases", jobs.poll_releases, seconds=poll),
            run("credentials", jobs.check_credentials, seconds=poll),
            run("key_use", services.api_keys.record_use, seconds=KEY_USE_INTERVAL_SECONDS),
            run("user_contexts", services.user_contexts.refresh, seconds=poll),
            run("rarities", services.rarities.refresh, seconds=RARITY_INTERVAL_SECONDS),
            run("holder_counts", jobs.merge_deltas, seconds=MERGE_INTERVAL_SECONDS),
            run("event_partitions", jobs.maintain_partitions, seconds=PARTITIONS_INTERVAL_SECONDS, at_once=True),
            run("backfill", jobs.run_backfill, seconds=BACKFILL_INTERVAL_SECONDS),
            run("tenure", jobs.award_tenure, seconds=TENURE_INTERVAL_SECONDS),
            run("schedules", jobs.publish_due, seconds=SCHEDULES_INTERVAL_SECONDS),
            run("fallbacks", services.fallbacks.flush, seconds=FALLBACKS_INTERVAL_SECONDS),
            run("subscriptions", services.subscriptions.poll, seconds=subscriptions.POLL_SECONDS),
            run("webhooks", deliveries.deliver, seconds=0.0),
        ]
        if url is not None:
            notifications = functools.partial(jobs.listen, url)
            loops.append(run("notifications", notifications, seconds=0.0))
        if services.jwks is not None:
            on_refresh = functools.partial(services.jobs.succeeded, "key_set")
            loops.append(run("key_set", functools.partial(services.jwks.run, on_refresh=on_refresh), seconds=0.0))
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

    async def poll_releases(self) -> None:
        """Load what was published since; and forget everything that was read, if the database went back in time."""
        services = self._services
        incarnation_id = await services.incarnation.check(services.pool)
        if incarnation_id is None:
            await services.snapshots.refresh()
            return
        await services.snapshots.reload()
        # Without a pause: a request sees either all that was remembered, or nothing of it.
        services.incarnation.adopt(incarnation_id)
        for memory in (
            services.progress,
            services.writer,
            services.api_keys,
            services.user_contexts,
            services.subscriptions,
        ):
            memory.forget()
        services.open_streams.end_all()
        services.observer.log("warning", "the database went back in time: forgot everything that was read from it")
        await services.rarities.refresh()

    async def check_credentials(self) -> None:
        """Forget the keys that were revoked, and end the streams and sockets whose credential is no longer valid."""
        try:
            for prefix in await self._services.api_keys.refresh():
                self._services.security_log.write("key_ended", key=prefix)
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

    async def listen(self, url: str) -> None:
        """Poll for new releases whenever one is published, until the connection is lost."""

        async def poll() -> None:
            await self.poll_releases()
            self._services.jobs.succeeded("notifications")

        await listen(url, "publication", poll)

    async def render(self, due: DueMessage) -> bytes | None:
        """The webhook body of an unlock; None if its achievement is not published.

        Another process may have unlocked it in a release that this one has not loaded yet.

        Raises:
            Unavailable: the database is out of reach.
        """
        message = self._message(due)
        if message is None:
            await self._services.snapshots.refresh()
            message = self._message(due)
        return message

    def _message(self, due: DueMessage) -> bytes | None:
        published = self._services.snapshots.current.titles.get(due.title_id)
        return None if published is None else trophy.completed_message(published, due.player, due.number, due.at)
