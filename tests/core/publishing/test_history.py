"""The history of a title names who wrote each text of a release, at the cost of one index probe per text."""

from service.core.auth.principal import operator
from service.core.localization.editing import save_string
from service.core.publishing.history import _authors, get_release
from service.core.publishing.releases import list_releases
from service.db.pool import open_pool
from tests.factories import achievement, draft, publish_draft

TEXTS = 500


async def test_release_names_its_changes_and_their_authors(connection, pool):
    await publish_draft(connection, draft(1, (achievement(1),)))
    await publish_draft(connection, draft(1, (achievement(2),)))

    details = await get_release(pool, 1, 2)

    assert (details.release.release, details.release.is_served) == (2, True)
    assert details.changes.added == (2,)
    assert {(author.locale, author.actor) for author in details.authors.values()} == {("en-US", "laurel")}
    assert details.authors.keys() == details.changes.texts.keys()


async def test_texts_of_a_release_keep_their_authors_when_others_write_them_at_once(own_database):
    name = 1, "achievement/1/name", "en-US"
    async with await open_pool(own_database, size=1) as pool:
        async with pool.transaction() as connection:
            await publish_draft(connection, draft(1, (achievement(1),)))
        for version, text in enumerate(("Another", "Name 1"), start=1):
            async with pool.transaction() as connection:
                await save_string(connection, operator("Rita"), *name, text=text, expected_version=version)
        details = await get_release(pool, 1, 1)

    assert {author.actor for author in details.authors.values()} == {"laurel"}


async def test_authors_are_read_by_key_in_a_database_without_statistics(connection):
    """As in the transaction of a first import and publish, when the tables have just been filled."""
    await publish_draft(connection, draft(1, tuple(achievement(number) for number in range(1, 200))))
    values = {
        "title_id": ("bigint", "1"),
        "locales": ("text[]", f"array_fill('en-US'::text, ARRAY[{TEXTS}])"),
        "keys": ("text[]", f"array_fill('title/name'::text, ARRAY[{TEXTS}])"),
        "texts": ("text[]", f"array_fill('Title 1'::text, ARRAY[{TEXTS}])"),
        "before": ("timestamptz", "now()"),
    }
    types, arguments = zip(*(values[name] for name in _authors.values), strict=True)
    await connection.execute(f"PREPARE authors ({', '.join(types)}) AS {_authors.sql}")

    try:
        lines = await connection.fetch(f"EXPLAIN (COSTS OFF) EXECUTE authors ({', '.join(arguments)})")
    finally:
        await connection.execute("DEALLOCATE authors")

    plan = "\n".join(line[0] for line in lines)
    assert "text_revision_pkey" in plan, plan
    assert "(locale = n.locale) AND (key = n.key)" in plan, plan


async def test_releases_are_listed_in_parts_newest_first(connection):
    for count in (1, 2, 3):
        await publish_draft(connection, draft(1, tuple(achievement(number) for number in range(1, count + 1))))

    newest = await list_releases(connection, 1, count=2)
    oldest = await list_releases(connection, 1, before=newest[-1].release, count=2)

    assert [(release.release, release.is_served) for release in (*newest, *oldest)] == [
        (3, True),
        (2, False),
        (1, False),
    ]
    assert {release.actor for release in (*newest, *oldest)} == {"laurel"}
