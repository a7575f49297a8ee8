"""Contract versions: how a request selects one, the Xbox 360 shape of 1 and 3, and rarity in 3 and 4."""

import pytest

from service import ticks
from service.core.catalog.model import Reward
from service.settings import Settings
from tests.factories import SECRET, achievement

LOCKED_AT = "0001-01-01T00:00:00.0000000Z"
UNLOCKED_AT = "2013-01-17T03:19:00.3087016Z"
AT = ticks.parse(UNLOCKED_AT)


@pytest.fixture
async def title(make_title, give, services):
    """A title of which 1 and 3 are unlocked, 3 at an unknown time, and 2 is in progress."""
    achievements = (
        achievement(1),
        achievement(2, rewards=(Reward(kind="Gamerscore", value="5", value_type="Int"),)),
        achievement(3, is_secret=True, rewards=(), requirements=()),
        achievement(4),
        achievement(2**32 - 1, legacy_type=3, image_id=7),
    )
    await make_title(1, achievements=achievements)
    await give(1, {1: AT, 3: 0}, currents={1: ("250",), 2: ("1.0624",)})
    await services.rarities.refresh()
    return 1


@pytest.mark.usefixtures("title")
async def test_unknown_contract_version_is_406(ask):
    for sent in ("0", "5", "22", "two", "", "-1", "2.0", "٢"):
        error = await ask(headers={"x-xbl-contract-version": sent}, contract=None, status=406)
        assert error["description"].startswith("x-xbl-contract-version: expected 1, 2, 3 or 4"), sent


@pytest.mark.usefixtures("title")
async def test_contract_without_header_is_1(ask):
    """The Xbox document: "If present and set to 2, the V2 version of this API will be used. Otherwise, V1."."""
    assert await ask(contract=None) == await ask(contract=1)


@pytest.mark.parametrize("settings", [Settings(jwt_secret=SECRET, default_contract=2)], ids=["2"])
@pytest.mark.usefixtures("title")
async def test_default_contract_is_a_setting(ask):
    assert await ask(contract=None) == await ask(contract=2)
    assert await ask(contract=1) != await ask(contract=2)


@pytest.mark.usefixtures("title")
async def test_legacy_achievements_lists_only_unlocked_ones(ask):
    page = await ask(contract=1)

    assert [item["id"] for item in page["achievements"]] == [1, 3]
    assert page["pagingInfo"]["totalRecords"] == 2
    assert {item["unlocked"] for item in page["achievements"]} == {True}
    assert page["version"] == LOCKED_AT


async def test_legacy_titleachievements_lists_all_as_locked(ask, title):
    items = (await ask("titleachievements", contract=1, titleId=title))["achievements"]

    assert [item["id"] for item in items] == [1, 2, 3, 4, 2**32 - 1]
    assert {item["unlocked"] for item in items} == {item["unlockedOnline"] for item in items} == {False}
    assert {item["timeUnlocked"] for item in items} == {"2002-11-15T00:00:00.0000000Z"}


@pytest.mark.usefixtures("title")
async def test_legacy_unknown_time_is_that_of_an_offline_unlock(ask):
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
async def test_legacy_gamerscore_and_image_are_numbers(ask):
    items = (await ask("titleachievements", contract=1))["achievements"]

    assert [item["gamerscore"] for item in items] == [10, 5, 0, 10, 10]
    assert [item["imageId"] for item in items] == [0, 0, 0, 0, 7]


@pytest.mark.usefixtures("title")
async def test_contracts_3_and_4_are_1_and_2_with_rarity(ask):
    for older, newer in ((1, 3), (2, 4)):
        plain, rare = await ask(contract=older), await ask(contract=newer)

        without = [{k: v for k, v in item.items() if k != "rarity"} for item in rare["achievements"]]
        assert rare | {"achievements": without} == plain


async def test_rarity_is_the_percentage_of_the_players_of_the_title(ask, make_title, give, services):
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


async def test_rarity_is_unset_without_players(ask, make_title):
    await make_title(1, achievements=1)

    (item,) = (await ask(titleId=1, contract=4))["achievements"]

    assert item["rarity"] == {"currentCategory": "Unset", "currentPercentage": 0.0}
