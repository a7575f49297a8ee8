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
from service.db.failures import (
    CANNOT_ANSWER,
    CANNOT_CONNECT,
    ConnectionLost,
    RolledBack,
    WritesRefused,
    cannot_connect,
    meaning_of,
)
from service.db.limits import CATALOG, IMPORT, READ, UNLIMITED, WRITE, StatementLimits, set_local
from service.db.write_breaker import WriteBreaker
from service.errors import ConfigurationError

T = TypeVar("T")
Lend = Callable[[], AbstractAsyncContextManager[Connection]]

ACQUIRE_SECONDS = 0.5  # asyncpg's default is to wait without a limit; releasing may take as long again
LONG_ACQUIRE_SECONDS = 5.0
CONNECT_TIMEOUT_SECONDS = 5.0
_LEAST_LONG = 2  # connections for long statements


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
        self._breaker = WriteBreaker()

    @contextlib.asynccontextmanager
    async def connection(self, limits: StatementLimits = READ) -> AsyncGenerator[Connection]:
        """A connection on which each statement is a transaction of its own, unless its limits need one.

        Raises:
            ConnectionLost: the connection ended before the answer; what was being written may have been committed.
            WritesRefused: for `WRITE`: the database refuses all writes.
            Unavailable: none was free in time, or the database is out of reach or too slow. Nothing was written.
        """
        source = self._long if limits.is_long else self._short
        async with self._borrow(source, is_write=limits.is_write) as connection:
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

        With `is_one_moment`, all statements see one snapshot of the database (isolation level REPEATABLE READ); it is
        for reading.

        Raises:
            ConnectionLost, WritesRefused, Unavailable: as for `connection`.
        """
        source = self._long if limits.is_long else self._short
        isolation: Literal["repeatable_read"] | None = "repeatable_read" if is_one_moment else None
        async with (
            self._borrow(source, is_write=not is_one_moment) as connection,
            connection.transaction(isolation=isolation),
        ):
            if source.needs(limits):
                await set_local(connection, limits)
            yield connection

    async def read(self, function: Callable[[Connection], Awaitable[T]], *, limits: StatementLimits = READ) -> T:
        """Run a function that only reads; retry it once, on a new connection, if the first one was lost.

        Raises:
            Unavailable: the retry failed too, or the database stated that it cannot answer.
        """
        with contextlib.suppress(ConnectionLost, RolledBack):
            async with self.connection(limits) as connection:
                return await function(connection)
        async with self.connection(limits) as connection:
            return await function(connection)

    def check_writes(self) -> None:
        """Refuse a write before work is done for it, if the database refuses all writes.

        Raises:
            WritesRefused: with the reason that the database gave.
        """
        self._breaker.check()

    async def close(self) -> None:
        """Close all connections; those still in use are terminated after `CONNECT_TIMEOUT_SECONDS`."""
        for pool in self._pools():
            try:
                await asyncio.wait_for(pool.close(), CONNECT_TIMEOUT_SECONDS)
            except CANNOT_ANSWER:
                pool.terminate()

    def _pools(self) -> "set[asyncpg.Pool[asyncpg.Record]]":
        return {source.pool for source in (self._short, self._long) if source.pool is not None}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @contextlib.asynccontextmanager
    async def _borrow(self, source: _Source, *, is_write: bool) -> AsyncGenerator[Connection]:
        """A connection of the source. Errors of a database that cannot answer are raised as `Unavailable`."""
        if is_write:
            self._breaker.enter()
        generation = self._generation
        connection: Connection | None = None
        try:
            async with source.lend() as connection:
                yield connection
        except CANNOT_ANSWER as error:
            if connection is None:
                raise cannot_connect(error) from error
            unavailable, is_stale = meaning_of(error)
            if is_stale and generation == self._generation:
                self._generation += 1  # the first of all failures with one cause replaces the connections
                for pool in self._pools():
                    await pool.expire_connections()
            if is_write and isinstance(unavailable, WritesRefused):
                self._breaker.refused(unavailable)
            raise unavailable from error
        else:
            if is_write:
                self._breaker.succeeded()


async def open_pool(url: str, *, size: int, limits: StatementLimits = READ, is_pooler: bool = False) -> Pool:
    """A pool of at most `size` connections for short statements, one of them open, and half as many for long ones.

    `limits` are those of short statements; `UNLIMITED` is for commands, whose statements of all classes have no limits.
    `is_pooler` is for a URL of a pooler in transaction mode, whose sessions are shared with others: nothing is set in
    them, nothing is prepared, and each use of a connection is one transaction that begins by setting its limits.

    Raises:
        ConfigurationError: the database cannot be reached.
    """
    with reaching("LAUREL_POOLER_URL" if is_pooler else "LAUREL_DATABASE_URL"):
        short = await _open(url, limits, size=size, init_size=1, is_pooler=is_pooler)
        if limits is UNLIMITED:
            return Pool(short)
        return Pool(short, await _open(url, CATALOG, size=max(_LEAST_LONG, size // 2), is_pooler=is_pooler))


async def _open(url: str, limits: StatementLimits, *, size: int, is_pooler: bool, init_size: int = 0) -> _Source:
    longest = IMPORT if limits.is_long else limits
    options: dict[str, Any] = {"statement_cache_size": 0}
    if not is_pooler:
        # Every statement is a lookup by key: planning it again for each array costs more than a better plan saves.
        settings = {"application_name": "laurel", "plan_cache_mode": "force_generic_plan", **limits.settings}
        options = {"server_settings": settings}
    pool = await asyncpg.create_pool(
        url,
        init_size=init_size,  # and no minimum, which asyncpg keeps in the background, with a traceback for each failure
        min_size=0,
        max_size=size,
        connection_class=_Connection,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=None if longest.statement is None else 1.5 * longest.statement,
        reset=_keep_session,
        connect=_connect,
        **options,
    )
    acquire_seconds = LONG_ACQUIRE_SECONDS if limits.is_long else ACQUIRE_SECONDS
    lend = functools.partial(pool.acquire, timeout=acquire_seconds)
    return _Source(lend, None if is_pooler else limits, pool)


@contextlib.contextmanager
def reaching(setting: str = "LAUREL_DATABASE_URL") -> Iterator[None]:
    """Report a failed connection as an error of the setting, without the URL, because it holds a password.

    Raises:
        ConfigurationError: the server is unreachable, has no such database, or rejects the user.
    """
    try:
        yield
    except ValueError:  # its message would quote the URL
        raise ConfigurationError(f"{setting}: cannot be read as postgresql://user:password@host:5432/name") from None
    except TimeoutError:
        raise ConfigurationError(f"{setting}: no answer within {CONNECT_TIMEOUT_SECONDS} s") from None
    except CANNOT_CONNECT as error:
        raise ConfigurationError(f"{setting}: cannot connect: {error}") from error


class _Connection(asyncpg.Connection):
    """A connection whose `close` succeeds on a broken connection, as when the pool replaces stale ones."""

    __slots__ = ()

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109  (asyncpg's own signature)
        with contextlib.suppress(*CANNOT_ANSWER):
            await super().close(timeout=timeout)


async def _connect(*arguments: Any, **settings: Any) -> "asyncpg.Connection[asyncpg.Record]":
    """A new connection; any error of the server (database renamed, password changed) means that it cannot answer."""
    try:
        return await asyncpg.connect(*arguments, **settings)
    except CANNOT_ANSWER:
        raise
    except asyncpg.PostgresError as error:
        raise asyncpg.CannotConnectNowError(str(error)) from error


async def _keep_session(_: Connection) -> None:
    """Skip the reset between two uses: no statement changes the session, and a reset costs a round trip."""
