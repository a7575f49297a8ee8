"""The snapshot of what is served, and titles as of earlier publications."""

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
    return None if published is None else [item.number for item in published.achievements]


async def test_snapshot_is_empty_before_the_first_refresh(pool, serve):
    await serve(numbered(1, 1))
    snapshots = SnapshotStore(pool)

    assert (snapshots.current.version, snapshots.current.titles, snapshots.refreshed_at) == (0, {}, None)


async def test_snapshot_has_every_served_title(pool, serve):
    await serve(numbered(1, 1, 2, texts={"fr-FR": {"title/name": "Titre"}}))
    await serve(numbered(2**32 - 1, 2**32 - 1))
    snapshots = SnapshotStore(pool)

    await snapshots.refresh()

    titles = snapshots.current.titles
    assert {title_id: numbers(published) for title_id, published in titles.items()} == {
        1: [1, 2],
        2**32 - 1: [2**32 - 1],
    }
    assert {locale: len(texts) for locale, texts in titles[1].texts.items()} == {"en-US": 7, "fr-FR": 1}
    assert snapshots.current.by_scid == {published.title.scid: title_id for title_id, published in titles.items()}
    assert snapshots.current.version == max(published.publication_id for published in titles.values())
    assert snapshots.refreshed_at is not None


async def test_what_a_transaction_publishes_is_served_once_it_is_committed(pool):
    snapshots = SnapshotStore(pool)

    async with snapshots.transaction() as connection:
        await publish_draft(connection, numbered(1, 1))
        assert snapshots.current.titles == {}
    assert numbers(snapshots.current.titles[1]) == [1]


async def test_drafts_are_not_in_the_snapshot(pool, connection, serve):
    await serve(numbered(1, 1))
    await import_draft(connection, OPERATOR, numbered(1, 1, 2))
    await import_draft(connection, OPERATOR, numbered(2, 1))
    snapshots = SnapshotStore(pool)

    await snapshots.refresh()

    assert {title_id: numbers(published) for title_id, published in snapshots.current.titles.items()} == {1: [1]}


async def test_refresh_reads_newer_publications_and_keeps_old_snapshots_unchanged(pool, serve):
    await serve(numbered(1, 1))
    await serve(numbered(2, 1))
    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    before = snapshots.current

    await snapshots.refresh()
    assert snapshots.current is before

    await serve(numbered(1, 1, 2))
    await snapshots.refresh()
    assert numbers(before.titles[1]) == [1]
    assert numbers(snapshots.current.titles[1]) == [1, 2]
    assert snapshots.current.titles[2] is before.titles[2]
    assert snapshots.current.version == before.version + 1


async def test_rollback_is_in_the_next_snapshot(pool, connection, serve):
    await serve(numbered(1, 1))
    await serve(numbered(1, 1, 2))
    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    version = snapshots.current.version

    await roll_back(connection, OPERATOR, 1, 1)
    await snapshots.refresh()

    assert numbers(snapshots.current.titles[1]) == [1]
    assert snapshots.current.version == version + 1


async def test_title_can_be_read_as_of_any_publication(pool, connection, serve):
    """In the process that served it then, and in one that has just started."""
    snapshots, served = SnapshotStore(pool), []
    for title_id, *wanted in [(1, 1), (2, 7), (1, 1, 2), (3, 9), (1, 1, 2, 3)]:
        await serve(numbered(title_id, *wanted))
        await snapshots.refresh()
        served.append(snapshots.current)
    await roll_back(connection, OPERATOR, 1, 2)
    await snapshots.refresh()
    served.append(snapshots.current)

    for process in (snapshots, SnapshotStore(pool)):
        await process.ensure_version(served[-1].version)
        for snapshot in [*served, *reversed(served)]:
            for title_id in (1, 2, 3, 4):
                expected = numbers(snapshot.titles.get(title_id))
                assert numbers(await process.as_of(title_id, snapshot.version)) == expected


async def test_current_release_is_not_read_from_the_database_again(pool, serve):
    await serve(numbered(1, 1))
    snapshots = SnapshotStore(pool)
    await snapshots.refresh()

    async with pool.connection():  # requesting another connection would wait forever
        assert await snapshots.as_of(1, snapshots.current.version) is snapshots.current.titles[1]
        assert await snapshots.as_of(1, snapshots.current.version + 5) is snapshots.current.titles[1]


async def test_size_of_cached_old_releases_is_bounded(pool, serve):
    snapshots = SnapshotStore(pool, max_old_bytes=10_000)
    for last in range(2, 40):
        await serve(numbered(1, 1, last))
    await snapshots.refresh()

    first = await snapshots.as_of(1, 1)

    assert await snapshots.as_of(1, 1) is first
    for version in range(2, 36):
        await snapshots.as_of(1, version)
        assert 0 < snapshots._old.currsize <= 10_000
    assert await snapshots.as_of(1, 1) is not first


async def test_old_releases_of_a_whole_list_of_titles_are_cached(pool, serve):
    snapshots = SnapshotStore(pool)
    for title_id in range(1, 41):
        await serve(numbered(title_id, 1))
    await snapshots.refresh()
    version = snapshots.current.version
    for title_id in range(1, 41):
        await serve(numbered(title_id, 1, 2))
    await snapshots.refresh()
    first = [await snapshots.as_of(title_id, version) for title_id in range(1, 41)]

    async with pool.connection():  # requesting another connection would wait forever
        again = [await snapshots.as_of(title_id, version) for title_id in range(1, 41)]

    assert all(before is after for before, after in zip(first, again, strict=True))


async def test_process_refreshes_when_a_newer_version_is_required(pool, serve):
    await serve(numbered(1, 1))
    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    version = snapshots.current.version
    await serve(numbered(1, 1, 2))

    assert (await snapshots.ensure_version(version)).version == version
    assert numbers((await snapshots.ensure_version(version + 1)).titles[1]) == [1, 2]
    assert (await snapshots.ensure_version(version + 9)).version == version + 1


async def test_title_cannot_serve_a_release_of_another_title(connection, serve):
    await serve(numbered(1, 1))
    await serve(numbered(1, 1, 2))
    await serve(numbered(2, 1))

    with pytest.raises(NotFound, match="there is no release 2 of title 2"):
        await roll_back(connection, OPERATOR, 2, 2)
    with pytest.raises(NotFound, match="there is no release 1 of title 3"):
        await roll_back(connection, OPERATOR, 3, 1)
