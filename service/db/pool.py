"""Connections, lent one at a time. Whatever asyncpg raises for a lost, full or slow database leaves as Unavailable."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Self, TypeVar

import asyncpg

from service.db import Connection
from service.errors import ConfigurationError, Unavailable

T = TypeVar("T")
Lend = Callable[[], AbstractAsyncContextManager[Connection]]

SECONDS = 1.0
ACQUIRE_TIMEOUT = 0.5 * SECONDS  # asyncpg waits for ever without; giving back may take as long again
STATEMENT_TIMEOUT = 1.0 * SECONDS
CONNECT_TIMEOUT = 5.0 * SECONDS
LENT_TIMEOUT = 5.0 * SECONDS

LOST: tuple[type[Exception], ...] = (
    OSError,  # TimeoutError is one
    asyncpg.PostgresConnectionError,  # 08xxx
    asyncpg.InsufficientResourcesError,  # 53xxx: disk full, too many connections
    asyncpg.OperatorInterventionError,  # 57xxx: being shut down, a statement out of time
    asyncpg.TransactionRollbackError,  # 40xxx: deadlock
    asyncpg.LockNotAvailableError,  # 55P03
    asyncpg.ReadOnlySQLTransactionError,  # 25006: the server became a replica
    asyncpg.InvalidCachedStatementError,  # the schema changed inside a transaction
    asyncpg.InterfaceError,  # "connection is closed"
    asyncpg.InternalClientError,  # "cannot switch to state 12" when the server goes mid-answer
)
"""What says that the database cannot answer now, and that context again in a moment is right."""

STALE: tuple[type[Exception], ...] = (
    ConnectionError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What says that the connections of before are no good: they were ended together, or lead to what is now a replica.

A Citus node that lost another says 08006 on a connection that is good, and a slow statement says nothing of others.
"""

REFUSED: tuple[type[Exception], ...] = (*LOST, asyncpg.PostgresError)
"""What connecting can end with: also a wrong password, or a database that is not there."""


