"""What only tests of this door need."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from service.core.catalog.model import Texts
from service.core.publishing import publish
from service.db.pool import Pool
from service.http.services import Services
from tests.factories import draft

PublishTexts = Callable[[int, Texts], Awaitable[int]]


@pytest.fixture
def publish_texts(pool: Pool, services: Services) -> PublishTexts:
    """Changes some texts of a title, locale → key → text, and publishes it; gives the release."""

    async def published(title_id: int, texts: Texts) -> int:
        changes = msgspec.structs.replace(draft(title_id, ()), texts=texts)
        async with pool.transaction() as connection:
            await publish.import_draft(connection, changes, is_whole=False, file="test")
            release, _ = await publish.publish(connection, title_id)
        await services.snapshots.refresh()
        return release

    return published
