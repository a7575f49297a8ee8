"""Migrations that change stored data: what they find is stored as if it had been written today."""

import asyncpg
import pytest

from service.db.migrate import migrate
from service.db.queries import sql_folder
from tests.factories import PLAYER

BEFORE = """
INSERT INTO title (title_id, scid, default_locale, kind, platform, text_unit)
VALUES (1, gen_random_uuid(), 'en-US', '', '', 'string');
INSERT INTO release (title_id, release, title, achievements) VALUES (1, 1, '{}', '[]');
INSERT INTO publication (publication_id, title_id, release, actor) VALUES (1, 1, 1, '{name}');
INSERT INTO scheduled_publish (title_id, due_at, actor) VALUES (1, now(), '{name}');
INSERT INTO import_batch (title_id, catalog_version, sha256, format, report, actor, applied_by)
VALUES (1, 1, sha256(''), 'po', '{}', '{name}', '{name}');
INSERT INTO text (title_id, locale, key, text, actor, overrides)
VALUES (1, 'en-US', 'a', 'A', '{name}', '{"rule": {"by": "{name}", "reason": "so"}}'), (1, 'en-US', 'b', 'B', 'Ana', '{}');
INSERT INTO text_revision (title_id, locale, key, version, text, state, origin, actor, overrides)
SELECT title_id, locale, key, 1, text, 'translated', 'edit', actor, overrides FROM text;
"""
SHOWN = """
SELECT key, editor_name(actor), overrides_with_names(overrides) #>> '{rule,by}' FROM text_revision ORDER BY key
"""
EVERYTHING = """
SELECT 'text ' || t::text FROM text AS t UNION ALL SELECT 'revision ' || t::text FROM text_revision AS t
UNION ALL SELECT 'publication ' || t::text FROM publication AS t UNION ALL SELECT 'batch ' || t::text FROM import_batch AS t
UNION ALL SELECT 'schedule ' || t::text FROM scheduled_publish AS t UNION ALL SELECT 'erased ' || t::text FROM erased AS t
"""


@pytest.fixture
async def connection_before(new_database, tmp_path):
    """A connection to a database of the version before, and a function that migrates it."""
    for file in sorted((sql_folder() / "migrations").glob("*.sql")):
        if file.stem.endswith("_editors_have_pseudonyms"):
            break
        (tmp_path / file.name).symlink_to(file)
    async with new_database() as url:
        await migrate(url, folder=tmp_path)
        connection = await asyncpg.connect(url)

        async def finish():
            await migrate(url)

        yield connection, finish
        await connection.close()


async def test_names_in_histories_become_pseudonyms_that_erasing_breaks(connection_before):
    connection, finish = connection_before
    await connection.execute(BEFORE.replace("{name}", PLAYER))

    await finish()

    assert [tuple(row) for row in await connection.fetch(SHOWN)] == [("a", PLAYER, PLAYER), ("b", "Ana", None)]
    assert not [line for (line,) in await connection.fetch(EVERYTHING) if PLAYER in line]
    await connection.execute("DELETE FROM editor WHERE name = $1", PLAYER)
    assert [tuple(row) for row in await connection.fetch(SHOWN)] == [("a", "erased", "erased"), ("b", "Ana", None)]
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute("UPDATE text_revision SET actor = 'x'")


async def test_names_that_the_version_before_goes_on_writing_become_pseudonyms(connection_before):
    connection, finish = connection_before
    await finish()

    await connection.execute(BEFORE.replace("{name}", PLAYER))

    assert [tuple(row) for row in await connection.fetch(SHOWN)] == [("a", PLAYER, PLAYER), ("b", "Ana", None)]
    assert not [line for (line,) in await connection.fetch(EVERYTHING) if PLAYER in line]


async def test_hashes_of_erased_players_become_one_revision(connection_before):
    connection, finish = connection_before
    await connection.execute("INSERT INTO erased VALUES (sha256('a'), 5), (sha256('b'), 9)")
    await connection.execute("INSERT INTO service_key VALUES ('erasure', 'key')")

    await finish()

    assert await connection.fetchval("SELECT revision FROM erasure") == 9
    assert not [line for (line,) in await connection.fetch(EVERYTHING) if line.startswith("erased")]
    assert await connection.fetchval("SELECT count(*) FROM service_key") == 0
