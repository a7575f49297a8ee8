"""Changes between two pages: unlocks, releases, closing windows, and pages read from other processes."""

import asyncio

import msgspec

from service import ticks
from service.core.catalog.model import Achievement, Window
from service.core.progress.reader import ProgressReader
from service.core.publishing.snapshot import SnapshotStore
from service.server.app import make_application, make_services
from tests.api.xbox.paging.pages import follow, ids, names, token_of
from tests.factories import PLAYER, achievement, authorization, draft, publish_draft

LONG_AGO = ticks.parse("1999-01-01T00:00:00Z")


async def test_later_unlock_keeps_its_place_by_unlock_time_until_the_last_page(ask, make_title, give):
    title = await make_title(achievements=6)
    await give(title, {2: 10**17, 4: 2 * 10**17})
    query = {"titleId": title, "orderBy": "UnlockTime", "maxItems": 2}
    first = await ask(**query)

    await give(title, {5: 3 * 10**17})
    rest = await follow(ask, token_of(first), **query)

    assert [ids(page) for page in [first, *rest]] == [[4, 2], [1, 3], [5, 6]]
    assert rest[1]["achievements"][0]["progressState"] == "Achieved"  # the place of the first page, the current state
    assert ids(await ask(titleId=title, orderBy="UnlockTime")) == [5, 4, 2, 1, 3, 6]


async def test_unlocked_only_by_unlock_time_leaves_out_later_unlocks(ask, make_title, give):
    title = await make_title(achievements=6)
    await give(title, {1: 10**17, 2: 2 * 10**17, 3: 3 * 10**17})
    query = {"titleId": title, "orderBy": "UnlockTime", "unlockedOnly": "true", "maxItems": 1}
    first = await ask(**query)

    await give(title, {4: 4 * 10**17, 5: 5})
    rest = await follow(ask, token_of(first), **query)

    assert [ids(page) for page in [first, *rest]] == [[3], [2], [1]]
    assert {page["pagingInfo"]["totalRecords"] for page in rest} == {3}


async def test_later_unlock_is_listed_if_it_comes_after_the_cursor(ask, make_title, give):
    title = await make_title(achievements=6)
    await give(title, {2: 10**17, 4: 10**17})
    query = {"titleId": title, "unlockedOnly": "true", "maxItems": 1}
    first = await ask(**query)

    await give(title, {1: 10**17, 6: 10**17})
    rest = await follow(ask, token_of(first), **query)

    assert [ids(page) for page in [first, *rest]] == [[2], [4], [6]]


async def test_later_pages_show_the_releases_of_the_first(ask, make_title):
    title = await make_title(achievements=4)
    first = await ask(titleId=title, maxItems=2)

    reversed_order = tuple(achievement(number, display_order=9 - number) for number in range(1, 7))
    await make_title(title, achievements=reversed_order)
    rest = await follow(ask, token_of(first), titleId=title, maxItems=2)

    assert [ids(page) for page in rest] == [[3, 4]]
    assert ids(await ask(titleId=title)) == [6, 5, 4, 3, 2, 1]


async def test_title_published_between_pages_is_not_listed(ask, make_title):
    await make_title(5, achievements=3)
    first = await ask(titleId="5,6", maxItems=2)

    await make_title(6, achievements=3)
    rest = await follow(ask, token_of(first), titleId="5,6", maxItems=2)

    assert [names(page) for page in rest] == [[(5, 3)]]
    assert len(names(await ask(titleId="5,6"))) == 6


async def test_release_published_during_the_first_page_is_not_shown(ask, make_title, connection, pool, services):
    """The first page and its token use the snapshot at the start of the request."""
    title = await make_title(achievements=4)
    newer = SnapshotStore(
        type(pool)(connection)
    )  # another pool on the same connection, so that it does not wait for the first
    reversed_order = tuple(achievement(number, display_order=9 - number) for number in range(1, 5))

    async with pool.connection():
        reading = asyncio.create_task(ask(titleId=title, maxItems=2))
        while not services.progress._in_title._running:  # noqa: ASYNC110  (nothing signals that it has started)
            await asyncio.sleep(0)
        await publish_draft(connection, draft(title, reversed_order))
        await newer.refresh()
        services.snapshots.current = newer.current
    first = await reading
    rest = await follow(ask, token_of(first), titleId=title, maxItems=2)

    assert [ids(page) for page in [first, *rest]] == [[1, 2], [3, 4]]


