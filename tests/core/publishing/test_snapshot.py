"""What is served, as this process knows it: whole snapshots, and any earlier moment for walks that began then."""

import pytest

from service.core.auth.principal import OPERATOR
from service.core.catalog.model import Draft
from service.core.publishing.drafts import import_draft
from service.core.publishing.publish import roll_back
from service.core.publishing.snapshot import SnapshotStore
from service.errors import NotFound
from tests.factories import achievement, draft, publish_draft


def numbered(title_id: int, *numbers: int, **changes) -> Draft:
    """A title with these achievements."""
    return draft(title_id, tuple(achievement(number) for number in numbers), **changes)


@pytest.fixture
def serve(connection):
    """Imports a title, publishes it, and gives its release."""

    async def served(new: Draft) -> int:
        return await publish_draft(connection, new)

    return served


def numbers(published) -> list[int] | None:
    """The numbers of a title's achievements."""
    return None if published is None else [one.number for one in published.achievements]


async def test_nothing_is_known_before_the_first_look(pool, serve):
    await serve(numbered(1, 1))
    releases = SnapshotStore(pool)

    assert (releases.current.version, releases.current.titles, releases.refreshed_at) == (0, {}, None)


async def test_a_snapshot_holds_all_that_is_served(pool, serve):
    await serve(numbered(1, 1, 2, texts={"fr-FR": {"title/name": "Titre"}}))
    await serve(numbered(2**32 - 1, 2**32 - 1))
    releases = SnapshotStore(pool)

    await releases.refresh()

    titles = releases.current.titles
    assert {title_id: numbers(published) for title_id, published in titles.items()} == {
        1: [1, 2],
        2**32 - 1: [2**32 - 1],
    }
    assert {locale: len(texts) for locale, texts in titles[1].texts.items()} == {"en-US": 7, "fr-FR": 1}
    assert releases.current.by_scid == {published.title.scid: title_id for title_id, published in titles.items()}
    assert releases.current.version == max(published.publication_id for published in titles.values())
    assert releases.refreshed_at is not None


async def test_what_is_only_edited_is_not_served(pool, connection, serve):
    await serve(numbered(1, 1))
    await import_draft(connection, OPERATOR, numbered(1, 1, 2))
    await import_draft(connection, OPERATOR, numbered(2, 1))
    releases = SnapshotStore(pool)

    await releases.refresh()

    assert {title_id: numbers(published) for title_id, published in releases.current.titles.items()} == {1: [1]}


async def test_only_what_is_newer_is_read_and_a_snapshot_never_changes(pool, serve):
    await serve(numbered(1, 1))
    await serve(numbered(2, 1))
    releases = SnapshotStore(pool)
    await releases.refresh()
    before = releases.current

    await releases.refresh()
    assert releases.current is before

    await serve(numbered(1, 1, 2))
    await releases.refresh()
    assert numbers(before.titles[1]) == [1]
    assert numbers(releases.current.titles[1]) == [1, 2]
    assert releases.current.titles[2] is before.titles[2]
    assert releases.current.version == before.version + 1


async def test_a_rollback_is_served_like_a_release(pool, connection, serve):
    await serve(numbered(1, 1))
    await serve(numbered(1, 1, 2))
    releases = SnapshotStore(pool)
    await releases.refresh()
    version = releases.current.version

    await roll_back(connection, OPERATOR, 1, 1)
    await releases.refresh()

    assert numbers(releases.current.titles[1]) == [1]
    assert releases.current.version == version + 1


async def test_any_moment_can_be_asked_for_again(pool, connection, serve):
    """What was served of a title when a publication was the newest, whoever of the processes knew it then."""
    releases, served = SnapshotStore(pool), []
    for title_id, *wanted in [(1, 1), (2, 7), (1, 1, 2), (3, 9), (1, 1, 2, 3)]:
        await serve(numbered(title_id, *wanted))
        await releases.refresh()
        served.append(releases.current)
    await roll_back(connection, OPERATOR, 1, 2)
    await releases.refresh()
    served.append(releases.current)

    for process in (releases, SnapshotStore(pool)):
        await process.ensure_version(served[-1].version)
        for snapshot in [*served, *reversed(served)]:
            for title_id in (1, 2, 3, 4):
                expected = numbers(snapshot.titles.get(title_id))
                assert numbers(await process.as_of(title_id, snapshot.version)) == expected


async def test_what_is_served_now_is_not_read_again(pool, serve):
    await serve(numbered(1, 1))
    releases = SnapshotStore(pool)
    await releases.refresh()

    async with pool.connection():  # whoever asked for another would wait in vain
        assert await releases.as_of(1, releases.current.version) is releases.current.titles[1]
        assert await releases.as_of(1, releases.current.version + 5) is releases.current.titles[1]


async def test_old_releases_are_kept_and_not_without_bound(pool, serve):
    releases = SnapshotStore(pool)
    for last in range(2, 40):
        await serve(numbered(1, 1, last))
    await releases.refresh()

    first = await releases.as_of(1, 1)

    assert await releases.as_of(1, 1) is first
    for version in range(2, 36):
        await releases.as_of(1, version)
    assert len(releases._old) == 32


async def test_a_process_that_is_behind_looks_when_it_is_told_of_something_newer(pool, serve):
    await serve(numbered(1, 1))
    releases = SnapshotStore(pool)
    await releases.refresh()
    version = releases.current.version
    await serve(numbered(1, 1, 2))

    assert (await releases.ensure_version(version)).version == version
    assert numbers((await releases.ensure_version(version + 1)).titles[1]) == [1, 2]
    assert (await releases.ensure_version(version + 9)).version == version + 1


async def test_titles_go_back_only_to_releases_of_their_own(connection, serve):
    await serve(numbered(1, 1))
    await serve(numbered(1, 1, 2))
    await serve(numbered(2, 1))

    with pytest.raises(NotFound, match="there is no release 2 of title 2"):
        await roll_back(connection, OPERATOR, 2, 2)
    with pytest.raises(NotFound, match="there is no release 1 of title 3"):
        await roll_back(connection, OPERATOR, 3, 1)
