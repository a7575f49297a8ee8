"""The shapes of all answers, as every named client needs them: each member there, and of its JSON type."""

import re
from typing import Any

import pytest

from service import ticks
from service.core.catalog.model import MediaAsset, Requirement, Reward, Window
from service.settings import Settings
from tests.factories import OTHER, SECRET, achievement

LOCKED_AT = "0001-01-01T00:00:00.0000000Z"
UNLOCKED_AT = "2013-01-17T03:19:00.3087016Z"
AT = ticks.parse(UNLOCKED_AT)
SCID = "00000000-0000-0000-0000-000000000001"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z")
WINDOW_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z")
NUMBER = re.compile(r"[0-9]+")

MEDIA = {"name": str, "type": str, "url": re.compile("https?://.+")}
MODERN = {
    "id": NUMBER,
    "serviceConfigId": GUID,
    "name": str,
    "titleAssociations": [{"name": str, "id": int}],
    "progressState": re.compile("NotStarted|InProgress|Achieved"),
    "progression": {
        "achievementState": re.compile("NotStarted|InProgress|Achieved"),
        "requirements": [
            {
                "id": GUID,
                "current": {str, None},
                "target": str,
                "operationType": re.compile("Sum|Minimum|Maximum"),
                "valueType": re.compile("Integer|Double"),
                "ruleParticipationType": re.compile("Individual|Group"),
            }
        ],
        "timeUnlocked": TIME,
    },
    "mediaAssets": [MEDIA],
    "platform": str,
    "platforms": [str],
    "isSecret": bool,
    "description": str,
    "lockedDescription": str,
    "productId": GUID,
    "achievementType": re.compile("Persistent|Challenge"),
    "participationType": re.compile("Individual|Group"),
    "timeWindow": ({"startDate": WINDOW_TIME, "endDate": WINDOW_TIME}, None),
    "rewards": [
        {
            "name": {str, None},
            "description": {str, None},
            "value": str,
            "type": re.compile("Gamerscore|InApp|Art"),
            "mediaAsset": (MEDIA, None),
            "valueType": str,
        }
    ],
    "estimatedTime": re.compile(r"[01]\d:[0-5]\d:[0-5]\d|2[0-3]:[0-5]\d:[0-5]\d"),
    "deeplink": {str, None},
    "isRevoked": bool,
}
LEGACY = {
    "id": int,
    "titleId": int,
    "name": str,
    "sequence": int,
    "flags": int,
    "unlockedOnline": bool,
    "unlocked": bool,
    "isSecret": bool,
    "platform": int,
    "gamerscore": int,
    "imageId": int,
    "description": str,
    "lockedDescription": str,
    "type": int,
    "isRevoked": bool,
    "timeUnlocked": TIME,
}
RARITY = {"currentCategory": re.compile("Unset|Rare|Common"), "currentPercentage": float}
PAGING = {"continuationToken": (re.compile("[A-Za-z0-9_-]{1,32}"), None), "totalRecords": int}
MODERN_TITLE = {
    "lastUnlock": TIME,
    "titleId": int,
    "serviceConfigId": GUID,
    "titleType": str,
    "platform": str,
    "name": str,
    "earnedAchievements": int,
    "currentGamerscore": int,
    "maxGamerscore": int,
}
LEGACY_TITLE = {
    "lastPlayed": TIME,
    "currentAchievements": int,
    "currentGamerscore": int,
    "sequence": int,
    "titleId": int,
    "titleType": int,
    "platforms": [int],
    "name": str,
    "totalAchievements": int,
    "totalGamerscore": int,
}
SHAPES: dict[tuple[str, int], dict[str, Any]] = {
    ("achievements", 1): {"achievements": [LEGACY], "pagingInfo": PAGING, "version": TIME},
    ("achievements", 2): {"achievements": [MODERN], "pagingInfo": PAGING},
    ("achievements", 3): {"achievements": [LEGACY | {"rarity": RARITY}], "pagingInfo": PAGING, "version": TIME},
    ("achievements", 4): {"achievements": [MODERN | {"rarity": RARITY}], "pagingInfo": PAGING},
    ("history/titles", 1): {"titles": [LEGACY_TITLE], "pagingInfo": PAGING, "version": TIME},
    ("history/titles", 2): {"titles": [MODERN_TITLE], "pagingInfo": PAGING},
    ("history/titles", 3): {"titles": [LEGACY_TITLE], "pagingInfo": PAGING, "version": TIME},
    ("history/titles", 4): {"titles": [MODERN_TITLE], "pagingInfo": PAGING},
    (f"achievements/{SCID}/3", 2): {"achievement": MODERN, "achievements": [MODERN], "pagingInfo": PAGING},
    (f"achievements/{SCID}/3", 4): {
        "achievement": MODERN | {"rarity": RARITY},
        "achievements": [MODERN | {"rarity": RARITY}],
        "pagingInfo": PAGING,
    },
}
SHAPES |= {("titleachievements", n): SHAPES["achievements", n] for n in (1, 2, 3, 4)}


