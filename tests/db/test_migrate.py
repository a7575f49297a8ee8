"""Migrations: applied once and in order, equal to sql/schema.sql, and safe to run at once or again."""

import asyncio
import pathlib
import shutil
import socket
import urllib.parse

import asyncpg
import pytest

from service.db.migrate import LOCK_KEY, migrate
from service.db.queries import sql_folder
from service.errors import ConfigurationError

MIGRATIONS = sorted((sql_folder() / "migrations").glob("*.sql"))

CATALOG = """
SELECT 'relation', c.relname::text, c.relkind::text FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'column', c.relname || ' ' || a.attnum || ' ' || a.attname, concat_ws(
    ' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.attcollation::regcollation,
    pg_get_expr(d.adbin, d.adrelid)
)
FROM pg_attribute AS a
INNER JOIN pg_class AS c ON a.attrelid = c.oid
LEFT JOIN pg_attrdef AS d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 'i'
UNION ALL
SELECT 'constraint', concat_ws(' ', n.conrelid::regclass, n.contypid::regtype, n.conname), pg_get_constraintdef(n.oid)
FROM pg_constraint AS n WHERE n.connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM pg_index AS i INNER JOIN pg_class AS c ON i.indexrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid)
FROM pg_proc AS p WHERE p.pronamespace = 'public'::regnamespace AND p.prokind IN ('f', 'p')
UNION ALL
SELECT 'view', v.viewname::text, v.definition FROM pg_views AS v WHERE v.schemaname = 'public'
UNION ALL
SELECT 'type', t.typname::text, concat_ws(' ', t.typtype, e.enumlabel)
FROM pg_type AS t LEFT JOIN pg_enum AS e ON t.oid = e.enumtypid WHERE t.typnamespace = 'public'::regnamespace
ORDER BY 1, 2, 3
"""


async def fetch(url: str, sql: str) -> list[tuple]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(record) for record in await connection.fetch(sql)]
    finally:
        await connection.close()


async def test_schema_sql_equals_the_result_of_the_migrations(new_database, own_database):
    """`make schema` updates the file."""
    async with new_database() as url:
        connection = await asyncpg.connect(url)
        await connection.execute((sql_folder() / "schema.sql").read_text(encoding="utf-8"))
        await connection.close()

        assert await fetch(url, CATALOG) == await fetch(own_database, CATALOG)


async def test_each_migration_applies_on_top_of_the_earlier_ones(new_database, tmp_path: pathlib.Path):
    """As in an upgrade to a version with one more."""
    async with new_database() as url:
        for file in MIGRATIONS:
            shutil.copy(file, tmp_path)

            assert await migrate(url, folder=tmp_path) == [file.stem]


async def test_migrating_again_changes_nothing(own_database):
    before = await fetch(own_database, CATALOG), await fetch(own_database, "SELECT * FROM schema_migration")

    assert await migrate(own_database) == []
    assert (await fetch(own_database, CATALOG), await fetch(own_database, "SELECT * FROM schema_migration")) == before


async def test_concurrent_starts_apply_each_migration_once(new_database):
    """Without the lock, all but one would fail because a table exists."""
    async with new_database() as url:
        applied = await asyncio.gather(*(migrate(url) for _ in range(5)))

    assert sorted(applied) == [[], [], [], [], [file.stem for file in MIGRATIONS]]


async def test_waiting_for_the_lock_ends_with_an_error_that_names_its_holder(own_database):
    holder = await asyncpg.connect(own_database, server_settings={"application_name": "a stuck deployment"})
    try:
        await holder.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        pid = await holder.fetchval("SELECT pg_backend_pid()")

        with pytest.raises(ConfigurationError, match=rf"held the lock .* process {pid} .*'a stuck deployment'"):
            await migrate(own_database, lock_seconds=0.1)
    finally:
        await holder.close()

    assert await migrate(own_database) == []


async def test_failed_migration_is_rolled_back_and_can_be_retried(new_database, tmp_path: pathlib.Path):
    (tmp_path / "0001_good.sql").write_text("CREATE TABLE good ();")
    (tmp_path / "0002_bad.sql").write_text("CREATE TABLE half (); SELECT 1 / 0;")

    async with new_database() as url:
        with pytest.raises(asyncpg.DivisionByZeroError):
            await migrate(url, folder=tmp_path)
        tables = await fetch(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        (tmp_path / "0002_bad.sql").write_text("CREATE TABLE half ();")

        assert tables == [("good",), ("schema_migration",)]
        assert await migrate(url, folder=tmp_path) == ["0002_bad"]


async def test_database_of_a_newer_version_is_rejected(own_database):
    await fetch(own_database, "INSERT INTO schema_migration (name) VALUES ('9999_of_a_newer_version')")

    with pytest.raises(ConfigurationError, match=r"newer than this version.*9999_of_a_newer_version"):
        await migrate(own_database)


def _unknown_user(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc="nobody_here:hunter2@" + parts.netloc.rpartition("@")[2]).geturl()


def _no_database(url: str) -> str:
    return urllib.parse.urlsplit(url)._replace(path="/no_such_database").geturl()


def _no_server(_: str) -> str:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"postgresql://laurel:hunter2@127.0.0.1:{held.getsockname()[1]}/laurel"


def _invalid_url(_: str) -> str:
    return "postgresql://laurel:hunter2/@127.0.0.1:5432/laurel"


@pytest.mark.parametrize("break_url", [_unknown_user, _no_database, _no_server, _invalid_url])
async def test_connection_error_names_the_setting_and_hides_the_password(postgres, break_url):
    with pytest.raises(ConfigurationError, match=r"^LAUREL_DATABASE_URL: .{10}") as caught:
        await migrate(break_url(postgres))

    assert "hunter2" not in str(caught.value)
