"""The title history: which titles it lists, in which order, and their totals."""

import pytest

from service import ticks

LOCKED_AT = "0001-01-01T00:00:00.0000000Z"
AT = ticks.parse("2013-01-17T03:19:00.3087016Z")
SCID = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
async def titles(make_title, give):
    """Four titles; the player has two unlocks in 1, the newest unlock in 2, progress in 3 and nothing in 4."""
    for title_id in (1, 2, 3, 4):
        await make_title(title_id, achievements=3)
    await give(1, {1: AT, 3: AT + 5})
    await give(2, {2: AT + 10})
    await give(3, {}, currents={1: ("5",)})


@pytest.mark.usefixtures("titles")
async def test_title_has_the_totals_of_its_unlocks(ask):
    first, *_ = (await ask("history/titles"))["titles"]

    assert first == {
        "lastUnlock": ticks.to_text(AT + 5),
        "titleId": 1,
        "serviceConfigId": SCID,
        "titleType": "Game",
        "platform": "XboxOne",
        "name": "Title 1",
        "earnedAchievements": 2,
        "currentGamerscore": 20,
        "maxGamerscore": 30,
    }


@pytest.mark.usefixtures("titles")
async def test_legacy_title_has_the_totals_of_its_unlocks(ask):
    first, *_ = (await ask("history/titles", contract=1))["titles"]

    assert (first["currentAchievements"], first["currentGamerscore"]) == (2, 20)
    assert (first["totalAchievements"], first["totalGamerscore"]) == (3, 30)
    assert first["lastPlayed"] == ticks.to_text(AT + 5)


@pytest.mark.usefixtures("titles")
async def test_titles_with_unlocks_or_progress_are_listed(ask):
    page = await ask("history/titles")

    assert [title["titleId"] for title in page["titles"]] == [1, 2, 3]
    assert page["pagingInfo"] == {"continuationToken": None, "totalRecords": 3}
    assert page["titles"][2]["lastUnlock"] == LOCKED_AT


@pytest.mark.usefixtures("titles")
async def test_unlock_time_puts_the_title_of_the_newest_unlock_first(ask):
    page = await ask("history/titles", orderBy="unlockTime")

    assert [title["titleId"] for title in page["titles"]] == [2, 1, 3]


@pytest.mark.parametrize("order", ["Unordered", "UnlockTime"])
@pytest.mark.usefixtures("titles")
async def test_pages_join_to_the_whole_history(ask, order):
    whole = (await ask("history/titles", orderBy=order))["titles"]

    joined, token = [], None
    for _ in range(3):
        more = {} if token is None else {"continuationToken": token}
        page = await ask("history/titles", orderBy=order, maxItems=1, **more)
        joined += page["titles"]
        token = page["pagingInfo"]["continuationToken"]

    assert joined == whole
    assert token is None


@pytest.mark.usefixtures("titles")
async def test_title_id_filters_the_history(ask):
    page = await ask("history/titles", titleId="3,1,4")

    assert [title["titleId"] for title in page["titles"]] == [1, 3]


@pytest.mark.usefixtures("titles")
async def test_history_of_an_unknown_title_is_empty(ask):
    assert await ask("history/titles", titleId=77) == {
        "titles": [],
        "pagingInfo": {"continuationToken": None, "totalRecords": 0},
    }