def holds(value: Any, shape: Any, where: str = "") -> None:
    """Fails unless the value has this shape: no member missing, none more, each of the strict JSON type."""
    match shape:
        case dict():
            assert isinstance(value, dict), where
            assert value.keys() == shape.keys(), where
            for name, inner in shape.items():
                holds(value[name], inner, f"{where}.{name}")
        case [inner]:
            assert isinstance(value, list), where
            for index, one in enumerate(value):
                holds(one, inner, f"{where}[{index}]")
        case (inner, None):
            assert value is None or holds(value, inner, where) is None, where
        case set():
            assert value is None or type(value) in shape, where
        case re.Pattern():
            assert isinstance(value, str), where
            assert shape.fullmatch(value), f"{where}: {value!r}"
        case _:
            assert type(value) is shape, f"{where}: {value!r}"  # True is no number here


FULL = (
    achievement(1),
    achievement(
        2,
        requirements=(
            Requirement(id="11111111-0000-0000-0000-000000000001", target="1.50", operation="Maximum"),
            Requirement(id="11111111-0000-0000-0000-000000000002", target="9", participation="Group"),
        ),
        media=(
            MediaAsset(name="icon.png", kind="Icon", url="https://images.example.com/icon.png"),
            MediaAsset(name="art.png", kind="ChallengePromoIcon", url="https://images.example.com/art.png"),
        ),
        kind="Challenge",
        participation="Group",
        window=Window(opens_at=AT, closes_at=AT + ticks.DAY, fraction_digits=3),
        rewards=(
            Reward(kind="Gamerscore", value="5", value_type="Int"),
            Reward(
                kind="Art",
                value="https://images.example.com/wide.png",
                value_type="String",
                media=MediaAsset(name="w.png", kind="Art", url="https://images.example.com/w.png"),
            ),
        ),
        estimated_seconds=86_399,
        deeplink="ms-xbl-00000001://default?x=1",
    ),
    achievement(3, is_secret=True, rewards=(), requirements=(), platforms=("Durango", "Xbox360"), is_revoked=True),
    achievement(4),
    achievement(2**32 - 1, legacy_type=3, image_id=7),
)


@pytest.fixture
async def title(make_title, give, services):
    """A title with everything: 1 and 3 are unlocked, 2 is under way."""
    await make_title(1, achievements=FULL)
    await give(1, {1: AT, 3: 0}, currents={1: ("250",), 2: ("1.0624", None)})
    await services.rarities.refresh()
    return 1


@pytest.mark.parametrize(("path", "contract"), SHAPES, ids=str)
@pytest.mark.usefixtures("title")
async def test_each_answer_has_exactly_the_documented_and_observed_members(ask, path, contract):
    holds(await ask(path, contract=contract), SHAPES[path, contract])


@pytest.mark.usefixtures("title")
async def test_an_unknown_contract_has_its_own_status(ask):
    for sent in ("0", "5", "22", "two", "", "-1", "2.0", "٢"):
        error = await ask(headers={"x-xbl-contract-version": sent}, contract=None, status=406)
        assert error["description"].startswith("x-xbl-contract-version: expected 1, 2, 3 or 4"), sent


@pytest.mark.usefixtures("title")
async def test_without_a_contract_it_is_the_first(ask):
    """Seed 002: "If present and set to 2, the V2 version of this API will be used. Otherwise, V1."."""
    assert await ask(contract=None) == await ask(contract=1)


@pytest.mark.parametrize("settings", [Settings(jwt_secret=SECRET, default_contract=2)], ids=["2"])
@pytest.mark.usefixtures("title")
async def test_the_default_contract_is_a_setting(ask):
    assert await ask(contract=None) == await ask(contract=2)
    assert await ask(contract=1) != await ask(contract=2)


