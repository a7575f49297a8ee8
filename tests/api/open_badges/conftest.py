"""A title whose achievements are badges in two languages, a player who holds some, and a caller."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import pytest

from service.core.catalog.model import NO_PICTURE, achievement_key
from service.http.services import Services
from service.server.app import make_application
from tests.factories import PLAYER, achievement, authorization

Ask = Callable[..., Awaitable[Any]]

UNLOCKED_AT = 634_939_895_403_087_016  # 2013-01-17T03:19:00.3087016Z
FRENCH = {
    "title/name": "Titre",
    achievement_key(1, "name"): "Première lueur",
    achievement_key(1, "description"): "Vous avez allumé le phare.",
    achievement_key(1, "locked_description"): "Allumez le phare.",
}


@pytest.fixture
async def title(make_title: Callable[..., Awaitable[int]], give: Callable[..., Awaitable[None]]) -> int:
    """Title 1: the player holds 1, a secret one (2), an archived one (3) and one without a known time (4); not 5."""
    title_id = await make_title(
        1,
        achievements=(
            achievement(1, public_id="first-light"),
            achievement(2, public_id="a secret/é", is_secret=True),
            achievement(3, public_id="old", status="archived", media=(NO_PICTURE,)),
            achievement(4, public_id="timeless"),
            achievement(5, public_id="open"),
            achievement(6, public_id="draft", status="inactive"),
        ),
        texts={"fr-FR": FRENCH},
    )
    await give(title_id, {1: UNLOCKED_AT, 2: UNLOCKED_AT, 3: UNLOCKED_AT, 4: 0, 6: UNLOCKED_AT})
    return title_id


def _asking(client: Any) -> Ask:
    async def asked(path: str, *, status: int | None = 200, headers: Mapping[str, str] | None = None) -> Any:
        url = path if path.startswith("/") else f"/open-badges/titles/1/{path}"
        response = await client.get(url, headers=dict(headers or {}))
        assert status in (None, response.status), (response.status, await response.text())
        return response

    return asked


@pytest.fixture
async def ask(client: Any, title: int) -> Ask:
    """Requests a path of title 1, or from the root if it begins with a slash, and returns the response."""
    del title
    return _asking(client)


@pytest.fixture
async def ask_under(services: Services, title: int, aiohttp_client: Callable[..., Awaitable[Any]]) -> Ask:
    """Makes `ask` for a service with other settings."""
    del title

    async def made(**changes: Any) -> Ask:
        changed = msgspec.structs.replace(services, settings=msgspec.structs.replace(services.settings, **changes))
        return _asking(await aiohttp_client(make_application(changed)))

    return made


@pytest.fixture
def fetch_credential(ask: Ask) -> Ask:
    """Requests a player's credential with the player's own token, and returns the compact JWS."""

    async def asked(achievement_id: str = "first-light", language: str = "en", player: str = PLAYER) -> str:
        headers = {"Authorization": authorization(player), "Accept-Language": language}
        return await (await ask(f"users/{player}/achievements/{achievement_id}", headers=headers)).text()

    return asked
