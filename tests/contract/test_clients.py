"""The public client xbox-webapi from PyPI, unchanged, against a real server with the demo."""

import datetime
from collections.abc import AsyncIterator

import httpx
import pytest
from xbox.webapi.api.client import XboxLiveClient
from xbox.webapi.api.provider.achievements import AchievementsProvider
from xbox.webapi.authentication.manager import AuthenticationManager
from xbox.webapi.authentication.models import OAuth2TokenResponse, XAUResponse, XSTSResponse

from service import demo
from service.db.limits import UNLIMITED
from service.db.pool import open_pool
from tests.factories import OTHER, SECRET, authorization
from tests.servers import running

PLAYER = demo.PLAYER
MANY, FEW = 1297290417, 3051199919
LOCKED = datetime.datetime(1, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
async def url(new_database, template) -> AsyncIterator[str]:
    """The URL of a server with the demo."""
    async with new_database(template) as database_url:
        async with await open_pool(database_url, size=1, limits=UNLIMITED) as pool:
            await demo.load(pool)
        settings = {"LAUREL_DATABASE_URL": database_url, "LAUREL_JWT_SECRET": SECRET, "LAUREL_LOG_LEVEL": "warning"}
        with running("serve", "--port", 0, "--ops-port", 0, **settings) as server:
            yield server.url


@pytest.fixture
async def session() -> AsyncIterator[httpx.AsyncClient]:
    """The HTTP session of the client."""
    async with httpx.AsyncClient() as made:
        yield made


@pytest.fixture
def client_of(url, session, monkeypatch):
    """The public client, logged in as a player with valid tokens, so that it never requests new ones."""
    monkeypatch.setattr(AchievementsProvider, "ACHIEVEMENTS_URL", url)
    # These are the class's own, and what one call adds to them every later one sends.
    monkeypatch.setattr(AchievementsProvider, "HEADERS_GAME_PROGRESS", {"x-xbl-contract-version": "2"})
    monkeypatch.setattr(AchievementsProvider, "HEADERS_GAME_360_PROGRESS", {"x-xbl-contract-version": "1"})

    def client(player: str = PLAYER) -> XboxLiveClient:
        user_hash, _, token = authorization(player).removeprefix("XBL3.0 x=").partition(";")
        now = datetime.datetime.now(datetime.UTC)
        fields = {
            "IssueInstant": now,
            "NotAfter": now + datetime.timedelta(hours=1),
            "Token": token,
            "DisplayClaims": {"xui": [{"xid": player, "uhs": user_hash, "gtg": "Player", "agg": "Adult"}]},
        }
        manager = AuthenticationManager(session, "id", "secret", "http://localhost")
        manager.oauth = OAuth2TokenResponse(
            token_type="bearer", expires_in=3600, scope="", access_token="-", user_id=player
        )
        manager.user_token, manager.xsts_token = XAUResponse(**fields), XSTSResponse(**fields)
        return XboxLiveClient(manager)

    return client


async def test_client_reads_a_page_of_achievements(client_of):
    page = await client_of().achievements.get_achievements_xboxone_gameprogress(PLAYER, MANY)

    assert len(page.achievements) == 32
    assert page.paging_info.total_records == 73
    assert len(page.paging_info.continuation_token) <= 32
    assert {item.title_associations[0].id for item in page.achievements} == {MANY}
    achieved = [item.progression.time_unlocked for item in page.achievements if item.progress_state == "Achieved"]
    locked = [item.progression.time_unlocked for item in page.achievements if item.progress_state != "Achieved"]
    assert achieved
    assert all(moment > LOCKED for moment in achieved)
    assert set(locked) == {LOCKED}
    assert all(item.media_assets[0].url.startswith("https://") for item in page.achievements)


async def test_client_follows_a_token_to_the_end(client_of):
    client, seen, token = client_of(), [], None
    for _ in range(3):
        more = {"continuationToken": token} if token else {}
        page = await client.achievements.get_achievements_xboxone_gameprogress(PLAYER, MANY, extra_params=more)
        seen += [int(item.id) for item in page.achievements]
        token = page.paging_info.continuation_token

    assert token is None
    assert len(seen) == len(set(seen)) == 73


async def test_client_reads_one_achievement(client_of):
    client = client_of()
    page = await client.achievements.get_achievements_xboxone_gameprogress(PLAYER, FEW)
    first = page.achievements[0]

    one = await client.achievements.get_achievements_detail_item(PLAYER, first.service_config_id, first.id)

    assert one.achievements == [first]


async def test_client_reads_the_title_history(client_of):
    recent = await client_of().achievements.get_achievements_xboxone_recent_progress_and_info(PLAYER)

    assert {title.title_id for title in recent.titles} == set(demo.TITLES)
    assert all(title.earned_achievements > 0 for title in recent.titles)
    assert all(0 < title.current_gamerscore <= title.max_gamerscore for title in recent.titles)


async def test_client_reads_the_xbox_360_shapes(client_of):
    provider = client_of().achievements

    possible = await provider.get_achievements_xbox360_all(PLAYER, MANY)
    earned = await provider.get_achievements_xbox360_earned(PLAYER, MANY)
    recent = await provider.get_achievements_xbox360_recent_progress_and_info(PLAYER)

    assert possible.paging_info.total_records == 73
    assert not any(item.unlocked for item in possible.achievements)
    assert earned.achievements
    assert all(item.unlocked for item in earned.achievements)
    by_title = {title.title_id: title for title in recent.titles}
    assert by_title[MANY].total_achievements == 73
    assert by_title[MANY].current_achievements == earned.paging_info.total_records


async def test_both_shapes_have_the_same_content(client_of):
    provider = client_of().achievements
    extra = {"unlockedOnly": "true", "maxItems": "1000"}

    modern = await provider.get_achievements_xboxone_gameprogress(PLAYER, MANY, extra_params=dict(extra))
    legacy = await provider.get_achievements_xbox360_earned(PLAYER, MANY, extra_params=dict(extra))

    assert [(int(a.id), a.name, a.progression.time_unlocked) for a in modern.achievements] == [
        (a.id, a.name, a.time_unlocked) for a in legacy.achievements
    ]


async def test_client_gets_the_language_of_its_player(client_of):
    """It never sends Accept-Language by itself, but lets its caller do so."""
    provider = client_of().achievements
    names = {}
    for language in ("en", "fr", "ar", "ja"):
        page = await provider.get_achievements_xboxone_gameprogress(
            PLAYER, MANY, extra_headers={"Accept-Language": language}
        )
        names[language] = [item.name for item in page.achievements]

    assert len({tuple(found) for found in names.values()}) == 4
    assert any("\u0600" <= letter <= "\u06ff" for letter in names["ar"][0])


async def test_player_without_progress_has_empty_lists(client_of):
    provider = client_of(OTHER).achievements

    assert (await provider.get_achievements_xboxone_recent_progress_and_info(OTHER)).titles == []
    assert (await provider.get_achievements_xbox360_earned(OTHER, MANY)).achievements == []
    unknown = await provider.get_achievements_xboxone_gameprogress(OTHER, 4242)
    assert (unknown.achievements, unknown.paging_info.total_records) == ([], 0)


@pytest.mark.parametrize(
    ("player", "title_id", "status", "code"),
    [(OTHER, MANY, 403, 8377), ("undefined", MANY, 400, 4000), (PLAYER, "abc", 400, 4000)],
)
async def test_client_understands_errors(client_of, player, title_id, status, code):
    with pytest.raises(httpx.HTTPStatusError) as raised:
        await client_of().achievements.get_achievements_xboxone_gameprogress(player, title_id)

    assert raised.value.response.status_code == status
    assert raised.value.response.json()["errorCode"] == code


async def test_client_gets_404_for_an_unknown_achievement(client_of):
    with pytest.raises(httpx.HTTPStatusError) as raised:
        await client_of().achievements.get_achievements_detail_item(PLAYER, "b5dd9daf-0000-0000-0000-0000000000ff", 1)

    assert raised.value.response.status_code == 404


async def test_client_gets_401_with_a_token_of_another_service(client_of):
    client = client_of()
    client._auth_mgr.xsts_token.token += "AAAA"

    with pytest.raises(httpx.HTTPStatusError) as raised:
        await client.achievements.get_achievements_xboxone_recent_progress_and_info(PLAYER)

    assert raised.value.response.status_code == 401


async def test_correlation_vector_of_the_client_is_extended(client_of, session):
    sent = []
    session.event_hooks = {"response": [lambda response: _append(sent, response)]}

    await client_of().achievements.get_achievements_xboxone_recent_progress_and_info(PLAYER)

    (response,) = sent
    assert response.headers["MS-CV"] == f"{response.request.headers['MS-CV']}.0"


async def _append(sent: list[httpx.Response], response: httpx.Response) -> None:
    sent.append(response)
