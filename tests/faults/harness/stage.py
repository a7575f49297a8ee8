"""What the scenarios of one family share: PostgreSQL behind a proxy, a service, a journal, and checks after each scenario."""

import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Collection

from service.core.auth.principal import OPERATOR
from service.core.catalog.model import Draft
from service.core.publishing.publish import roll_back
from service.db.limits import UNLIMITED
from service.db.pool import open_pool
from tests.factories import publish_draft
from tests.faults.harness.journal import Journal
from tests.faults.harness.load import Load
from tests.faults.harness.postgres import Database, PrivatePostgres
from tests.faults.harness.proxy import Proxy
from tests.faults.harness.service import Service, serving, until
from tests.faults.harness.table import Row

POLL_SECONDS = 0.2
"""LAUREL_CATALOG_POLL."""

POOL_SIZE = 4
LONG_POOL_SIZE = 2
SETTINGS = {
    "LAUREL_POOL_SIZE": str(POOL_SIZE),
    "LAUREL_CATALOG_POLL": str(POLL_SECONDS),
    "LAUREL_OUTBOUND_NETWORKS": "127.0.0.0/8",
}

MAX_LOG_LINES = 100
"""Of one scenario, however many requests failed."""

_KEYS = 16
RECOVERY_SECONDS = 1.0
"""How soon every request succeeds after the fault, as the service promises."""

_RECOVERY_MARGIN = 2.0


class Stage:
    """A service whose connections to PostgreSQL pass through `network`."""

    def __init__(
        self, database: Database, network: Proxy, service: Service, keys: list[str], *, workers: int = 1
    ) -> None:
        self.postgres = database.server
        self.database = database
        self.network = network
        self.network_url = f"postgresql://laurel@127.0.0.1:{network.port}/{database.name}"
        self.service = service
        self.keys = keys
        self.journal = Journal()
        self._workers = workers
        self._children = self._children_before = len(service.children())

    def load(self, url: Callable[[str], str] | None = None, **sizes: int) -> Load:
        """A load on the service, with which a scenario begins."""
        self._children_before = len(self.service.children())
        return Load(self.journal, self.keys, url or (lambda _: self.service.url), **sizes)

    async def publish(self, new: Draft) -> None:
        """Publish a title, as a command does."""
        async with (
            await open_pool(self.database.url, size=1, limits=UNLIMITED) as pool,
            pool.transaction() as connection,
        ):
            await publish_draft(connection, new)

    async def roll_back(self, release: int) -> None:
        """Serve an earlier release of title 1 again, as a command does."""
        async with (
            await open_pool(self.database.url, size=1, limits=UNLIMITED) as pool,
            pool.transaction() as connection,
        ):
            await roll_back(connection, OPERATOR, 1, release=release)

    async def settle(self, load: Load, scenario: str, *, may_cut: bool = False) -> Row:
        """The row of a scenario that has ended, after checking that it left nothing behind and broke no promise.

        `may_cut` allows requests whose connection was cut.
        """
        row = load.row(scenario, lost=await self.journal.lost(self.database))
        wrong, self.journal.wrong = self.journal.wrong, []
        assert not wrong, wrong[:10]
        assert (row.lost, row.failed, row.refused) == (0, 0, 0), row
        assert may_cut or row.ok + row.unavailable == row.sent, row
        if row.recovery is not None:
            assert row.recovery <= RECOVERY_SECONDS + _RECOVERY_MARGIN, row
        await until(self._is_idle, "no connection is in use")
        assert len(self.service.children()) <= self._children_before
        printed = self.service.started.take_lines()
        assert not [line for line in printed if "key_ended" in line], printed  # no key was revoked
        # A busy machine holds the event loop too, and security events are one for each request by design.
        noted = [line for line in printed if "held the event loop" not in line and '"log":"security"' not in line]
        assert len(noted) <= MAX_LOG_LINES, noted[:20]
        return row

    async def until_replaced(self, gone: Collection[int]) -> None:
        """Wait until as many workers as before are ready, none of them one of these."""
        await until(functools.partial(self._is_complete, gone), "all workers were replaced")

    async def _is_complete(self, gone: Collection[int]) -> bool:
        children = self.service.children()
        if len(children) != self._children or any(pid in gone for pid in children):
            return False
        return all([await self.service.is_ready(worker) for worker in range(self._workers)])

    async def _is_idle(self) -> bool:
        """Whether no connection of the pool is in use, none is beyond its size, and no transaction is prepared."""
        in_use = (
            "SELECT count(*) FILTER (WHERE state <> 'idle') + greatest(0, count(*) - $1) "
            "+ (SELECT count(*) FROM pg_prepared_xacts) FROM pg_stat_activity "
            "WHERE application_name = 'laurel' AND datname = current_database()"
        )
        return not await self.database.value(in_use, self._workers * (POOL_SIZE + LONG_POOL_SIZE))


@contextlib.asynccontextmanager
async def stage(
    postgres: PrivatePostgres, *arguments: object, workers: int = 1, **settings: str
) -> AsyncIterator[Stage]:
    """A running stage, with every player's first event written."""
    async with postgres.database() as database, Proxy(postgres.connect) as network:
        keys = await database.make_keys(_KEYS)
        if workers > 1:
            arguments = ("--workers", workers, *arguments)
        url = f"postgresql://laurel@127.0.0.1:{network.port}/{database.name}"
        async with serving(url, *arguments, **SETTINGS, **settings) as service:
            made = Stage(database, network, service, keys, workers=workers)
            await made.load().first_events()
            yield made
