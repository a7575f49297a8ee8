"""An event sent through the Trophy API earns a badge in GraphQL and an achievement in the Xbox API."""

import datetime

import pytest

from service import ticks
from tests.api.graphql.conftest import USER
from tests.factories import PLAYER

ONE = """query ($id: ID!) { getBadge(badgeId: $id) { id status earned(format: "c") earningCriteria {
    ... on BadgeEarningCriteriaSocialConnection { threshold currentThreshold }
    ... on BadgeEarningCriteriaSocialEngagement { threshold currentThreshold }
    ... on BadgeEarningCriteriaRegisteredFor { threshold currentThreshold } } } }"""

NUMBERS = {"enrolled": "1", "completed": "2", "passed": "3", "connected": "4", "posted": "6"}


@pytest.fixture
async def tell(client, make_context, key_of):
    """Tells what the user did, as the title's server does."""
    await make_context(USER)
    key = await key_of()

    async def told(metric, value=1, *, ago=0, **attributes):
        at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=ago)
        body = {
            "user": {"id": PLAYER},
            "value": value,
            "attributes": attributes,
            "timestamp": at.isoformat()[:19] + "Z",
        }
        response = await client.post(f"/metrics/{metric}/event", json=body, headers={"X-API-KEY": key})
        assert response.status == 201, await response.text()
        return await response.json()

    return told


@pytest.fixture
def badge(ask_badges):
    """One badge as the user sees it."""

    async def asked(badge_id):
        return (await ask_badges(ONE, {"id": badge_id}))["data"]["getBadge"]

    return asked


@pytest.mark.parametrize(
    ("badge_id", "event"),
    [
        ("enrolled", ("lp-enrolled", 1, {"learning-path": "knots"})),
        ("completed", ("lp-completed", 1, {"learning-path": "knots"})),
        ("passed", ("lp-passed", 1, {"learning-path": "knots"})),
        ("connected", ("social-connections", 3, {})),
        ("posted", ("social-posts", 2, {})),
    ],
)
async def test_event_earns_a_badge_and_an_xbox_achievement(tell, badge, ask, badge_id, event):
    metric, value, attributes = event
    before = await badge(badge_id)
    told = await tell(metric, value, **attributes)
    after = await badge(badge_id)
    on_xbox = await ask(titleId=1, unlockedOnly="true")

    assert (before["status"], before["earned"], after["status"]) == ("NOT_EARNED", None, "EARNED")
    assert badge_id in [achievement["id"] for achievement in told["achievements"]]
    (unlocked,) = [one for one in on_xbox["achievements"] if one["id"] == NUMBERS[badge_id]]
    assert unlocked["progression"]["timeUnlocked"][:19] == after["earned"][:19]


async def test_event_of_another_learning_path_earns_nothing(tell, badge):
    await tell("lp-passed", **{"learning-path": "sails"})

    assert (await badge("passed"))["status"] == "NOT_EARNED"


async def test_earned_badge_stays_when_connections_are_lost(tell, badge):
    await tell("social-connections", 2)
    await tell("social-connections", -1)
    before = await badge("connected")
    await tell("social-connections", 2)
    await tell("social-connections", -3)
    after = await badge("connected")

    assert (before["status"], before["earningCriteria"]) == ("NOT_EARNED", {"threshold": 3, "currentThreshold": 1})
    assert (after["status"], after["earningCriteria"]) == ("EARNED", {"threshold": 3, "currentThreshold": 3})


async def test_only_connections_within_the_period_count(tell, badge):
    await tell("social-connections", 1, ago=7200)
    alone = await badge("quickly-connected")
    await tell("social-connections", 1, ago=60)
    late = await badge("quickly-connected")
    await tell("social-connections", 1)
    both = await badge("quickly-connected")

    assert [one["earningCriteria"]["currentThreshold"] for one in (alone, late, both)] == [0, 1, 2]
    assert [one["status"] for one in (alone, late, both)] == ["NOT_EARNED", "NOT_EARNED", "EARNED"]


async def test_registration_badge_is_unlocked_when_it_is_read(tell, badge, connection, services):
    del tell
    young = await badge("registered")
    came = ticks.from_datetime(datetime.datetime.now(datetime.UTC)) - (10**8 + 5) * ticks.SECOND
    await connection.execute("UPDATE progress SET created_at = $1 WHERE player = $2", came, PLAYER)
    services.writer._states.clear()  # as in a process that has not written of this player
    old = await badge("registered")

    assert young["status"] == "NOT_EARNED"
    assert young["earningCriteria"]["currentThreshold"] <= 5
    assert old["status"] == "EARNED"
    assert old["earningCriteria"]["currentThreshold"] >= 10**8


async def test_earned_date_uses_the_users_time_zone_and_the_badges_language(make_title, make_context, give, ask_badges):
    texts = {f"achievement/{n}/name": f"Insigne {n}" for n in range(1, 9)}
    await make_title(1, texts={"fr-FR": texts})
    await make_context(USER, time_zone="Pacific/Auckland")
    await give(1, {6: ticks.from_datetime(datetime.datetime(2026, 3, 1, 12, 30, tzinfo=datetime.UTC))})
    query = '{ getBadge(badgeId: "posted") { title picture { alt } earned(format: "l j F Y H:i T") } }'
    french = await ask_badges(query, headers={"Accept-Language": "fr-CA, en;q=0.5"}, raw=True)
    english = await ask_badges(query)

    assert (await french.json())["data"]["getBadge"] == {
        "title": "Insigne 6",
        "picture": {"alt": "Insigne 6"},
        "earned": "lundi 2 mars 2026 01:30 NZDT",
    }
    assert french.headers["Content-Language"] == "fr-FR"
    assert english["data"]["getBadge"]["earned"] == "Monday 2 March 2026 01:30 NZDT"
