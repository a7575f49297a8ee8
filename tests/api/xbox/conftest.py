"""Fixtures for the tests of the Xbox API."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
import yarl

from service.core.catalog.model import Texts
from service.db.pool import Pool
from service.http.services import Services
from tests.api.conftest import Client
from tests.factories import PLAYER, authorization, draft, publish_draft

PublishTexts = Callable[[int, Texts], Awaitable[int]]


@pytest.fixture
def publish_texts(pool: Pool, services: Services) -> PublishTexts:
    """Changes texts of a title, locale → key → text, and publishes it; returns the release."""

    async def published(title_id: int, texts: Texts) -> int:
        changes = msgspec.structs.replace(draft(title_id, ()), texts=texts)
        async with pool.transaction() as connection:
            release = await publish_draft(connection, changes, mode="partial")
        await services.snapshots.refresh()
        return release

    return published


@pytest.fixture
def ask_raw(client: Client) -> Callable[..., Awaitable[tuple[int, Any]]]:
    """Sends a query string or a whole path unencoded; returns status and JSON."""

    async def asked(
        query_string: str = "", *, path: str = f"/users/xuid({PLAYER})/achievements", player: str = PLAYER
    ) -> tuple[int, Any]:
        url = yarl.URL(f"{path}?{query_string}" if query_string else path, encoded=True)
        headers = {"Authorization": authorization(player), "x-xbl-contract-version": "2"}
        response = await client.get(url, headers=headers)
        assert response.content_type == "application/json"
        return response.status, await response.json()

    return asked
