"""The connection pool. Errors of asyncpg that mean a lost, full or slow database are raised as `Unavailable`."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Self, TypeVar

import asyncpg
import msgspec

from service.db import Connection
from service.db.limits import CATALOG, IMPORT, READ, UNLIMITED, WRITE, StatementLimits, set_local
from service.errors import ConfigurationError, Unavailable

T = TypeVar("T")
Lend = Callable[[], AbstractAsyncContextManager[Connection]]

ACQUIRE_SECONDS = 0.5  # asyncpg's default is to wait without a limit; releasing may take as long again
LONG_ACQUIRE_SECONDS = 5.0
CONNECT_TIMEOUT_SECONDS = 5.0
_LEAST_LONG = 2  # connections for long statements

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


class _Source(msgspec.Struct, frozen=True):
    """Where connections come from, and the limits that their sessions have; None behind a pooler, which sets none."""

    lend: Lend
    session: StatementLimits | None = UNLIMITED
    pool: "asyncpg.Pool[asyncpg.Record] | None" = None

    def needs(self, limits: StatementLimits) -> bool:
        """Whether the limits must be set in each transaction, because the session has others."""
        if self.session is None:
            return True
        return limits.is_long and self.session is not UNLIMITED and limits != self.session


class Pool:
    """A pool of connections: `connection()` for single statements, `transaction()` for several that commit together.

    The class of the statements decides how long they may take, and from which connections they run: long ones have
    their own. Hold a connection only while statements run: parse before, encode after.
    """

    def __init__(self, short: Lend | _Source, long: _Source | None = None) -> None:
        self._short = short if isinstance(short, _Source) else _Source(short)
        self._long = long or self._short
        self._generation = 0

    @contextlib.asynccontextmanager
    async def connection(self, limits: StatementLimits = READ) -> AsyncGenerator[Connection]:
        """A connection on which each statement is a transaction of its own, unless its limits need one.

        Raises:
            Unavailable: none was free in time, or the database was lost, full or too slow.
        """
        source = self._long if limits.is_long else self._short
        async with self._translate_errors(), source.lend() as connection:
            if not source.needs(limits):
                yield connection
                return
            async with connection.transaction():
                await set_local(connection, limits)
                yield connection

    @contextlib.asynccontextmanager
    async def transaction(
        self, limits: StatementLimits = WRITE, *, is_one_moment: bool = False
    ) -> AsyncGenerator[Connection]:
        """A connection in a transaction that an exception rolls back.

        With `is_one_moment`, all statements see one snapshot of the database (isolation level REPEATABLE READ).

        Raises:
            Unavailable: as for `connection`. If the connection is lost during the commit, the commit may have succeeded.
        """
        source = self._long if limits.is_long else self._short
        isolation: Literal["repeatable_read"] | None = "repeatable_read" if is_one_moment else None
        async with (
            self._translate_errors(),
            source.lend() as connection,
            connection.transaction(isolation=isolation),
        ):
            if source.needs(limits):
                await set_local(connection, limits)
            yield connection

    async def read(self, function: Callable[[Connection], Awaitable[T]], *, limits: StatementLimits = READ) -> T:
        """Run a function that only reads; retry it once, on a new connection, if the database was lost meanwhile.

        Raises:
            Unavailable: the retry failed too.
        """
        with contextlib.suppress(Unavailable):
            async with self.connection(limits) as connection:
                return await function(connection)
        async with self.connection(limits) as connection:
            return await function(connection)

    async def close(self) -> None:
        """Close all connections; those still in use are terminated after `CONNECT_TIMEOUT_SECONDS`."""
        for pool in self._pools():
            try:
                await asyncio.wait_for(pool.close(), CONNECT_TIMEOUT_SECONDS)
            except LOST:
                pool.terminate()

    def _pools(self) -> "set[asyncpg.Pool[asyncpg.Record]]":
        return {source.pool for source in (self._short, self._long) if source.pool is not None}

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
            if isinstance(error, STALE) and generation == self._generation:
                self._generation += 1  # the first of all failures with one cause replaces the connections
                for pool in self._pools():
                    await pool.expire_connections()
            raise Unavailable("the database cannot answer for now") from error


async def open_pool(url: str, *, size: int, limits: StatementLimits = READ) -> Pool:
    """A pool of at most `size` connections for short statements, one of them open, and half as many for long ones.

    `limits` are those of short statements; `UNLIMITED` is for commands, whose statements of all classes have no limits.

    Raises:
        ConfigurationError: the database cannot be reached.
    """
    with reaching():
        short = await _open(url, size=size, session=limits, acquire_seconds=ACQUIRE_SECONDS, is_first=True)
        if limits is UNLIMITED:
            return Pool(short)
        long_size = max(_LEAST_LONG, size // 2)
        return Pool(short, await _open(url, size=long_size, session=CATALOG, acquire_seconds=LONG_ACQUIRE_SECONDS))


async def _open(
    url: str, *, size: int, session: StatementLimits, acquire_seconds: float, is_first: bool = False
) -> _Source:
    # Every statement is a lookup by key: planning it again for each array costs more than a better plan saves.
    settings = {"application_name": "laurel", "plan_cache_mode": "force_generic_plan", **session.settings}
    longest = IMPORT if session.is_long else session
    pool = await asyncpg.create_pool(
        url,
        init_size=int(
            is_first
        ),  # and no minimum, which asyncpg keeps in the background, with a traceback for each failure
        min_size=0,
        max_size=size,
        connection_class=_Connection,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=None if longest.statement is None else 1.5 * longest.statement,
        server_settings=settings,
        reset=_keep_session,
        connect=_connect,
    )
    return _Source(functools.partial(pool.acquire, timeout=acquire_seconds), session, pool)


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
