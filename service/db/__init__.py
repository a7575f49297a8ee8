"""How Postgres is reached. Knows nothing of achievements."""

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
"""One connection, a pool's or a plain one. It runs one statement at a time."""
