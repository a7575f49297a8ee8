"""What goes on beside the requests: each thing again and again, at its own pace, in every process.

Whatever works over all titles or players is done by one process at a time, by a claim in the database, and goes on
where it was if that process dies.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from service.api import trophy
from service.core.events import backfill, event_log, subscriptions, tenure
from service.core.events.outbox import Due
from service.core.publishing import schedules
from service.db.listen import listen
from service.http.services import Services
from service.outbound.webhooks import Webhooks
from service.settings import SECONDS
from service.telemetry import Observer

RARITY_POLL = 15.0 * SECONDS
FOLD_EVERY = 2.0 * SECONDS
AGE_EVERY = 2.0 * SECONDS
BACKFILL_EVERY = 2.0 * SECONDS  # a look for work; a page follows the other while there is some
SCHEDULES_EVERY = 1.0 * SECONDS  # a look at an index that is empty but for what is due
FALLBACKS_EVERY = 30.0 * SECONDS
LISTEN_AGAIN = 5.0 * SECONDS  # after the connection was lost: polling goes on meanwhile
MONTHS_EVERY = 3600.0 * SECONDS
MONTHS_AHEAD = 3


@contextlib.asynccontextmanager
async def background(services: Services, *, url: str | None = None) -> AsyncIterator[None]:
    """All of it goes on while the block runs.

    `url` is the database that is listened to; without one, what is published is found by looking alone.
    """
    chores, observer, poll = Jobs(services), services.observer, services.settings.catalog_poll
    jobs = [
        _every(poll, services.snapshots.refresh, observer),
        _every(poll, services.api_keys.refresh, observer),
        _every(poll, services.user_contexts.refresh, observer),
        _every(RARITY_POLL, services.rarities.refresh, observer),
        _every(FOLD_EVERY, chores.merge_deltas, observer),
        _every(MONTHS_EVERY, chores.maintain_partitions, observer, at_once=True),
        _every(BACKFILL_EVERY, chores.run_backfill, observer),
        _every(AGE_EVERY, chores.award_tenure, observer),
        _every(SCHEDULES_EVERY, chores.publish_due, observer),
        _every(FALLBACKS_EVERY, services.fallbacks.flush, observer),
        _every(subscriptions.POLL, services.subscriptions.poll, observer),
        Webhooks(services.pool, chores.render, observer).run(),
    ]
    if url is not None:

        async def listen_to_publications() -> None:
            await listen(url, "publication", services.snapshots.refresh)

        jobs.append(_every(LISTEN_AGAIN, listen_to_publications, observer, at_once=True))
    if services.jwks is not None:
        jobs.append(services.jwks.run())
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Jobs:
    """One round of each thing that no part does by itself."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def merge_deltas(self) -> None:
        """Take what was counted since into the sums."""
        async with self._services.pool.connection() as connection:
            await self._services.holder_counts.merge_deltas(connection)

    async def run_backfill(self) -> None:
        """Give players what they had reached before it could be unlocked."""
        while await backfill.run_step(self._services.pool, self._services.writer, self._services.snapshots):
            pass

    async def award_tenure(self) -> None:
        """Give players what time alone has earned."""
        await tenure.award_due(self._services.pool, self._services.writer, self._services.snapshots)

    async def publish_due(self) -> None:
        """Publish what was scheduled for now."""
        await schedules.run_due(self._services.pool)

    async def maintain_partitions(self) -> None:
        """Make months of the log ahead, and let go of those that are not kept."""
        async with self._services.pool.connection() as connection:
            await event_log.make_months(connection, MONTHS_AHEAD)
            if self._services.settings.event_retention_months:
                await event_log.drop_months(connection, older_than=self._services.settings.event_retention_months)

    def render(self, due: Due) -> bytes | None:
        """What a webhook is told of an unlock; None if it is not served any more."""
        published = self._services.snapshots.current.titles.get(due.title_id)
        return None if published is None else trophy.completed(published, due.player, due.number, due.at)


async def _every(
    seconds: float, action: Callable[[], Awaitable[None]], observer: Observer, *, at_once: bool = False
) -> None:
    """Do it again and again; a failure is said once, and made up by the next time that goes well."""
    has_failed = False
    while True:
        if not at_once:
            await asyncio.sleep(seconds)
        at_once = False
        try:
            await action()
        except Exception as error:  # noqa: BLE001  (background work outlives whatever happens to one round of it)
            if not has_failed:
                observer.log("warning", f"{action.__qualname__} failed, and is tried again", error=repr(error))
            has_failed = True
        else:
            has_failed = False