class Pool:
    """Lends connections: `connection()` for one statement, `transaction()` for several that stand or fall together.

    Hold one only around statements: parse before, encode after.
    """

    def __init__(self, lend: Lend, pool: "asyncpg.Pool[asyncpg.Record] | None" = None) -> None:
        self._lend = lend
        self._pool = pool
        self._generation = 0

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A connection on which each statement stands alone.

        Raises:
            Unavailable: none was free in time, or the database was lost, full or too slow.
        """
        async with self._answering(), self._lend() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def transaction(self, *, is_one_moment: bool = False) -> AsyncGenerator[Connection]:
        """A connection inside a transaction, which an exception rolls back.

        `is_one_moment` lets all its statements see the database as it was at the first, whatever is written meanwhile.

        Raises:
            Unavailable: as for `connection`. Lost while committing, it may have been committed.
        """
        isolation: Literal["repeatable_read"] | None = "repeatable_read" if is_one_moment else None
        async with self._answering(), self._lend() as connection, connection.transaction(isolation=isolation):
            yield connection

    async def read(self, function: Callable[[Connection], Awaitable[T]]) -> T:
        """What the function reads; if the database was lost meanwhile it is asked once more, on a new connection.

        Raises:
            Unavailable: the second time too.
        """
        with contextlib.suppress(Unavailable):
            async with self.connection() as connection:
                return await function(connection)
        async with self.connection() as connection:
            return await function(connection)

    async def close(self) -> None:
        """Close every connection, those still lent after a moment too."""
        if self._pool is None:
            return
        try:
            await asyncio.wait_for(self._pool.close(), CONNECT_TIMEOUT)
        except LOST:
            self._pool.terminate()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @contextlib.asynccontextmanager
    async def _answering(self) -> AsyncGenerator[None]:
        """Say of a database that cannot answer that it cannot, and leave every other error as it is."""
        generation = self._generation
        try:
            yield
        except LOST as error:
            if self._pool is not None and isinstance(error, STALE) and generation == self._generation:
                self._generation += 1  # of all that fail for one cause, the first renews the pool
                await self._pool.expire_connections()
            raise Unavailable("the database cannot answer for now") from error


class LentPool(Pool):
    """A pool of one connection that is somebody else's: a test's, inside its transaction, or a command's own.

    Both ways to borrow it open a savepoint, so that a statement that fails breaks nothing after it, as it would not
    in a real pool. Whoever borrows it while holding it waits in vain, and is refused as by a pool that is all lent.
    """

    def __init__(self, connection: Connection) -> None:
        lock = asyncio.Lock()

        @contextlib.asynccontextmanager
        async def lend() -> AsyncGenerator[Connection]:
            await asyncio.wait_for(lock.acquire(), LENT_TIMEOUT)
            try:
                async with connection.transaction():
                    yield connection
            finally:
                lock.release()

        super().__init__(lend)


async def open_pool(url: str, *, size: int, statement_timeout: float | None = STATEMENT_TIMEOUT) -> Pool:
    """A pool of at most `size` connections, one of them open.

    A statement may take `statement_timeout` seconds, a lock half of that; None, for imports and other long work,
    bounds neither.

    Raises:
        ConfigurationError: the database cannot be reached at the start.
    """
    # Every statement is by key: planning it anew for the arrays at hand costs more than it can find.
    settings = {"application_name": "laurel", "plan_cache_mode": "force_generic_plan"}
    if statement_timeout is not None:
        milliseconds = round(statement_timeout * 1000)
        settings |= {
            "statement_timeout": str(milliseconds),
            "lock_timeout": str(milliseconds // 2),
            "idle_in_transaction_session_timeout": str(milliseconds * 2),
        }
    with reaching():
        pool = await asyncpg.create_pool(
            url,
            init_size=1,  # and no minimum: that would be kept up in the background, with a traceback for each failure
            min_size=0,
            max_size=size,
            connection_class=_Connection,
            timeout=CONNECT_TIMEOUT,
            command_timeout=None if statement_timeout is None else 1.5 * statement_timeout,
            server_settings=settings,
            reset=_leave,
            connect=_connect,
        )
    return Pool(functools.partial(pool.acquire, timeout=ACQUIRE_TIMEOUT), pool)


@contextlib.contextmanager
def reaching() -> Iterator[None]:
    """Say which setting is wrong when a database cannot be connected to. The URL is not shown: it holds a password.

    Raises:
        ConfigurationError: it is out of reach, unknown to the server, or refuses the user.
    """
    try:
        yield
    except ValueError:  # its text would quote the URL
        raise ConfigurationError(
            "LAUREL_DATABASE_URL: cannot be read as postgresql://user:password@host:5432/name"
        ) from None
    except TimeoutError:
        raise ConfigurationError(f"LAUREL_DATABASE_URL: no answer within {CONNECT_TIMEOUT} s") from None
    except REFUSED as error:
        raise ConfigurationError(f"LAUREL_DATABASE_URL: cannot connect: {error}") from error


class _Connection(asyncpg.Connection):
    """A connection that may be closed when it is broken already, as the pool does with those it renews."""

    __slots__ = ()

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109  (asyncpg's own signature)
        with contextlib.suppress(*LOST):
            await super().close(timeout=timeout)


async def _connect(*arguments: Any, **settings: Any) -> "asyncpg.Connection[asyncpg.Record]":
    """A new connection. Whatever the server refuses one for (closed, renamed, another password), it is out of reach."""
    try:
        return await asyncpg.connect(*arguments, **settings)
    except asyncpg.PostgresError as error:
        raise asyncpg.CannotConnectNowError(str(error)) from error


async def _leave(_: Connection) -> None:
    """Nothing between two loans: no statement of ours changes its session, and context for a reset costs a round trip."""
