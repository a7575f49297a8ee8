"""What only tests of this door need."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from service.core.catalog.model import Texts
from service.db.pool import Pool
from service.http.services import Services
from tests.factories import draft, publish_draft

PublishTexts = Callable[[int, Texts], Awaitable[int]]


@pytest.fixture
def publish_texts(pool: Pool, services: Services) -> PublishTexts:
    """Changes some texts of a title, locale → key → text, and publishes it; gives the release."""

    async def published(title_id: int, texts: Texts) -> int:
        changes = msgspec.structs.replace(draft(title_id, ()), texts=texts)
        async with pool.transaction() as connection:
            release = await publish_draft(connection, changes, mode="partial")
        await services.snapshots.refresh()
        return release

    return published
