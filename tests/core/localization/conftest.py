"""A title with a French name, its editors, and what is served of it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service.core.auth.principal import OPERATOR, operator
from service.core.localization import editing
from service.core.publishing.drafts import import_draft
from service.core.publishing.snapshot import SnapshotStore
from service.db import Connection
from service.db.pool import Pool
from tests.factories import achievement, draft

NAME = "achievement/1/name"


@pytest.fixture
async def title(connection: Connection) -> int:
    """Title 1 with two achievements in English and one French name; nothing is published."""
    new = draft(1, (achievement(1), achievement(2)), texts={"fr-FR": {NAME: "Nom 1"}})
    await import_draft(connection, OPERATOR, new)
    return 1


@pytest.fixture
def save(connection: Connection, title: int) -> Callable[..., Awaitable[Any]]:
    """Saves the French name of achievement 1 as Ana, over the version that she saw."""

    async def save(text: str, expected_version: int, **options: Any) -> Any:
        return await editing.save_string(
            connection, operator("Ana"), title, NAME, "fr-FR", text=text, expected_version=expected_version, **options
        )

    return save


@pytest.fixture
def served(pool: Pool) -> Callable[[], Awaitable[Any]]:
    """Reads the served release of title 1."""

    async def served() -> Any:
        snapshots = SnapshotStore(pool)
        await snapshots.refresh()
        return snapshots.current.titles[1]

    return served
