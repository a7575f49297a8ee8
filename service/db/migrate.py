"""The schema, brought up to date: sql/migrations applied in order, each once, each in a transaction of its own.

Forward only. A migration runs whole or not at all, so none may hold what Postgres refuses in a transaction
(`CREATE INDEX CONCURRENTLY`).
"""

import pathlib

import asyncpg
import msgspec

from service.db.pool import CONNECT_TIMEOUT, reaching
from service.db.queries import query, sql_folder, statement
from service.errors import ConfigurationError

OLDEST_POSTGRES = 15
TURN = 0x6C617572656C  # "laurel": any number does that nobody else locks in the same database


class Migration(msgspec.Struct, frozen=True):
    """One that was applied; its name is its file's, without the suffix."""

    name: str


_take_turn = statement("migrate.take_turn")
_make_table = statement("migrate.make_table")
_applied = query("migrate.applied", row=Migration)
_record = statement("migrate.record")


async def migrate(url: str, *, folder: pathlib.Path | None = None) -> list[str]:
    """The names of the migrations that were applied now, in order; none where the schema was up to date.

    Of several that start at once one works and the others wait for it, by a lock that goes with its connection.
    `folder` is where the files are, by default this version's own.

    Raises:
        ConfigurationError: the database cannot be reached, is older than PostgreSQL 15, or holds a migration that this
            version does not have.
    """
    files = {file.stem: file for file in sorted((folder or sql_folder() / "migrations").glob("*.sql"))}
    with reaching():
        connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT)
    try:
        version = connection.get_server_version()
        if version.major < OLDEST_POSTGRES:
            raise ConfigurationError(
                f"LAUREL_DATABASE_URL: expected PostgreSQL {OLDEST_POSTGRES} or newer, got {version.major}"
            )
        await _take_turn.run(connection, turn=TURN)
        await _make_table.run(connection)
        applied = {migration.name for migration in await _applied.all(connection)}
        if unknown := sorted(applied - files.keys()):
            raise ConfigurationError(
                f"LAUREL_DATABASE_URL: the database is newer than this version of laurel: it has {unknown[-1]}"
            )
        missing = [name for name in files if name not in applied]
        for name in missing:
            async with connection.transaction():
                await connection.execute(files[name].read_text(encoding="utf-8"))
                await _record.run(connection, name=name)
    finally:
        await connection.close()
    return missing