@pytest.mark.usefixtures("title")
async def test_states_follow_from_what_the_player_has(ask):
    items = {item["id"]: item for item in (await ask())["achievements"]}

    states = {number: item["progressState"] for number, item in items.items()}
    assert states == {
        "1": "Achieved",
        "2": "InProgress",
        "3": "Achieved",
        "4": "NotStarted",
        "4294967295": "NotStarted",
    }
    assert all(item["progression"]["achievementState"] == item["progressState"] for item in items.values())
    assert [items[n]["progression"]["timeUnlocked"] for n in "1234"] == [UNLOCKED_AT, LOCKED_AT, LOCKED_AT, LOCKED_AT]


@pytest.mark.usefixtures("title")
async def test_a_current_value_comes_as_it_was_stored_and_may_exceed_its_target(ask):
    items = (await ask())["achievements"]

    currents = [[one["current"] for one in item["progression"]["requirements"]] for item in items[:4]]
    assert currents == [["250"], ["1.0624", None], [], [None]]
    assert items[1]["progression"]["requirements"][0]["target"] == "1.50"


@pytest.mark.parametrize("current", [None, "0", "0.0", "-0"])
async def test_no_progress_is_not_started(ask, make_title, give, current):
    await make_title(1, achievements=1)
    await give(1, {}, currents={1: (current,)})

    (item,) = (await ask())["achievements"]

    assert item["progressState"] == "NotStarted"
    assert item["progression"]["requirements"][0]["current"] == current


async def test_possible_only_is_the_same_for_everyone(ask, title):
    for path, query in (("achievements", {"possibleOnly": "true"}), ("titleachievements", {})):
        mine = await ask(path, titleId=title, **query)
        theirs = await ask(path, titleId=title, player=OTHER, **query)

        assert mine == theirs, path
        assert {item["progressState"] for item in mine["achievements"]} == {"NotStarted"}, path
        assert {item["progression"]["timeUnlocked"] for item in mine["achievements"]} == {LOCKED_AT}, path
        requirements = [one for item in mine["achievements"] for one in item["progression"]["requirements"]]
        assert {one["current"] for one in requirements} == {None}, path


@pytest.mark.usefixtures("title")
async def test_the_window_is_printed_with_as_many_digits_as_it_came(ask):
    window = (await ask())["achievements"][1]["timeWindow"]

    assert window == {"startDate": "2013-01-17T03:19:00.308Z", "endDate": "2013-01-18T03:19:00.308Z"}


@pytest.mark.usefixtures("title")
async def test_a_secret_keeps_its_texts_in_the_modern_shape_and_hides_one_in_the_legacy_shape(ask):
    modern = (await ask(contract=2))["achievements"][2]
    legacy = (await ask("titleachievements", contract=1))["achievements"][2]

    assert (modern["isSecret"], modern["lockedDescription"]) == (True, "Locked 3")
    assert (legacy["isSecret"], legacy["lockedDescription"]) == (True, "???")


@pytest.mark.usefixtures("title")
async def test_legacy_achievements_are_the_earned_ones(ask):
    page = await ask(contract=1)

    assert [item["id"] for item in page["achievements"]] == [1, 3]
    assert page["pagingInfo"]["totalRecords"] == 2
    assert {item["unlocked"] for item in page["achievements"]} == {True}
    assert page["version"] == LOCKED_AT


async def test_legacy_titleachievements_are_all_and_locked(ask, title):
    items = (await ask("titleachievements", contract=1, titleId=title))["achievements"]

    assert [item["id"] for item in items] == [1, 2, 3, 4, 2**32 - 1]
    assert {item["unlocked"] for item in items} == {item["unlockedOnline"] for item in items} == {False}
    assert {item["timeUnlocked"] for item in items} == {"2002-11-15T00:00:00.0000000Z"}


@pytest.mark.usefixtures("title")
async def test_a_legacy_time_that_nobody_knows_is_the_offline_sentinel(ask):
    times = [item["timeUnlocked"] for item in (await ask(contract=1))["achievements"]]

    assert times == [UNLOCKED_AT, "1753-01-01T00:00:00.0000000Z"]