async def test_window_closing_between_pages_does_not_move_its_achievement(ask, make_title, time_machine):
    def closing(number: int) -> Achievement:
        closes_at = ticks.parse(f"2031-01-01T00:00:0{number}Z")
        return achievement(number, window=Window(opens_at=LONG_AGO, closes_at=closes_at))

    title = await make_title(achievements=tuple(closing(number) for number in range(1, 6)))
    query = {"titleId": title, "orderBy": "EndingSoon", "maxItems": 2}
    time_machine.move_to("2031-01-01T00:00:01Z", tick=False)
    first = await ask(**query)

    time_machine.move_to("2031-01-01T00:00:04Z", tick=False)
    rest = await follow(ask, token_of(first), **query)

    assert [ids(page) for page in [first, *rest]] == [[2, 3], [4, 5], [1]]
    assert ids(await ask(titleId=title, orderBy="EndingSoon")) == [5, 1, 2, 3, 4]


async def test_token_whose_item_was_removed_is_rejected(ask, make_title, give, connection):
    title = await make_title(achievements=3)
    await give(title, {1: 10**17, 2: 10**17})
    first = await ask(titleId=title, unlockedOnly="true", maxItems=1)

    await connection.execute("DELETE FROM progress")
    error = await ask(titleId=title, unlockedOnly="true", maxItems=1, continuationToken=token_of(first), status=400)

    assert "no longer in this list" in error["description"]


async def test_processes_on_one_database_share_the_token_key(pool, settings, services):
    one, two = [await make_services(settings, pool, services.observer) for _ in range(2)]

    assert one.continuation_tokens._key == two.continuation_tokens._key


async def test_process_that_has_not_seen_a_release_continues_in_it(ask, make_title, pool, services, aiohttp_client):
    """The first page came from a process that saw a publish earlier than the one that serves the next page."""
    title = await make_title(achievements=4)
    reversed_order = tuple(achievement(number, display_order=9 - number) for number in range(1, 7))
    async with pool.transaction() as connection:
        await publish_draft(connection, draft(title, reversed_order))
    quicker = msgspec.structs.replace(services, snapshots=SnapshotStore(pool), progress=ProgressReader(pool))
    await quicker.snapshots.refresh()
    other = await aiohttp_client(make_application(quicker))
    headers = {"Authorization": authorization(), "x-xbl-contract-version": "2"}
    response = await other.get(f"/users/xuid({PLAYER})/achievements?titleId={title}&maxItems=2", headers=headers)
    first = await response.json()

    assert services.snapshots.current.version < quicker.snapshots.current.version
    rest = await follow(ask, token_of(first), titleId=title, maxItems=2)

    assert [ids(page) for page in [first, *rest]] == [[6, 5], [4, 3], [2, 1]]


async def test_release_of_a_process_that_lags_behind_is_kept_on_later_pages(
    ask, make_title, pool, services, aiohttp_client
):
    title = await make_title(achievements=4)
    first = await ask(titleId=title, maxItems=2)

    await make_title(title, achievements=tuple(achievement(n, display_order=9 - n) for n in range(1, 7)))
    newcomer = msgspec.structs.replace(services, snapshots=SnapshotStore(pool), progress=ProgressReader(pool))
    await newcomer.snapshots.refresh()
    other = await aiohttp_client(make_application(newcomer))
    response = await other.get(
        f"/users/xuid({PLAYER})/achievements?titleId={title}&continuationToken={token_of(first)}",
        headers={"Authorization": authorization(), "x-xbl-contract-version": "2"},
    )

    assert ids(await response.json()) == [3, 4]
