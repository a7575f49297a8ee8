"""A title is published or rolled back as a whole; texts that are not ready wait."""

import asyncio

import msgspec
import pytest

from service.core.auth.principal import OPERATOR, Principal, grants_of, operator
from service.core.localization import editing
from service.core.publishing.draft_status import get_draft_status, set_publish_from
from service.core.publishing.drafts import draft_of, import_draft
from service.core.publishing.publish import preview_publish, publish_concurrently, publish_title, roll_back
from service.core.publishing.releases import list_releases, served_draft
from service.core.publishing.snapshot import SnapshotStore
from service.db.limits import UNLIMITED
from service.db.pool import open_pool
from service.errors import Conflict, InvalidCatalog, NotFound, PermissionDenied
from tests.factories import achievement, counted, draft, metric, publish_draft

NAME = "achievement/1/name"
ANA, RITA = operator("Ana"), operator("Rita")


async def imported(connection, new):
    return await import_draft(connection, OPERATOR, new)


async def test_first_publish_with_an_error_serves_nothing(connection, pool):
    new = draft(1, (achievement(1),))
    del new.texts["en-US"]["achievement/1/name"]
    await imported(connection, new)

    with pytest.raises(InvalidCatalog) as rejection:
        await publish_title(connection, OPERATOR, 1)

    assert [(error.rule, error.key) for error in rejection.value.diagnostics] == [
        ("missing-text", "achievement/1/name")
    ]
    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    assert snapshots.current.titles == {}


async def test_publish_with_an_error_keeps_the_served_release(connection, pool):
    await imported(connection, draft(1, (achievement(1),)))
    await publish_title(connection, OPERATOR, 1)
    broken = draft(1, (achievement(2),))
    del broken.texts["en-US"]["achievement/2/name"]
    await imported(connection, broken)

    with pytest.raises(InvalidCatalog):
        await publish_title(connection, OPERATOR, 1)

    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    assert [item.number for item in snapshots.current.titles[1].achievements] == [1]
    assert [release.release for release in await list_releases(connection, 1)] == [1]


async def test_publishing_without_changes_makes_no_release(connection):
    await imported(connection, draft(1, (achievement(1),)))

    first = await publish_title(connection, OPERATOR, 1)
    second = await publish_title(connection, OPERATOR, 1)

    assert (first.release, second.release) == (1, 1)
    assert first.changes
    assert not second.changes


async def test_unknown_title_cannot_be_published(connection):
    with pytest.raises(NotFound, match="there is no title 9"):
        await publish_title(connection, OPERATOR, 9)


@pytest.fixture
async def title(connection) -> int:
    """Title 1, published, with a French name of its first achievement."""
    await publish_draft(connection, draft(1, (achievement(1), achievement(2)), texts={"fr-FR": {NAME: "Nom 1"}}))
    return 1


@pytest.fixture
def save(connection, title):
    """Saves a text of title 1 as Ana; `version` is the one that she saw."""

    async def save(key, locale, text, version, **options):
        await editing.save_string(connection, ANA, title, key, locale, text=text, expected_version=version, **options)

    return save


@pytest.fixture
def served(connection, title):
    """Reads the served texts of title 1."""

    async def served():
        return (await served_draft(connection, title)).texts

    return served


async def test_unready_texts_stay_as_they_are_served(connection, title, save, served):
    await save(NAME, "fr-FR", "Une suggestion", 1, state="needs_review")
    await save(NAME, "de-DE", "Vorschlag", 0, state="needs_review")
    await save("title/name", "fr-FR", "Jeu", 0)

    result = await publish_title(connection, OPERATOR, title)

    assert result.changes.texts == {("fr-FR", "title/name"): (None, "Jeu")}
    texts = await served()
    assert texts["fr-FR"] == {NAME: "Nom 1", "title/name": "Jeu"}
    assert "de-DE" not in texts


async def test_title_may_publish_only_approved_texts(connection, title, save, served):
    await set_publish_from(connection, OPERATOR, title, "approved")
    await save(NAME, "fr-FR", "Traduit", 1)
    await publish_title(connection, OPERATOR, title)
    assert (await served())["fr-FR"][NAME] == "Nom 1"

    await editing.review_string(connection, ANA, title, NAME, "fr-FR", approve=True, expected_version=2)
    result = await publish_title(connection, RITA, title, note="Approved French")

    assert result.changes.texts == {("fr-FR", NAME): ("Nom 1", "Traduit")}
    [newest, *_] = await list_releases(connection, title)
    assert (newest.release, newest.is_served) == (result.release, True)
    assert (newest.actor, newest.note) == ("Rita", "Approved French")


async def test_preview_lists_the_changes_and_authors_of_the_publish(connection, pool, title, save):
    await save(NAME, "fr-FR", "Meilleur", 1)

    preview = await preview_publish(pool, title)
    result = await publish_title(connection, RITA, title)

    assert (preview.changes, preview.authors, preview.errors) == (result.changes, result.authors, [])
    assert preview.authors["fr-FR", NAME].actor == "Ana"


async def test_preview_names_achievements_that_players_may_already_have_reached(connection, pool):
    await imported(connection, draft(1, (achievement(1), counted(2, 10)), metrics=(metric(),)))

    preview = await preview_publish(pool, 1)

    assert preview.newly_earnable == (2,)


async def test_draft_that_changed_since_the_caller_looked_is_not_published(connection, title, save, served):
    seen = (await get_draft_status(connection, title)).catalog_version
    await save(NAME, "fr-FR", "Meilleur", 1)

    with pytest.raises(Conflict) as conflict:
        await publish_title(connection, OPERATOR, title, expected_version=seen)

    assert conflict.value.current == seen + 1
    assert (await served())["fr-FR"][NAME] == "Nom 1"


