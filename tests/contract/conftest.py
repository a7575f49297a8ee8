"""Imports a captured page as definitions and as a player's progress, and reads it back through the Xbox API."""

import pathlib
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from service.cli import catalog, progress
from service.cli.catalog_files import ImportOptions
from service.core.localization import imports
from service.db.pool import open_pool
from service.server.app import make_application, make_services
from service.settings import Settings
from service.telemetry import Observer
from tests.factories import PLAYER, SECRET, authorization

AskAgain = Callable[..., Awaitable[dict[str, Any]]]
Replay = Callable[[bytes], Awaitable[AskAgain]]


@pytest.fixture
async def replay(own_database: str, tmp_path: pathlib.Path, aiohttp_client: Callable[..., Any]) -> Replay:
    """Imports and publishes a page; returns a function that reads a path with parameters as JSON."""
    pool = await open_pool(own_database, size=2)

    async def replayed(page: bytes) -> AskAgain:
        file = tmp_path / "page.json"
        file.write_bytes(page)
        given = ImportOptions(locales=tmp_path)
        how = imports.ImportOptions()
        await catalog._import(own_database, (file,), given, forced=None, how=how, dry_run=False, and_publish=True)
        await progress._import(own_database, page, file.name, PLAYER)
        services = await make_services(
            Settings(jwt_secret=SECRET, open_badges="on"), pool, Observer(level="error", stream=sys.stderr)
        )
        client: TestClient[Any, Any] = await aiohttp_client(make_application(services))

        async def ask(what: str, **query: Any) -> dict[str, Any]:
            headers = {"Authorization": authorization(), "x-xbl-contract-version": "2"}
            params = {name: str(value) for name, value in query.items()}
            async with client.get(f"/users/xuid({PLAYER})/{what}", params=params, headers=headers) as response:
                assert response.status == 200, await response.text()
                found: dict[str, Any] = await response.json()
                return found

        return ask

    yield replayed
    await pool.close()
