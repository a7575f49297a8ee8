"""Conditional requests: ETags change exactly when the response does, and a current copy gets a 304."""

import re
from typing import Any

import pytest

from service import ticks
from service.core.catalog.model import Window
from tests.factories import OTHER, PLAYER, achievement, authorization

SCID = "00000000-0000-0000-0000-000000000001"
AT = ticks.parse("2013-01-17T03:19:00.3087016Z")
QUERIES = {
    "own titles": ("achievements", {}),
    "one title": ("achievements", {"titleId": "1"}),
    "two titles": ("achievements", {"titleId": "1,2"}),
    "unlocked": ("achievements", {"titleId": "1", "unlockedOnly": "true"}),
    "by time": ("achievements", {"orderBy": "UnlockTime"}),
    "ending soon": ("achievements", {"titleId": "1", "orderBy": "EndingSoon"}),
    "possible": ("achievements", {"titleId": "1", "possibleOnly": "true"}),
    "a first page": ("achievements", {"titleId": "1", "maxItems": "1"}),
    "a first page of own titles": ("achievements", {"maxItems": "1"}),
    "nothing": ("achievements", {"titleId": "77"}),
    "titleachievements": ("titleachievements", {"titleId": "1"}),
    "history": ("history/titles", {}),
    "history of a title": ("history/titles", {"titleId": "1"}),
    "history by time": ("history/titles", {"orderBy": "UnlockTime", "maxItems": "1"}),
    "one achievement": (f"achievements/{SCID}/1", {}),
}
PERSONAL = {name: q for name, q in QUERIES.items() if name not in ("possible", "titleachievements", "nothing")}
every_question = pytest.mark.parametrize(("what", "query"), QUERIES.values(), ids=QUERIES)
every_contract = pytest.mark.parametrize("contract", [1, 2, 3, 4])


@pytest.fixture(autouse=True)
async def _titles(make_title, give):
    french = {"fr-FR": {"title/name": "Titre", "achievement/1/name": "Nom"}}
    await make_title(1, achievements=3, texts=french)
    await make_title(2, achievements=2)
    await give(1, {1: AT}, currents={2: ("5",)})
    await give(2, {2: AT + 1})


@pytest.fixture
def tagged(ask):
    """Sends a request; returns the ETag and the body."""

    async def asked(what: str, query: dict[str, str], **more: Any) -> tuple[str, bytes]:
        response = await ask(what, raw=True, **query, **more)
        return response.headers["ETag"], await response.read()

    return asked


@every_contract
@every_question
async def test_current_copy_gets_304_without_a_body(ask, what, query, contract):
    first = await ask(what, raw=True, contract=contract, **query)

    again = await ask(
        what, raw=True, contract=contract, status=304, headers={"If-None-Match": first.headers["ETag"]}, **query
    )

    assert await again.read() == b""
    for name in ("ETag", "Vary", "Cache-Control"):
        assert again.headers[name] == first.headers[name]
    assert first.headers["Vary"] == "Accept-Language, Authorization, x-xbl-contract-version"
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert re.fullmatch('"[!#-~]+"', first.headers["ETag"])  # strong


@every_question
async def test_unchanged_response_is_identical_to_the_byte(tagged, what, query):
    assert await tagged(what, query) == await tagged(what, query)


@pytest.mark.parametrize(("what", "query"), PERSONAL.values(), ids=PERSONAL)
async def test_unlock_changes_the_etag(tagged, give, what, query):
    before = await tagged(what, query)

    await give(1, {1: AT, 3: AT + 7})

    assert (await tagged(what, query))[0] != before[0]


async def test_unlock_does_not_change_etags_of_lists_without_progress(tagged, give):
    for name in ("possible", "titleachievements", "nothing"):
        before = await tagged(*QUERIES[name])
        await give(1, {2: AT})
        assert await tagged(*QUERIES[name]) == before, name


@pytest.mark.parametrize(
    ("what", "query"),
    [question for name, question in QUERIES.items() if name != "nothing"],
    ids=[name for name in QUERIES if name != "nothing"],
)
async def test_release_changes_the_etag(tagged, publish_texts, what, query):
    before = await tagged(what, query)

    await publish_texts(1, {"en-US": {"achievement/1/name": "Another name", "title/name": "Another title"}})

    after = await tagged(what, query)
    assert after[0] != before[0]
    assert after[1] != before[1]


@every_question
async def test_equal_etags_have_equal_bodies_when_other_titles_change(tagged, make_title, what, query):
    """A strong ETag identifies bytes (RFC 9110 §8.8.1), so it must depend on everything that the body does."""
    before = await tagged(what, query)

    await make_title(9, achievements=1)

    assert await tagged(what, query) == before


async def test_equal_etags_have_equal_bodies_a_second_later(tagged, make_title, time_machine):
    windows = [Window(opens_at=0, closes_at=ticks.from_unix(second)) for second in (2_000, 4_000_000_000)]
    made = tuple(achievement(number, kind="Challenge", window=w) for number, w in enumerate(windows, 1))
    await make_title(5, achievements=made)
    question = "achievements", {"titleId": "5", "orderBy": "EndingSoon", "maxItems": "1"}
    time_machine.move_to(1_900_000_000, tick=False)
    before = await tagged(*question)

    time_machine.move_to(1_900_000_005, tick=False)

    assert await tagged(*question) == before


