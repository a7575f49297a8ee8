"""Who waits for something to happen to a player, and is told when it did.

A write of this process tells at once. Those of other processes are found by context for the revisions of all watched
players once a second, in one statement. Nothing is lost either way: whoever is told reads what is there.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec

from service.db import Connection
from service.db.pool import Pool
from service.db.queries import query
from service.errors import Unavailable

SECONDS = 1.0
POLL_SECONDS = 1.0 * SECONDS
MAX_SUBSCRIPTIONS = 10_000  # of one process: each holds a connection open


class Subscription:
    """One watcher's view of a player: `next` waits until something may be new since it last returned."""

    def __init__(self) -> None:
        self._happened = asyncio.Event()

    def notify(self) -> None:
        """Something may be new."""
        self._happened.set()

    async def next(self) -> None:
        """Wait until something may be new. What is told meanwhile is not lost: the next wait ends at once."""
        await self._happened.wait()
        self._happened.clear()


class Subscriptions:
    """The watchers of one process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._watchers: dict[str, set[Subscription]] = {}
        self._revisions: dict[str, int] = {}
        self._count = 0

    @contextlib.asynccontextmanager
    async def subscribe(self, player: str) -> AsyncIterator[Subscription]:
        """Watch a player while the block runs.

        Raises:
            Unavailable: too many watch already.
        """
        if self._count >= MAX_SUBSCRIPTIONS:
            raise Unavailable("too many are listening here already")
        changes = Subscription()
        self._count += 1
        self._watchers.setdefault(player, set()).add(changes)
        try:
            yield changes
        finally:
            self._count -= 1
            self._watchers[player].discard(changes)
            if not self._watchers[player]:
                del self._watchers[player]
                self._revisions.pop(player, None)

    def notify(self, player: str) -> None:
        """Something was written of this player."""
        for changes in self._watchers.get(player, ()):
            changes.notify()

    def notify_all(self) -> None:
        """Wake everybody: the service ends, or something may have been missed."""
        for player in self._watchers:
            self.notify(player)

    async def poll(self) -> None:
        """Ask what others have written of the players who are watched here.

        The first time that a player is asked for, they are told: what happened since they began to watch is not known.
        """
        if not self._watchers:
            return

        async def read(connection: Connection) -> list[_RevisionRow]:
            return await _revisions.all(connection, players=list(self._watchers))

        for row in await self._pool.read(read):
            if row.player in self._watchers and self._revisions.get(row.player) != row.revision:
                self._revisions[row.player] = row.revision
                self.notify(row.player)


class _RevisionRow(msgspec.Struct, frozen=True):
    player: str
    revision: int


_revisions = query("progress.revisions", row=_RevisionRow)
