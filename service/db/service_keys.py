"""Secret keys that all processes share through the database, created on first use."""

import secrets

import msgspec

from service.db.pool import Pool
from service.db.queries import query, statement


async def service_key(pool: Pool, name: str) -> bytes:
    """The key of that name, 32 random bytes; the first caller creates it.

    Raises:
        Unavailable: the database is unreachable.
    """
    async with pool.connection() as connection:
        await _add_key.run(connection, name=name, key=secrets.token_bytes(32))
        return (await _get_key.one(connection, name=name)).key


class _KeyRow(msgspec.Struct, frozen=True):
    key: bytes


_add_key = statement("service_keys.add_key")
_get_key = query("service_keys.get_key", row=_KeyRow)
