"""The application on the test's own connection, and fixtures that make titles and progress."""

import io
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from service.core.catalog.model import Achievement
from service.core.formats.xbox.captured_page import ImportedProgress
from service.core.progress.import_progress import import_progress
from service.db.pool import Pool
from service.http.services import Services
from service.server.app import make_application, make_services
from service.server.lifecycle import application_runner
from service.settings import Settings
from service.telemetry import Observer
from tests.factories import PLAYER, SECRET, achievement, authorization, draft, publish_draft

Client = TestClient[web.Request, web.Application]
Ask = Callable[..., Awaitable[Any]]


class Server(TestServer):
    """Serves the application as `laurel serve` does, with its limits and its responses to malformed HTTP."""

    async def _make_runner(self, **options: Any) -> web.BaseRunner:
        return application_runner(self.app, **options)


@pytest.fixture
def settings() -> Settings:
    """The settings of the application; a test module may override this fixture.

    Some tests try more credentials than one address may.
    """
    return Settings(jwt_secret=SECRET, open_badges="on", failed_sign_ins=0)


@pytest.fixture
async def services(pool: Pool, settings: Settings) -> Services:
    """The services in the test's transaction, without background jobs."""
    return await make_services(settings, pool, Observer(level="error", stream=io.StringIO()))


@pytest.fixture
async def client(services: Services, aiohttp_client: Callable[..., Awaitable[Client]]) -> Client:
    """A client of the application over HTTP."""
    return await aiohttp_client(Server(make_application(services)))


@pytest.fixture
def make_title(pool: Pool, services: Services) -> Callable[..., Awaitable[int]]:
    """Publish a title with these achievements, or with a number of plain ones; returns its id."""

    async def make(title_id: int = 1, *, achievements: int | tuple[Achievement, ...] = 3, **changes: Any) -> int:
        made = (
            tuple(achievement(number) for number in range(1, achievements + 1))
            if isinstance(achievements, int)
            else achievements
        )
        async with pool.transaction() as connection:
            await publish_draft(connection, draft(title_id, made, **changes))
        await services.snapshots.refresh()
        return title_id

    return make


@pytest.fixture
def give(pool: Pool) -> Callable[..., Awaitable[None]]:
    """Give a player unlocks (number → ticks) and current values in a title."""

    async def put(
        title_id: int,
        unlocked: Mapping[int, int],
        *,
        currents: Mapping[int, tuple[str | None, ...]] | None = None,
        player: str = PLAYER,
    ) -> None:
        part = ImportedProgress(title_id=title_id, unlocked=dict(unlocked), currents=dict(currents or {}))
        async with pool.transaction() as connection:
            await import_progress(connection, player=player, progress=[part])

    return put


@pytest.fixture
def ask(client: Client) -> Ask:
    """Send a request to the Xbox API with the player's own token under contract 2; returns the JSON.

    `status` is the expected one, `headers` are added, and with `raw=True` the response itself is returned.
    """

    async def send(
        resource: str = "achievements",
        *,
        player: str = PLAYER,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        raw: bool = False,
        contract: int | None = 2,
        **query: Any,
    ) -> Any:
        own_headers = {"Authorization": authorization(player)}
        if contract is not None:
            own_headers["x-xbl-contract-version"] = str(contract)
        response = await client.get(
            f"/users/xuid({player})/{resource}",
            params={name: str(value) for name, value in query.items()},
            headers=own_headers | dict(headers or {}),
        )
        assert response.status == status, await response.text()
        return response if raw else await response.json()

    return send