async def test_window_that_closes_changes_the_order_and_the_etag(ask, tagged, make_title, time_machine):
    now = 1_900_000_000
    windows = [Window(opens_at=0, closes_at=ticks.from_unix(now + seconds)) for seconds in (10, 20)]
    made = tuple(achievement(number, kind="Challenge", window=w) for number, w in enumerate(windows, 1))
    await make_title(5, achievements=made)
    question = "achievements", {"titleId": "5", "orderBy": "EndingSoon"}
    time_machine.move_to(now, tick=False)
    before = await tagged(*question)

    time_machine.move_to(now + 15, tick=False)

    after = await tagged(*question)
    assert after[0] != before[0]
    order = [item["id"] for item in (await ask(question[0], **question[1]))["achievements"]]
    assert order == ["2", "1"]


@every_question
async def test_language_contract_and_query_change_the_etag(tagged, what, query):
    tags = {
        (await tagged(what, query))[0],
        (await tagged(what, query, headers={"Accept-Language": "fr"}))[0],
        (await tagged(what, query, contract=1))[0],
        (await tagged(what, query, contract=4))[0],
    }

    assert len(tags) == 4


async def test_each_query_has_its_own_etag(tagged):
    queries = (
        {},
        {"maxItems": "1"},
        {"skipItems": "1"},
        {"titleId": "1"},
        {"types": "Persistent"},
        {"orderBy": "Title"},
    )

    assert len({(await tagged("achievements", query))[0] for query in queries}) == len(queries)


async def test_spelling_of_the_query_does_not_change_the_etag(tagged):
    one = await tagged("achievements", {"titleId": "1,2", "orderBy": "UnlockTime", "unlockedOnly": "true"})
    other = await tagged(
        "achievements", {"TITLEID": "2,1,1", "orderby": "unlocktime", "UnlockedOnly": "True", "x": "1"}
    )

    assert one == other


async def test_players_share_an_etag_only_for_equal_responses(tagged, give):
    await give(1, {3: AT}, player=OTHER)
    await give(1, {}, player=OTHER)

    for name in ("one title", "own titles"):
        mine, theirs = await tagged(*QUERIES[name]), await tagged(*QUERIES[name], player=OTHER)
        assert mine[1] != theirs[1]


@every_contract
async def test_rarity_changes_the_etag_where_it_is_shown(tagged, give, services, contract):
    before = await tagged(*QUERIES["possible"], contract=contract)

    await give(1, {1: AT}, player=OTHER)
    await services.rarities.refresh()

    after = await tagged(*QUERIES["possible"], contract=contract)
    assert (after[0] != before[0]) == (after[1] != before[1]) == (contract >= 3)


@pytest.mark.parametrize(
    "condition",
    ["{}", "W/{}", '"x", {}', '{},"x"', '"x" , W/{} ,"y"', "*", ' "a","b",\t{} '],
)
@every_question
async def test_if_none_match_is_a_list_of_strong_or_weak_etags(ask, tagged, condition, what, query):
    tag, _ = await tagged(what, query)

    await ask(what, status=304, raw=True, headers={"If-None-Match": condition.format(tag)}, **query)


@every_question
async def test_if_none_match_may_be_repeated(client, tagged, what, query):
    tag, _ = await tagged(what, query)
    headers = [
        ("Authorization", authorization()),
        ("x-xbl-contract-version", "2"),
        ("If-None-Match", '"x"'),
        ("If-None-Match", tag),
    ]

    response = await client.get(f"/users/xuid({PLAYER})/{what}", params=query, headers=headers)

    assert response.status == 304


@every_question
async def test_other_etags_do_not_change_the_response(ask, tagged, what, query):
    """Also an ETag of a later revision: after a restore of the database, a client may be ahead of it."""
    tag, body = await tagged(what, query)
    revision, _, digest = tag.strip('"').partition("-")

    others = (
        f'"ffffff-{digest}"',
        f'"0-{digest}"',
        f'"0{revision}-{digest}"',
        f"{tag}x",
        f"x{tag}",
        f"w/{tag}",
        f"{tag} {tag}",
        f'"{revision}-{digest[::-1]}"',
        '""',
        '"',
        "\udcff",
        ",",
    )
    for condition in set(others) - {tag}:
        response = await ask(what, raw=True, headers={"If-None-Match": condition}, **query)
        assert (response.headers["ETag"], await response.read()) == (tag, body), condition


async def test_old_etag_gets_the_new_response(ask, tagged, give):
    for name, (what, query) in PERSONAL.items():
        old, _ = await tagged(what, query)
        await give(1, {2: AT + 9})
        await give(2, {1: AT + 9})
        new = await tagged(what, query)

        response = await ask(what, raw=True, headers={"If-None-Match": old}, **query)

        assert (response.headers["ETag"], await response.read()) == new, name


@every_question
async def test_head_is_get_without_the_body(client, ask, what, query):
    got = await ask(what, raw=True, **query)
    headers = {"Authorization": authorization(), "x-xbl-contract-version": "2"}
    path = f"/users/xuid({PLAYER})/{what}"

    head = await client.head(path, params=query, headers=headers)
    known = await client.head(path, params=query, headers=headers | {"If-None-Match": got.headers["ETag"]})

    assert (head.status, await head.read(), known.status) == (200, b"", 304)
    wanted = {name: value for name, value in got.headers.items() if name != "Date"}
    assert {name: value for name, value in head.headers.items() if name != "Date"} == wanted


async def test_authorization_precedes_if_none_match(ask):
    for contract in (1, 2):
        headers = {"If-None-Match": "*", "Authorization": authorization(OTHER)}
        await ask(headers=headers, contract=contract, status=403)
