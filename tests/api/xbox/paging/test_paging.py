"""Pages join up: following tokens gives every item once, and any range of items is that of the whole list."""

from collections.abc import Mapping
from typing import Any

import pytest

from service import ticks
from service.core.auth.principal import OPERATOR
from service.core.catalog.model import Window
from service.core.publishing.drafts import import_draft
from tests.api.xbox.paging.pages import follow, names, token_of
from tests.factories import achievement, authorization, draft

ORDERS = ("Unordered", "Title", "UnlockTime", "EndingSoon")
FILTERS: Mapping[str, Mapping[str, str]] = {
    "all": {},
    "unlocked": {"unlockedOnly": "true"},
    "possible": {"possibleOnly": "true"},
    "persistent": {"types": "Persistent"},
    "unlocked challenges": {"types": "Challenge", "unlockedOnly": "true"},
    "possible challenges": {"types": "Challenge", "possibleOnly": "true"},
}
LANGUAGES = ("en-US", "fr-FR", "de", "*;q=0", "")
LONG_AGO = ticks.parse("1999-01-01T00:00:00Z")


@pytest.fixture
async def titles(make_title, give) -> str:
    """The ids, with commas, of two titles whose orders, kinds, windows and unlocks all differ."""

    def closing(year: int) -> Window:
        return Window(opens_at=LONG_AGO, closes_at=ticks.parse(f"{year}-01-01T00:00:00Z"))

    changes: dict[int, dict[str, Any]] = {
        2: {"kind": "Challenge", "window": closing(2090)},
        3: {"display_order": 9},
        5: {"kind": "Challenge", "window": closing(2005)},
        6: {"kind": "Challenge", "window": closing(2080)},
        8: {"kind": "Challenge", "display_order": 1},
        11: {"window": closing(2001)},
    }
    made = tuple(achievement(number, **changes.get(number, {})) for number in range(1, 13))
    await make_title(7, achievements=made)
    await make_title(2**32 - 1, achievements=made[:4])
    await give(7, {3: LONG_AGO, 8: LONG_AGO + 5, 12: LONG_AGO})
    await give(2**32 - 1, {2: LONG_AGO + 5, 1: LONG_AGO + 9})
    return "7,4294967295"


@pytest.mark.parametrize("only", FILTERS)
@pytest.mark.parametrize("order", ORDERS)
async def test_pages_of_any_size_join_to_the_whole_list(ask, titles, order, only):
    for scope in ({"titleId": titles}, {"titleId": 7}, {}):
        query = {**scope, "orderBy": order, **FILTERS[only]}
        whole = await ask(**query, maxItems=1000)
        everything = whole["achievements"]
        for size in (1, 2, 5, 32):
            pages = await follow(ask, maxItems=size, **query)

            assert [item for page in pages for item in page["achievements"]] == everything
            assert all(len(page["achievements"]) == size for page in pages[:-1])
            assert {page["pagingInfo"]["totalRecords"] for page in pages} == {len(everything)}


async def test_skip_items_counts_from_the_beginning(ask, titles):
    for order in ORDERS:
        whole = names(await ask(titleId=titles, orderBy=order, maxItems=1000))
        for skipped in range(len(whole) + 2):
            page = await ask(titleId=titles, orderBy=order, skipItems=skipped, maxItems=3)

            assert names(page) == whole[skipped : skipped + 3]
            assert page["pagingInfo"]["totalRecords"] == len(whole)
            assert (token_of(page) is None) == (skipped + 3 >= len(whole))


@pytest.mark.parametrize("order", ORDERS)
async def test_skip_items_counts_from_the_place_of_the_token(ask, titles, order):
    """The document: maxItems "can be combined with skipItems and continuationToken to return a range of items"."""
    query = {"titleId": titles, "orderBy": order}
    whole = names(await ask(**query, maxItems=1000))
    for start in (1, 4, 15):
        token = token_of(await ask(**query, maxItems=start))
        for skipped in (0, 1, 3, len(whole), 2**31 - 1):
            first = start + skipped
            page = await ask(**query, continuationToken=token, skipItems=skipped, maxItems=2)

            assert names(page) == whole[first : first + 2]
            assert page["pagingInfo"]["totalRecords"] == len(whole)
            assert (token_of(page) is None) == (first + 2 >= len(whole))


@pytest.mark.parametrize("order", ORDERS)
async def test_skip_items_counts_from_the_place_of_the_token_in_the_title_history(ask, make_title, give, order):
    for title_id in range(1, 6):
        await make_title(title_id, achievements=1)
        await give(title_id, {1: LONG_AGO + 7 * title_id % 5})
    whole = [title["titleId"] for title in (await ask("history/titles", orderBy=order))["titles"]]
    token = token_of(await ask("history/titles", orderBy=order, maxItems=2))

    for skipped in range(4):
        page = await ask("history/titles", orderBy=order, continuationToken=token, skipItems=skipped, maxItems=1)

        assert [title["titleId"] for title in page["titles"]] == whole[2 + skipped : 3 + skipped]
        assert page["pagingInfo"]["totalRecords"] == 5


async def test_list_without_title_id_has_titles_with_progress_and_that_of_the_token(ask, make_title, give):
    for title_id in (1, 2, 3):
        await make_title(title_id, achievements=1)
    await give(2, {}, currents={1: ("5",)})
    with_title = {"Authorization": authorization(title_id=3)}

    assert names(await ask()) == [(2, 1)]
    assert names(await ask(headers=with_title)) == [(2, 1), (3, 1)]
    assert names(await ask(titleId=1, headers=with_title)) == [(1, 1)]


async def test_unpublished_title_is_not_listed(ask, pool, give):
    async with pool.transaction() as connection:
        await import_draft(connection, OPERATOR, draft(1, (achievement(1),)))
    await give(1, {1: 10**17})

    page = await ask(headers={"Authorization": authorization(title_id=1)})

    assert page == {"achievements": [], "pagingInfo": {"continuationToken": None, "totalRecords": 0}}


@pytest.mark.parametrize("achievements", [2, 3])
async def test_player_without_progress_gets_the_current_release_of_the_title_of_the_token(
    ask, make_title, achievements
):
    """Lists cached for players without progress are not shared between databases."""
    await make_title(1, achievements=achievements)
    player = str(2**40 + achievements)

    page = await ask(player=player, headers={"Authorization": authorization(player, title_id=1)})

    assert names(page) == [(1, number) for number in range(1, achievements + 1)]
