"""The connection pool. Errors of asyncpg that mean a lost, full or slow database are raised as `Unavailable`."""

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

ACQUIRE_TIMEOUT_SECONDS = 0.5  # asyncpg's default is to wait without a limit; releasing may take as long again
STATEMENT_TIMEOUT_SECONDS = 1.0
CONNECT_TIMEOUT_SECONDS = 5.0

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
    asyncpg.InternalClientError,  # "cannot switch to state 12" when the server stops while it answers
)
"""Errors that mean the database cannot answer now; a retry may succeed."""

STALE: tuple[type[Exception], ...] = (
    ConnectionError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Errors after which all open connections are replaced: the server ended them, or they lead to a replica now.

A Citus node that lost another one raises 08006 on a good connection, and a slow statement says nothing about others.
"""

REFUSED: tuple[type[Exception], ...] = (*LOST, asyncpg.PostgresError)
"""Errors of connecting: also a wrong password, or a database that does not exist."""


class Pool:
    """A pool of connections: `connection()` for single statements, `transaction()` for several that commit together.

    Hold a connection only while statements run: parse before, encode after.
    """

    def __init__(self, lend: Lend, pool: "asyncpg.Pool[asyncpg.Record] | None" = None) -> None:
        self._lend = lend
        self._pool = pool
        self._generation = 0

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A connection on which each statement is a transaction of its own.

        Raises:
            Unavailable: none was free in time, or the database was lost, full or too slow.
        """
        async with self._translate_errors(), self._lend() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def transaction(self, *, is_one_moment: bool = False) -> AsyncGenerator[Connection]:
        """A connection in a transaction that an exception rolls back.

        With `is_one_moment`, all statements see one snapshot of the database (isolation level REPEATABLE READ).

        Raises:
            Unavailable: as for `connection`. If the connection is lost during the commit, the commit may have succeeded.
        """
        isolation: Literal["repeatable_read"] | None = "repeatable_read" if is_one_moment else None
        async with self._translate_errors(), self._lend() as connection, connection.transaction(isolation=isolation):
            yield connection

    async def read(self, function: Callable[[Connection], Awaitable[T]]) -> T:
        """Run a function that only reads; retry it once, on a new connection, if the database was lost meanwhile.

        Raises:
            Unavailable: the retry failed too.
        """
        with contextlib.suppress(Unavailable):
            async with self.connection() as connection:
                return await function(connection)
        async with self.connection() as connection:
            return await function(connection)

    async def close(self) -> None:
        """Close all connections; those still in use are terminated after `CONNECT_TIMEOUT_SECONDS`."""
        if self._pool is None:
            return
        try:
            await asyncio.wait_for(self._pool.close(), CONNECT_TIMEOUT_SECONDS)
        except LOST:
            self._pool.terminate()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @contextlib.asynccontextmanager
    async def _translate_errors(self) -> AsyncGenerator[None]:
        """Raise `Unavailable` for errors of a database that cannot answer, and replace its connections if they are stale."""
        generation = self._generation
        try:
            yield
        except LOST as error:
            if self._pool is not None and isinstance(error, STALE) and generation == self._generation:
                self._generation += 1  # the first of all failures with one cause replaces the connections
                await self._pool.expire_connections()
            raise Unavailable("the database cannot answer for now") from error


async def open_pool(url: str, *, size: int, statement_timeout: float | None = STATEMENT_TIMEOUT_SECONDS) -> Pool:
    """A pool of at most `size` connections, one of them open.

    A statement may take `statement_timeout` seconds, waiting for a lock half of that; None, for imports and other long
    work, bounds neither.

    Raises:
        ConfigurationError: the database cannot be reached.
    """
    # Every statement is a lookup by key: planning it again for each array costs more than a better plan saves.
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
            init_size=1,  # and no minimum, which asyncpg keeps in the background, with a traceback for each failure
            min_size=0,
            max_size=size,
            connection_class=_Connection,
            timeout=CONNECT_TIMEOUT_SECONDS,
            command_timeout=None if statement_timeout is None else 1.5 * statement_timeout,
            server_settings=settings,
            reset=_keep_session,
            connect=_connect,
        )
    return Pool(functools.partial(pool.acquire, timeout=ACQUIRE_TIMEOUT_SECONDS), pool)


@contextlib.contextmanager
def reaching() -> Iterator[None]:
    """Report a failed connection as an error of the setting, without the URL, because it holds a password.

    Raises:
        ConfigurationError: the server is unreachable, has no such database, or rejects the user.
    """
    try:
        yield
    except ValueError:  # its message would quote the URL
        raise ConfigurationError(
            "LAUREL_DATABASE_URL: cannot be read as postgresql://user:password@host:5432/name"
        ) from None
    except TimeoutError:
        raise ConfigurationError(f"LAUREL_DATABASE_URL: no answer within {CONNECT_TIMEOUT_SECONDS} s") from None
    except REFUSED as error:
        raise ConfigurationError(f"LAUREL_DATABASE_URL: cannot connect: {error}") from error


class _Connection(asyncpg.Connection):
    """A connection whose `close` succeeds on a broken connection, as when the pool replaces stale ones."""

    __slots__ = ()

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109  (asyncpg's own signature)
        with contextlib.suppress(*LOST):
            await super().close(timeout=timeout)


async def _connect(*arguments: Any, **settings: Any) -> "asyncpg.Connection[asyncpg.Record]":
    """A new connection; any error of the server (shut down, database renamed, password changed) means unreachable."""
    try:
        return await asyncpg.connect(*arguments, **settings)
    except asyncpg.PostgresError as error:
        raise asyncpg.CannotConnectNowError(str(error)) from error


async def _keep_session(_: Connection) -> None:
    """Skip the reset between two uses: no statement changes the session, and a reset costs a round trip."""
