"""Subscriptions to changes of players, for streams and sockets: local writes notify at once, others by polling.

The revisions of all subscribed players are polled once a second, in one statement. No change is lost: a subscriber who is
notified reads the current state. Many subscribers are notified a few at a time, because all those that are notified at
once read and send before anything else runs.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator

import msgspec

from service.db import Connection
from service.db.pool import Pool
from service.db.queries import query
from service.errors import Unavailable

POLL_SECONDS = 1.0
MAX_SUBSCRIPTIONS = 10_000  # of one process: each holds a connection open
NOTIFIED_AT_ONCE = 32
PAUSE_SECONDS = 0.002  # after so many


class Subscription:
    """One subscriber's view of a player: `next` waits until something may have changed since it last returned."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def notify(self) -> None:
        """Let `next` return."""
        self._changed.set()

    async def next(self) -> None:
        """Wait for a notification; one that came before the call counts."""
        await self._changed.wait()
        self._changed.clear()


class Subscriptions:
    """The subscriptions of one process, by player."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._subscriptions: dict[str, set[Subscription]] = {}
        self._revisions: dict[str, int] = {}
        self._count = 0
        self._to_notify: dict[Subscription, None] = {}
        self._notifying: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def subscribe(self, player: str) -> AsyncIterator[Subscription]:
        """A subscription to a player while the block runs.

        Raises:
            Unavailable: the process has `MAX_SUBSCRIPTIONS` already.
        """
        if self._count >= MAX_SUBSCRIPTIONS:
            raise Unavailable("this process has too many subscriptions already")
        subscription = Subscription()
        self._count += 1
        self._subscriptions.setdefault(player, set()).add(subscription)
        try:
            yield subscription
        finally:
            self._count -= 1
            self._to_notify.pop(subscription, None)
            self._subscriptions[player].discard(subscription)
            if not self._subscriptions[player]:
                del self._subscriptions[player]
                self._revisions.pop(player, None)

    def notify(self, player: str) -> None:
        """Notify the subscribers of a player: at once if they are few, else a few at a time."""
        subscriptions = self._subscriptions.get(player, ())
        if len(subscriptions) + len(self._to_notify) <= NOTIFIED_AT_ONCE:
            for subscription in subscriptions:
                subscription.notify()
            return
        self._to_notify |= dict.fromkeys(subscriptions)
        if self._notifying is None or self._notifying.done():
            self._notifying = asyncio.create_task(self._notify_in_turn())

    async def _notify_in_turn(self) -> None:
        while self._to_notify:
            for subscription in list(itertools.islice(self._to_notify, NOTIFIED_AT_ONCE)):
                del self._to_notify[subscription]
                subscription.notify()
            await asyncio.sleep(PAUSE_SECONDS)

    def notify_all(self) -> None:
        """Notify every subscriber: the service stops, or changes may have been missed."""
        for subscription in itertools.chain.from_iterable(self._subscriptions.values()):
            subscription.notify()

    def forget(self) -> None:
        """Forget the revisions of all players, and notify every subscriber."""
        self._revisions.clear()
        self.notify_all()

    async def poll(self) -> None:
        """Notify of the players that other processes wrote since the last poll.

        The first poll of a player always notifies: it is not known what happened since the subscription began.

        Raises:
            Unavailable: the database is out of reach.
        """
        if not self._subscriptions:
            return

        async def read(connection: Connection) -> list[_RevisionRow]:
            return await _revisions.all(connection, players=list(self._subscriptions))

        for row in await self._pool.read(read):
            if row.player in self._subscriptions and self._revisions.get(row.player) != row.revision:
                self._revisions[row.player] = row.revision
                self.notify(row.player)


class _RevisionRow(msgspec.Struct, frozen=True):
    player: str
    revision: int


_revisions = query("progress.revisions", row=_RevisionRow)
