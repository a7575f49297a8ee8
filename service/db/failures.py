"""What the errors of PostgreSQL and asyncpg mean for a caller: one table of all that say that the database cannot answer."""

from collections.abc import Mapping
from typing import NamedTuple

import asyncpg

from service.errors import DatabaseTimeout, Unavailable


class ConnectionLost(Unavailable):
    """The connection ended before the answer: what was being written may have been committed."""


class RolledBack(Unavailable):
    """The database rolled the transaction back, and asks to repeat it."""


class WritesRefused(Unavailable):
    """The database refuses all writes; reads go on."""


class _Meaning(NamedTuple):
    """The error to raise and its message. After a stale one all open connections are replaced."""

    error: type[Unavailable]
    message: str
    is_stale: bool = False


_LOST = _Meaning(ConnectionLost, "the connection to the database was lost")
_ENDED = _LOST._replace(is_stale=True)
_ROLLED_BACK = _Meaning(RolledBack, "the database rolled the transaction back; try again")

_MEANINGS: Mapping[type[BaseException], _Meaning] = {
    OSError: _LOST,
    TimeoutError: _Meaning(ConnectionLost, "the database did not answer in time"),
    ConnectionError: _ENDED,
    asyncpg.InterfaceError: _ENDED,  # "connection is closed"
    asyncpg.InternalClientError: _ENDED,  # "cannot switch to state 12" when the server stops while it answers
    # A Citus node that lost another one raises 08006 on a good connection.
    asyncpg.PostgresConnectionError: _LOST,  # 08xxx
    asyncpg.ConnectionDoesNotExistError: _ENDED,  # 08003
    asyncpg.OperatorInterventionError: _LOST,  # 57xxx
    asyncpg.AdminShutdownError: _ENDED,  # 57P01
    asyncpg.CrashShutdownError: _ENDED,  # 57P02
    asyncpg.CannotConnectNowError: _Meaning(
        Unavailable, "the database does not accept connections at the moment"
    ),  # 57P03
    asyncpg.QueryCanceledError: _Meaning(
        DatabaseTimeout, "the database took too long: a statement was stopped"
    ),  # 57014
    asyncpg.LockNotAvailableError: _Meaning(  # 55P03
        DatabaseTimeout, "the database took too long: another transaction holds a lock that this one needs"
    ),
    asyncpg.TransactionRollbackError: _ROLLED_BACK,  # 40xxx: deadlock
    asyncpg.StatementCompletionUnknownError: _LOST,  # 40003
    asyncpg.InvalidCachedStatementError: _ROLLED_BACK,  # the schema changed inside a transaction
    asyncpg.ReadOnlySQLTransactionError: _Meaning(  # 25006: the server became a replica
        WritesRefused, "the database is read-only at the moment; nothing can be written", is_stale=True
    ),
    asyncpg.IdleInTransactionSessionTimeoutError: _ENDED,  # 25P03
    asyncpg.InsufficientResourcesError: _Meaning(Unavailable, "the database lacks memory or other resources"),  # 53xxx
    asyncpg.DiskFullError: _Meaning(  # 53100
        WritesRefused, "the disk of the database is full; nothing can be written"
    ),
    asyncpg.TooManyConnectionsError: _Meaning(Unavailable, "the database has too many connections"),  # 53300
    asyncpg.PostgresSystemError: _Meaning(Unavailable, "the database has an error of its system"),  # 58xxx
}
"""The meaning of an error is that of its class, or of the nearest class above it."""

CANNOT_ANSWER: tuple[type[BaseException], ...] = tuple(_MEANINGS)
"""Errors that mean the database cannot answer now; a retry may succeed."""

CANNOT_CONNECT: tuple[type[BaseException], ...] = (*CANNOT_ANSWER, asyncpg.PostgresError)
"""Errors of connecting: also a wrong password, or a database that does not exist."""


def meaning_of(error: BaseException) -> tuple[Unavailable, bool]:
    """The error to raise for one of `CANNOT_ANSWER`, and whether all open connections have to be replaced."""
    meaning = next(_MEANINGS[kind] for kind in type(error).__mro__ if kind in _MEANINGS)
    return meaning.error(meaning.message), meaning.is_stale


def cannot_connect(error: BaseException) -> Unavailable:
    """The error to raise if no connection could be had: nothing was sent."""
    if isinstance(error, TimeoutError):
        return Unavailable("the database is busy or unreachable: no connection was free in time")
    unavailable, _ = meaning_of(error)
    return Unavailable("the database is unreachable") if isinstance(unavailable, ConnectionLost) else unavailable
