"""Migrations: the files of sql/migrations are applied in order, each once, each in its own transaction.

Forward only. A migration runs in a transaction, so it must not contain statements that PostgreSQL refuses there
(`CREATE INDEX CONCURRENTLY`).
"""

import pathlib

import asyncpg
import msgspec

from service.db import Connection
from service.db.limits import MIGRATION_LOCK_SECONDS
from service.db.pool import CONNECT_TIMEOUT_SECONDS, reaching
from service.db.queries import query, sql_folder, statement
from service.errors import ConfigurationError

OLDEST_POSTGRES = 15
_NAME = "laurel migrate"  # application_name in pg_stat_activity
LOCK_KEY = 0x6C617572656C  # "laurel": key of the advisory lock, the same in every process


class Migration(msgspec.Struct, frozen=True):
    """An applied migration; `name` is the file name without its suffix."""

    name: str


class _HolderRow(msgspec.Struct, frozen=True):
    pid: int
    user: str
    application: str
    address: str
    seconds: int


_lock = statement("migrate.lock")
_lock_holder = query("migrate.lock_holder", row=_HolderRow)
_create_table = statement("migrate.create_table")
_applied_migrations = query("migrate.applied_migrations", row=Migration)
_record_migration = statement("migrate.record_migration")


async def migrate(
    url: str, *, folder: pathlib.Path | None = None, lock_seconds: float = MIGRATION_LOCK_SECONDS
) -> list[str]:
    """Apply missing migrations and return their names, in order; an empty list if the schema was up to date.

    Concurrent calls wait for each other on an advisory lock, at most `lock_seconds`; it is released with its
    connection. `folder` holds the files, by default those of this version.

    Raises:
        ConfigurationError: the database is unreachable, older than PostgreSQL 15, or has a migration that this
            version does not know; or another process holds the lock, which the message names.
    """
    files = {file.stem: file for file in sorted((folder or sql_folder() / "migrations").glob("*.sql"))}
    with reaching():
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT_TIMEOUT_SECONDS,
            server_settings={"application_name": _NAME, "lock_timeout": str(round(1000 * lock_seconds))},
        )
    try:
        version = connection.get_server_version()
        if version.major < OLDEST_POSTGRES:
            raise ConfigurationError(
                f"LAUREL_DATABASE_URL: expected PostgreSQL {OLDEST_POSTGRES} or newer, got {version.major}"
            )
        await _acquire_lock(connection, lock_seconds)
        await _create_table.run(connection)
        applied = {migration.name for migration in await _applied_migrations.all(connection)}
        if unknown := sorted(applied - files.keys()):
            raise ConfigurationError(
                f"LAUREL_DATABASE_URL: the database is newer than this version of laurel: it has {unknown[-1]}"
            )
        missing = [name for name in files if name not in applied]
        for name in missing:
            async with connection.transaction():
                await connection.execute(files[name].read_text(encoding="utf-8"))
                await _record_migration.run(connection, name=name)
    finally:
        await connection.close()
    return missing


async def _acquire_lock(connection: Connection, seconds: float) -> None:
    try:
        await _lock.run(connection, lock_key=LOCK_KEY)
    except asyncpg.LockNotAvailableError:
        holder = await _lock_holder.first(connection, lock_key=LOCK_KEY)
        named = (
            "which has just ended"
            if holder is None
            else (
                f"process {holder.pid} of PostgreSQL: {holder.application!r} of user {holder.user!r} at "
                f"{holder.address}, connected for {holder.seconds} s"
            )
        )
        raise ConfigurationError(
            f"LAUREL_DATABASE_URL: another process has held the lock of migrations for {seconds:g} s, {named}; "
            "wait until it ends, or end it"
        ) from None
