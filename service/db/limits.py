"""The limits of statements, by class: how long one may run, wait for a lock, and keep its transaction idle.

A use case names its class where it takes a connection: `pool.connection(CATALOG)`.
"""

import msgspec

from service.db import Connection
from service.db.queries import statement


class StatementLimits(msgspec.Struct, frozen=True, kw_only=True):
    """One class of statements. Times are in seconds, None for no limit.

    `is_long` statements have connections of their own, so that they leave those of players free.
    """

    statement: float | None
    lock: float | None
    is_long: bool = False
    is_write: bool = False

    @property
    def idle_in_transaction(self) -> float | None:
        """How long a transaction may wait for its next statement."""
        return None if self.statement is None else 2 * self.statement

    @property
    def settings(self) -> dict[str, str]:
        """The settings of PostgreSQL for these limits, in milliseconds; "0" for no limit."""
        return {
            "statement_timeout": _milliseconds(self.statement),
            "lock_timeout": _milliseconds(self.lock),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle_in_transaction),
        }


READ = StatementLimits(statement=1.0, lock=0.5)
"""Reads of players, and of what authenticates them."""

WRITE = StatementLimits(statement=1.0, lock=0.5, is_write=True)
"""Writes of players."""

CATALOG = StatementLimits(statement=10.0, lock=5.0, is_long=True)
"""Catalogs, their pages, and background jobs."""

IMPORT = StatementLimits(statement=60.0, lock=5.0, is_long=True)
"""Applying, importing, exporting and publishing whole titles."""

UNLIMITED = StatementLimits(statement=None, lock=None)
"""Commands that somebody runs and can interrupt."""

MIGRATION_LOCK_SECONDS = 30.0
"""How long a migration waits for another one."""


async def set_local(connection: Connection, limits: StatementLimits) -> None:
    """Set the limits until the end of the transaction, which also holds behind a pooler."""
    await _set_local.run(connection, **limits.settings)


def _milliseconds(seconds: float | None) -> str:
    return "0" if seconds is None else str(round(seconds * 1000))


_set_local = statement("limits.set_local")
