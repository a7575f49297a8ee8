"""A pool of a test's own connection."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from service.db import Connection
from service.db.pool import Pool

_LENT_TIMEOUT_SECONDS = 5.0


class LentPool(Pool):
    """A pool of one connection that its test owns, inside the test's transaction.

    Every use opens a savepoint, so that a failed statement does not affect the next, as in a real pool. Acquiring it
    while holding it times out, as in a pool whose connections are all in use.
    """

    def __init__(self, connection: Connection) -> None:
        lock = asyncio.Lock()

        @contextlib.asynccontextmanager
        async def lend() -> AsyncGenerator[Connection]:
            await asyncio.wait_for(lock.acquire(), _LENT_TIMEOUT_SECONDS)
            try:
                async with connection.transaction():
                    yield connection
            finally:
                lock.release()

        super().__init__(lend)
