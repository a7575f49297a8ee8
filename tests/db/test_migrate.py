import asyncio
import pathlib
import shutil
import socket
import urllib.parse

import asyncpg
import pytest

from service.db.migrate import migrate
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


async def test_schema_sql_is_what_the_migrations_make(new_database, own_database):
    """If not: `make schema`."""
    async with new_database() as url:
        connection = await asyncpg.connect(url)
        await connection.execute((sql_folder() / "schema.sql").read_text(encoding="utf-8"))
        await connection.close()

        assert await fetch(url, CATALOG) == await fetch(own_database, CATALOG)


async def test_migrations_apply_one_by_one_as_they_come(new_database, tmp_path: pathlib.Path):
    """A version that brings one more finds a database that has all before it."""
    async with new_database() as url:
        for file in MIGRATIONS:
            shutil.copy(file, tmp_path)

            assert await migrate(url, folder=tmp_path) == [file.stem]


async def test_migrating_again_changes_nothing(own_database):
    before = await fetch(own_database, CATALOG), await fetch(own_database, "SELECT * FROM schema_migration")

    assert await migrate(own_database) == []
    assert (await fetch(own_database, CATALOG), await fetch(own_database, "SELECT * FROM schema_migration")) == before


async def test_of_several_starts_at_once_one_migrates(new_database):
    """Without the lock, all but one meet a table that is there already."""
    async with new_database() as url:
        applied = await asyncio.gather(*(migrate(url) for _ in range(5)))

    assert sorted(applied) == [[], [], [], [], [file.stem for file in MIGRATIONS]]


async def test_a_migration_that_fails_leaves_nothing_and_can_be_tried_again(new_database, tmp_path: pathlib.Path):
    (tmp_path / "0001_good.sql").write_text("CREATE TABLE good ();")
    (tmp_path / "0002_bad.sql").write_text("CREATE TABLE half (); SELECT 1 / 0;")

    async with new_database() as url:
        with pytest.raises(asyncpg.DivisionByZeroError):
            await migrate(url, folder=tmp_path)
        left = await fetch(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        (tmp_path / "0002_bad.sql").write_text("CREATE TABLE half ();")

        assert left == [("good",), ("schema_migration",)]
        assert await migrate(url, folder=tmp_path) == ["0002_bad"]


async def test_a_database_of_a_newer_version_is_refused(own_database):
    await fetch(own_database, "INSERT INTO schema_migration (name) VALUES ('9999_what_we_do_not_know')")

    with pytest.raises(ConfigurationError, match=r"newer than this version.*9999_what_we_do_not_know"):
        await migrate(own_database)


def _nobody(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc="nobody_here:hunter2@" + parts.netloc.rpartition("@")[2]).geturl()


def _no_database(url: str) -> str:
    return urllib.parse.urlsplit(url)._replace(path="/no_such_database").geturl()


def _no_server(_: str) -> str:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"postgresql://laurel:hunter2@127.0.0.1:{held.getsockname()[1]}/laurel"


def _no_url(_: str) -> str:
    return "postgresql://laurel:hunter2/@127.0.0.1:5432/laurel"


@pytest.mark.parametrize("spoiled", [_nobody, _no_database, _no_server, _no_url])
async def test_a_database_that_cannot_be_used_names_the_setting_and_keeps_the_password(postgres, spoiled):
    with pytest.raises(ConfigurationError, match=r"^LAUREL_DATABASE_URL: .{10}") as refusal:
        await migrate(spoiled(postgres))

    assert "hunter2" not in str(refusal.value)