async def test_draft_that_changes_while_its_release_is_prepared_is_prepared_again(pool, title, save, served):
    prepared = []

    async def run(function, *arguments):
        prepared.append(function(*arguments))
        if len(prepared) == 1:
            await save(NAME, "fr-FR", "Meilleur", 1)
        return prepared[-1]

    result = await publish_concurrently(pool, RITA, title, run=run)

    assert len(prepared) == 2
    assert result.changes.texts == {("fr-FR", NAME): ("Nom 1", "Meilleur")}
    assert result.authors["fr-FR", NAME].actor == "Ana"
    assert (await served())["fr-FR"][NAME] == "Meilleur"


async def test_draft_that_changes_all_the_time_is_locked_at_last(pool, title, save, served):
    versions = iter(range(1, 3))

    async def run(function, *arguments):
        version = next(versions, None)
        if version is not None:
            await save(NAME, "fr-FR", f"Nom nouveau {version}", version)
        return function(*arguments)

    result = await publish_concurrently(pool, RITA, title, run=run)

    assert next(versions, None) is None
    assert result.authors["fr-FR", NAME].actor == "Ana"
    assert (await served())["fr-FR"][NAME] == "Nom nouveau 2"


async def test_long_diff_is_shown_in_parts(pool, title, save):
    for version, (key, locale) in enumerate([(NAME, "en-US"), (NAME, "fr-FR"), ("title/name", "en-US")]):
        await save(key, locale, f"New {version}", 1)

    parts = [await preview_publish(pool, title, texts=range(skip, skip + 2)) for skip in (0, 2, 4)]

    assert [list(part.changes.texts) for part in parts] == [
        [("en-US", NAME), ("en-US", "title/name")],
        [("fr-FR", NAME)],
        [],
    ]
    assert [part.changes.omitted_texts for part in parts] == [1, 2, 3]
    assert all(part.changes for part in parts)
    assert parts[0].authors.keys() == parts[0].changes.texts.keys()


async def test_publishing_and_rolling_back_need_the_right_to_publish(connection, title):
    reviewer = Principal(
        players=(), expires_at=0, grants=grants_of([{"titles": [1], "locales": "*", "can": ["review"]}])
    )

    with pytest.raises(PermissionDenied, match="the right publish"):
        await publish_title(connection, reviewer, title)
    with pytest.raises(PermissionDenied, match="the right publish"):
        await roll_back(connection, reviewer, title, 1)
    with pytest.raises(PermissionDenied, match="the right publish"):
        await set_publish_from(connection, reviewer, title, "approved")


async def test_rollback_serves_the_old_release_and_keeps_the_draft(connection, pool):
    old = draft(1, (achievement(1),))
    await imported(connection, old)
    await publish_title(connection, OPERATOR, 1)
    new = msgspec.structs.replace(old, texts={"en-US": {**old.texts["en-US"], "achievement/1/name": "Better"}})
    await imported(connection, new)
    await publish_title(connection, OPERATOR, 1)

    await roll_back(connection, OPERATOR, 1, 1)

    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    assert snapshots.current.titles[1].texts_at(0, ("en-US",)).name == "Name 1"
    assert await draft_of(connection, 1) == new
    assert [(release.release, release.is_served) for release in await list_releases(connection, 1)] == [
        (2, False),
        (1, True),
    ]


async def test_unknown_release_cannot_be_served(connection):
    await imported(connection, draft(1, (achievement(1),)))

    with pytest.raises(NotFound):
        await roll_back(connection, OPERATOR, 1, 9)


async def test_release_after_a_rollback_has_a_new_number(connection):
    """Its changes are those for players: more than what was edited since the last publish."""
    for count in (1, 2):
        await imported(connection, draft(1, tuple(achievement(number) for number in range(1, count + 1))))
        await publish_title(connection, OPERATOR, 1)
    await roll_back(connection, OPERATOR, 1, 1)

    result = await publish_title(connection, OPERATOR, 1)

    assert (result.release, result.changes.added) == (3, (2,))
    assert [(release.release, release.is_served) for release in await list_releases(connection, 1)] == [
        (3, True),
        (2, False),
        (1, False),
    ]


async def test_unchanged_locale_is_stored_once(connection):
    french = {"fr-FR": {"title/name": "Un jeu"}}
    for count in (1, 2, 3):
        made = tuple(achievement(number) for number in range(1, count + 1))
        await imported(connection, draft(1, made, texts=french))
        await publish_title(connection, OPERATOR, 1)

    assert await connection.fetchval("SELECT count(*) FROM release_bundle") == 6
    assert await connection.fetchval("SELECT count(*) FROM bundle") == 4


async def test_titles_may_be_published_at_the_same_time(own_database):
    """Publications are numbered in the order of their commits, so a process that reads newer numbers misses none."""
    titles = range(1, 9)
    async with await open_pool(own_database, size=len(titles), limits=UNLIMITED) as pool:
        async with pool.transaction() as connection:
            for title_id in titles:
                await imported(connection, draft(title_id, (achievement(1),)))
        snapshots = SnapshotStore(pool)

        async def publish_and_refresh(title_id):
            async with pool.transaction() as connection:
                await publish_title(connection, OPERATOR, title_id)
            await snapshots.refresh()
            assert title_id in snapshots.current.titles

        await asyncio.gather(*(publish_and_refresh(title_id) for title_id in titles))

    published = snapshots.current.titles.values()
    assert {title.title_id for title in published} == {*titles}
    assert sorted(title.publication_id for title in published) == [*range(1, 9)]
