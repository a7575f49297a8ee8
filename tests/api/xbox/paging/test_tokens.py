"""Continuation tokens on the wire: their form, which changes they allow, and what is rejected."""

import msgspec
import pytest
import yarl

from service.core.progress.continuation import ContinuationTokens
from service.db.incarnation import Incarnation
from service.http.services import Services
from tests.api.xbox.paging.pages import ids, token_of
from tests.factories import OTHER, PLAYER, authorization


@pytest.fixture
def services(services: Services) -> Services:
    """With a fixed key, it is not random which of the one-byte tags in tokens collide."""
    tokens = ContinuationTokens(b"the same in every run", Incarnation())
    return msgspec.structs.replace(services, continuation_tokens=tokens)


@pytest.fixture
async def token(ask, make_title) -> str:
    """The token of the second page of title 1."""
    await make_title(1, achievements=5)
    await make_title(2, achievements=5)
    second_page = token_of(await ask(titleId=1, maxItems=2))
    assert second_page is not None
    return second_page


async def test_token_is_short_and_needs_no_url_encoding(client, token):
    """At most 32 of these characters; clients concatenate it into their URLs unencoded."""
    url = f"/users/xuid({PLAYER})/achievements?titleId=1&maxItems=2&continuationToken={token}"
    headers = {"Authorization": authorization(), "x-xbl-contract-version": "2"}

    response = await client.get(yarl.URL(url, encoded=True), headers=headers)

    assert len(token) <= 32
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    assert ids(await response.json()) == [3, 4]


async def test_same_page_has_the_same_token(ask, token):
    assert token_of(await ask(titleId=1, maxItems=2)) == token


async def test_last_page_has_no_token(ask, token):  # noqa: ARG001  (it makes the titles)
    assert token_of(await ask(titleId=1, maxItems=5)) is None
    assert token_of(await ask(titleId=1, maxItems=4)) is not None


async def test_token_altered_in_any_character_is_rejected(ask, token):
    for index in range(len(token)):
        other = "B" if token[index] == "A" else "A"
        altered = token[:index] + other + token[index + 1 :]

        error = await ask(titleId=1, maxItems=2, continuationToken=altered, status=400)

        assert error["description"].startswith("continuationToken: ")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"player": OTHER}, "another player", id="player"),
        pytest.param({"orderBy": "UnlockTime"}, "another orderBy", id="order"),
        pytest.param({"orderBy": "Title"}, "another orderBy", id="an equivalent order"),
        pytest.param({"titleId": 2}, "another list or filter (titleId", id="title"),
        pytest.param({"titleId": "1,2"}, "another list or filter (titleId", id="one title more"),
        pytest.param({"types": "Persistent"}, "another list or filter (titleId, types", id="types"),
        pytest.param({"unlockedOnly": "true"}, "unlockedOnly", id="unlockedOnly"),
        pytest.param({"possibleOnly": "true"}, "possibleOnly", id="possibleOnly"),
    ],
)
async def test_token_of_another_list_is_rejected_with_the_difference(ask, token, changes, reason):
    error = await ask(**({"titleId": 1, "continuationToken": token} | changes), status=400)

    assert "continuationToken: it belongs to another" in error["description"]
    assert reason in error["description"]
    assert error["code"] == error["errorCode"] == 4000


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"maxItems": 1}, id="page size"),
        pytest.param({"headers": {"Accept-Language": "fr"}}, id="language"),
        pytest.param({"titleId": "1,01,1"}, id="the same title, spelled differently"),
        pytest.param(
            {"orderBy": "unordered", "types": "challenge,PERSISTENT"}, id="the same list, spelled differently"
        ),
    ],
)
async def test_token_is_accepted_with_another_page_size_language_or_spelling(ask, token, changes):
    page = await ask(**({"titleId": 1, "maxItems": 2, "continuationToken": token} | changes))

    assert ids(page)[0] == 3


@pytest.mark.parametrize("what", ["titleachievements", "history/titles"])
async def test_token_of_another_route_is_rejected(ask, token, give, what):
    await give(1, {1: 10**17})
    await give(2, {1: 10**17})

    error = await ask(what, titleId=1, continuationToken=token, status=400)

    assert error["description"].startswith("continuationToken: ")


async def test_token_of_the_title_history_is_rejected_by_lists_of_achievements(ask, token, give):  # noqa: ARG001  (it makes the titles)
    await give(1, {1: 10**17})
    await give(2, {1: 10**17})
    history_token = token_of(await ask("history/titles", maxItems=1))

    error = await ask(continuationToken=history_token, status=400)

    assert error["description"].startswith("continuationToken: ")


@pytest.mark.parametrize(
    "garbage",
    [
        *(
            "abc",
            "-1",
            "+5",
            "3.2",
            "null",
            "undefined",
            "32,2018-03-28T01:28:51.8070000Z",
            "=" * 32,
            "A" * 31,
            "A" * 33,
        ),
        *("A" * 32, "_" * 32, "٣٢", "\x00", " 32", "0x20", "9" * 20, "9" * 32, "é" * 32, "A" * 4000),
    ],
)
async def test_any_other_text_is_rejected(ask, token, garbage):  # noqa: ARG001  (it makes the titles)
    error = await ask(titleId=1, continuationToken=garbage, status=400)

    assert error["description"].startswith("continuationToken: ")
    assert len(error["description"]) < 200


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        pytest.param("", [1, 2], id="empty"),
        pytest.param("0", [1, 2], id="0"),
        pytest.param("00", [1, 2], id="00"),
        pytest.param("3", [4, 5], id="3"),
        pytest.param("32", [], id="32"),
        pytest.param("2147483647", [], id="int32"),
        pytest.param("9999999999", [], id="more than int32"),
    ],
)
async def test_integer_is_an_offset(ask, token, offset, expected):  # noqa: ARG001  (it makes the titles)
    """Node clients start with 0, and tokens of the live service are such numbers."""
    page = await ask(titleId=1, maxItems=2, continuationToken=offset)

    assert ids(page) == expected
    assert page["pagingInfo"]["totalRecords"] == 5


@pytest.mark.usefixtures("token")
async def test_skip_items_is_added_to_an_offset_in_the_token(ask):
    assert ids(await ask(titleId=1, maxItems=2, skipItems=1, continuationToken="3")) == [5]