@pytest.mark.usefixtures("title")
async def test_legacy_flags_hold_type_secrecy_and_state(ask):
    locked = (await ask("titleachievements", contract=1))["achievements"]
    earned = (await ask(contract=1))["achievements"]

    assert [item["flags"] for item in locked] == [0x9, 0x9, 0x1, 0x9, 0xB]
    assert [item["flags"] for item in earned] == [0x30009, 0x30001]
    assert all(item["flags"] & 7 == item["type"] for item in locked + earned)


@pytest.mark.usefixtures("title")
async def test_legacy_points_and_pictures_are_numbers(ask):
    items = (await ask("titleachievements", contract=1))["achievements"]

    assert [item["gamerscore"] for item in items] == [10, 5, 0, 10, 10]
    assert [item["imageId"] for item in items] == [0, 0, 0, 0, 7]


@pytest.mark.usefixtures("title")
async def test_contracts_3_and_4_are_1_and_2_with_rarity(ask):
    for older, newer in ((1, 3), (2, 4)):
        plain, rare = await ask(contract=older), await ask(contract=newer)

        without = [{k: v for k, v in item.items() if k != "rarity"} for item in rare["achievements"]]
        assert rare | {"achievements": without} == plain


async def test_rarity_is_the_share_of_the_titles_players(ask, make_title, give, services):
    await make_title(1, achievements=3)
    for player in range(20):
        unlocked = {1: AT} | ({2: AT} if player < 2 else {})
        await give(1, unlocked, player=str(1000 + player))
    await services.rarities.refresh()

    items = (await ask(titleId=1, contract=4))["achievements"]

    assert [item["rarity"] for item in items] == [
        {"currentCategory": "Common", "currentPercentage": 100.0},
        {"currentCategory": "Rare", "currentPercentage": 10.0},
        {"currentCategory": "Rare", "currentPercentage": 0.0},
    ]


async def test_rarity_is_unset_where_nobody_plays(ask, make_title):
    await make_title(1, achievements=1)

    (item,) = (await ask(titleId=1, contract=4))["achievements"]

    assert item["rarity"] == {"currentCategory": "Unset", "currentPercentage": 0.0}


@pytest.mark.usefixtures("title")
async def test_one_achievement_stands_under_both_keys_as_in_the_list(ask):
    listed = (await ask())["achievements"][1]

    assert await ask(f"achievements/{SCID}/2") == {
        "achievement": listed,
        "achievements": [listed],
        "pagingInfo": {"continuationToken": None, "totalRecords": 1},
    }


async def test_a_scid_is_read_in_any_case(ask, make_title):
    scid = "abcdef00-0000-0000-0000-00000000000f"
    await make_title(1, achievements=1, scid=scid)

    assert await ask(f"achievements/{scid.upper()}/1") == await ask(f"achievements/{scid}/1")
    assert (await ask(f"achievements/{scid.upper()}/1"))["achievement"]["serviceConfigId"] == scid


@pytest.mark.parametrize("number", ["5", "0", "4294967296", "9999999999"])
@pytest.mark.usefixtures("title")
async def test_an_achievement_that_is_not_there_is_404(ask, number):
    error = await ask(f"achievements/{SCID}/{number}", status=404)

    assert error["description"] == f"there is no achievement {number} in service config {SCID}"


@pytest.mark.usefixtures("title")
async def test_a_scid_that_is_not_there_is_404(ask):
    await ask("achievements/00000000-0000-0000-0000-0000000000ff/1", status=404)


@pytest.mark.parametrize("path", ["1/1", "zz000000-0000-0000-0000-000000000001/1", f"{SCID}/one", f"{SCID}/-1"])
@pytest.mark.usefixtures("title")
async def test_names_of_another_shape_are_400(ask, path):
    assert (await ask(f"achievements/{path}", status=400))["code"] == 4000


@pytest.fixture
async def titles(make_title, give):
    """Four titles; the player has 1 (two unlocks), 2 (the newest), 3 (only under way), nothing in 4."""
    for title_id in (1, 2, 3, 4):
        await make_title(title_id, achievements=3)
    await give(1, {1: AT, 3: AT + 5})
    await give(2, {2: AT + 10})
    await give(3, {}, currents={1: ("5",)})


@pytest.mark.usefixtures("titles")
async def test_a_title_of_the_history_sums_up_what_was_earned(ask):
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
async def test_a_legacy_title_of_the_history_has_totals(ask):
    first, *_ = (await ask("history/titles", contract=1))["titles"]

    assert (first["currentAchievements"], first["currentGamerscore"]) == (2, 20)
    assert (first["totalAchievements"], first["totalGamerscore"]) == (3, 30)
    assert first["lastPlayed"] == ticks.to_text(AT + 5)


