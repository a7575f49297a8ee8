"""The members of every response and their JSON types, as the known clients need them."""

import re
from typing import Any

import pytest

from service import ticks
from service.core.catalog.model import MediaAsset, Requirement, Reward, Window
from tests.factories import OTHER, achievement

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


def assert_shape(value: Any, shape: Any, where: str = "") -> None:
    """Assert that a value has this shape: exactly these members, each of its exact JSON type."""
    match shape:
        case dict():
            assert isinstance(value, dict), where
            assert value.keys() == shape.keys(), where
            for name, inner in shape.items():
                assert_shape(value[name], inner, f"{where}.{name}")
        case [inner]:
            assert isinstance(value, list), where
            for index, item in enumerate(value):
                assert_shape(item, inner, f"{where}[{index}]")
        case (inner, None):
            assert value is None or assert_shape(value, inner, where) is None, where
        case set():
            assert value is None or type(value) in shape, where
        case re.Pattern():
            assert isinstance(value, str), where
            assert shape.fullmatch(value), f"{where}: {value!r}"
        case _:
            assert type(value) is shape, f"{where}: {value!r}"  # bool is not int


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
    """A title with every kind of member; 1 and 3 are unlocked, 2 is in progress."""
    await make_title(1, achievements=FULL)
    await give(1, {1: AT, 3: 0}, currents={1: ("250",), 2: ("1.0624", None)})
    await services.rarities.refresh()
    return 1


@pytest.mark.parametrize(("path", "contract"), SHAPES, ids=str)
@pytest.mark.usefixtures("title")
async def test_response_has_exactly_the_documented_and_observed_members(ask, path, contract):
    assert_shape(await ask(path, contract=contract), SHAPES[path, contract])


@pytest.mark.usefixtures("title")
async def test_progress_state_follows_from_unlocks_and_current_values(ask):
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
async def test_current_value_is_shown_as_stored_and_may_exceed_its_target(ask):
    items = (await ask())["achievements"]

    currents = [[one["current"] for one in item["progression"]["requirements"]] for item in items[:4]]
    assert currents == [["250"], ["1.0624", None], [], [None]]
    assert items[1]["progression"]["requirements"][0]["target"] == "1.50"


@pytest.mark.parametrize("current", [None, "0", "0.0", "-0"])
async def test_current_value_of_0_is_not_started(ask, make_title, give, current):
    await make_title(1, achievements=1)
    await give(1, {}, currents={1: (current,)})

    (item,) = (await ask())["achievements"]

    assert item["progressState"] == "NotStarted"
    assert item["progression"]["requirements"][0]["current"] == current


async def test_possible_only_shows_no_progress(ask, title):
    for path, query in (("achievements", {"possibleOnly": "true"}), ("titleachievements", {})):
        mine = await ask(path, titleId=title, **query)
        theirs = await ask(path, titleId=title, player=OTHER, **query)

        assert mine == theirs, path
        assert {item["progressState"] for item in mine["achievements"]} == {"NotStarted"}, path
        assert {item["progression"]["timeUnlocked"] for item in mine["achievements"]} == {LOCKED_AT}, path
        requirements = [one for item in mine["achievements"] for one in item["progression"]["requirements"]]
        assert {one["current"] for one in requirements} == {None}, path


@pytest.mark.usefixtures("title")
async def test_time_window_keeps_its_number_of_fraction_digits(ask):
    window = (await ask())["achievements"][1]["timeWindow"]

    assert window == {"startDate": "2013-01-17T03:19:00.308Z", "endDate": "2013-01-18T03:19:00.308Z"}


@pytest.mark.usefixtures("title")
async def test_secret_hides_its_locked_description_only_in_the_legacy_shape(ask):
    modern = (await ask(contract=2))["achievements"][2]
    legacy = (await ask("titleachievements", contract=1))["achievements"][2]

    assert (modern["isSecret"], modern["lockedDescription"]) == (True, "Locked 3")
    assert (legacy["isSecret"], legacy["lockedDescription"]) == (True, "???")


@pytest.mark.usefixtures("title")
async def test_single_achievement_is_under_both_keys_and_equals_that_of_the_list(ask):
    listed = (await ask())["achievements"][1]

    assert await ask(f"achievements/{SCID}/2") == {
        "achievement": listed,
        "achievements": [listed],
        "pagingInfo": {"continuationToken": None, "totalRecords": 1},
    }


async def test_service_config_id_is_read_in_any_case(ask, make_title):
    scid = "abcdef00-0000-0000-0000-00000000000f"
    await make_title(1, achievements=1, scid=scid)

    assert await ask(f"achievements/{scid.upper()}/1") == await ask(f"achievements/{scid}/1")
    assert (await ask(f"achievements/{scid.upper()}/1"))["achievement"]["serviceConfigId"] == scid


@pytest.mark.parametrize("number", ["5", "0", "4294967296", "9999999999"])
@pytest.mark.usefixtures("title")
async def test_unknown_achievement_is_404(ask, number):
    error = await ask(f"achievements/{SCID}/{number}", status=404)

    assert error["description"] == f"there is no achievement {number} in service config {SCID}"


@pytest.mark.usefixtures("title")
async def test_unknown_service_config_is_404(ask):
    await ask("achievements/00000000-0000-0000-0000-0000000000ff/1", status=404)


@pytest.mark.parametrize("path", ["1/1", "zz000000-0000-0000-0000-000000000001/1", f"{SCID}/one", f"{SCID}/-1"])
@pytest.mark.usefixtures("title")
async def test_malformed_path_is_400(ask, path):
    assert (await ask(f"achievements/{path}", status=400))["code"] == 4000


@pytest.mark.usefixtures("title")
async def test_paths_are_read_in_the_spellings_of_clients(client, ask):
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
async def test_unused_headers_are_ignored(ask):
    """XSAPI sends a Content-Type with GET, others a build number."""
    plain = await ask()

    more = {"Content-Type": "application/json; charset=utf-8", "X-RequestedServiceVersion": "42", "Accept": "text/html"}
    assert await ask(headers=more) == plain


@pytest.mark.usefixtures("title")
async def test_content_type_is_json(ask):
    response = await ask(raw=True)

    assert response.headers["Content-Type"].startswith("application/json")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_largest_xuid_title_and_number_are_supported(ask, make_title, give):
    player, title = str(2**64 - 1), 2**32 - 1
    await make_title(title, achievements=(achievement(2**32 - 1),))
    await give(title, {2**32 - 1: AT}, player=player)

    (item,) = (await ask(player=player))["achievements"]

    assert item["titleAssociations"] == [{"name": f"Title {title}", "id": title}]
    assert (item["id"], item["progressState"]) == ("4294967295", "Achieved")


async def test_unlock_is_in_the_next_response(ask, title, give):
    """No cache outlives a write."""
    before = await ask(titleId=title), await ask(), await ask("history/titles")

    await give(title, {4: AT})

    after = await ask(titleId=title), await ask(), await ask("history/titles")
    assert [page["achievements"][3]["progressState"] for page in before[:2]] == ["NotStarted"] * 2
    assert [page["achievements"][3]["progressState"] for page in after[:2]] == ["Achieved"] * 2
    assert after[2]["titles"][0]["earnedAchievements"] == before[2]["titles"][0]["earnedAchievements"] + 1
