"""PostgreSQL: connections, named statements, migrations. Knows nothing about achievements."""

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
"""A connection, of a pool or not. It runs one statement at a time."""