@pytest.mark.usefixtures("titles")
async def test_titles_with_an_unlock_or_progress_are_in_the_history(ask):
    page = await ask("history/titles")

    assert [title["titleId"] for title in page["titles"]] == [1, 2, 3]
    assert page["pagingInfo"] == {"continuationToken": None, "totalRecords": 3}
    assert page["titles"][2]["lastUnlock"] == LOCKED_AT


@pytest.mark.usefixtures("titles")
async def test_by_unlock_time_the_newest_title_is_first(ask):
    page = await ask("history/titles", orderBy="unlockTime")

    assert [title["titleId"] for title in page["titles"]] == [2, 1, 3]


@pytest.mark.parametrize("order", ["Unordered", "UnlockTime"])
@pytest.mark.usefixtures("titles")
async def test_pages_of_the_history_join_up(ask, order):
    whole = (await ask("history/titles", orderBy=order))["titles"]

    walked, token = [], None
    for _ in range(3):
        more = {} if token is None else {"continuationToken": token}
        page = await ask("history/titles", orderBy=order, maxItems=1, **more)
        walked += page["titles"]
        token = page["pagingInfo"]["continuationToken"]

    assert walked == whole
    assert token is None


@pytest.mark.usefixtures("titles")
async def test_titles_of_the_history_can_be_chosen(ask):
    page = await ask("history/titles", titleId="3,1,4")

    assert [title["titleId"] for title in page["titles"]] == [1, 3]


@pytest.mark.usefixtures("titles")
async def test_an_unknown_title_is_an_empty_history(ask):
    assert await ask("history/titles", titleId=77) == {
        "titles": [],
        "pagingInfo": {"continuationToken": None, "totalRecords": 0},
    }


@pytest.mark.usefixtures("title")
async def test_paths_as_clients_write_them(client, ask):
    """Percent-encoded parentheses, a trailing slash, a bare `?`, leading zeros."""
    wanted = await ask()
    headers = (await ask(raw=True)).request_info.headers
    for path in (
        "/users/xuid%282533274790395904%29/achievements",
        "/users/xuid(2533274790395904)/achievements/",
        "/users/xuid(2533274790395904)/achievements?",
        "/users/xuid(2533274790395904)/achievements/?",
        "/users/xuid(02533274790395904)/achievements",
    ):
        response = await client.get(path, headers={k: headers[k] for k in ("Authorization", "x-xbl-contract-version")})
        assert response.status == 200, path
        assert await response.json() == wanted, path


@pytest.mark.usefixtures("title")
async def test_headers_that_the_service_has_no_use_for_do_no_harm(ask):
    """XSAPI sends a Content-Type on GET, others a build number; neither is refused."""
    plain = await ask()

    more = {"Content-Type": "application/json; charset=utf-8", "X-RequestedServiceVersion": "42", "Accept": "text/html"}
    assert await ask(headers=more) == plain


@pytest.mark.usefixtures("title")
async def test_an_answer_is_said_to_be_json(ask):
    response = await ask(raw=True)

    assert response.headers["Content-Type"].startswith("application/json")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_player_of_64_bits_and_a_title_of_32_are_themselves(ask, make_title, give):
    player, title = str(2**64 - 1), 2**32 - 1
    await make_title(title, achievements=(achievement(2**32 - 1),))
    await give(title, {2**32 - 1: AT}, player=player)

    (item,) = (await ask(player=player))["achievements"]

    assert item["titleAssociations"] == [{"name": f"Title {title}", "id": title}]
    assert (item["id"], item["progressState"]) == ("4294967295", "Achieved")


async def test_unlocks_are_in_the_next_answer(ask, title, give):
    """Nothing is served from memory past its truth."""
    before = await ask(titleId=title), await ask(), await ask("history/titles")

    await give(title, {4: AT})

    after = await ask(titleId=title), await ask(), await ask("history/titles")
    assert [page["achievements"][3]["progressState"] for page in before[:2]] == ["NotStarted"] * 2
    assert [page["achievements"][3]["progressState"] for page in after[:2]] == ["Achieved"] * 2
    assert after[2]["titles"][0]["earnedAchievements"] == before[2]["titles"][0]["earnedAchievements"] + 1
