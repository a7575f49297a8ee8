"""A title that counts words, keys of its servers and of players, and a client."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from service.core.auth import api_keys
from service.core.catalog.model import Attribute, Measure, Requirement
from service.db.pool import Pool
from tests.factories import achievement, counted, metric

Ask = Callable[..., Awaitable[Any]]


def attribute(key: str, kind: str) -> Attribute:
    """A declared attribute."""
    return Attribute(key=key, public_id=f"attribute-{key}", kind=kind, name=key.title())


def after(number: int, *public_ids: str, **changes: Any) -> Any:
    """An achievement for holding other achievements."""
    measure = Measure(aggregate="unlocks", achievements=public_ids)
    target = str(len(public_ids))
    return achievement(
        number,
        requirements=(Requirement(id=f"00000000-0000-0000-0000-{number:012}", target=target, measure=measure),),
        **changes,
    )


@pytest.fixture
async def title(make_title: Callable[..., Awaitable[int]]) -> int:
    """A title with every trigger: 1 to 3 by words, 4 by the API, 5 by a streak, 6 by others, 7 filtered by user."""
    return await make_title(
        1,
        achievements=(
            counted(1, 10),
            counted(2, 100),
            counted(3, 5, where=(("source", "app"),)),
            achievement(4, requirements=(), key="onboarded"),
            counted(5, 2, aggregate="streak", metric=None),
            after(6, "1", "4"),
            counted(7, 10, user_filter=(("plan", "pro"),)),
        ),
        metrics=(metric("words"), metric("old", status="archived"), metric("steps")),
        attributes=(attribute("plan", "user"), attribute("source", "event")),
    )


@pytest.fixture
def key_of(pool: Pool) -> Callable[..., Awaitable[str]]:
    """Creates a key of title 1, or of one player in it."""

    async def made(player: str | None = None, title_id: int = 1) -> str:
        async with pool.connection() as connection:
            return (await api_keys.create_key(connection, title_id=title_id, player=player)).key

    return made


@pytest.fixture
async def trophy(client: Any, title: int, key_of: Callable[..., Awaitable[str]]) -> Ask:
    """Sends a request with the title's key and returns the JSON, or with `raw` the response; asserts the status."""
    own = await key_of(title_id=title)

    async def asked(
        method: str,
        path: str,
        body: Any = None,
        *,
        status: int | None = 200,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
        raw: bool = False,
        **query: Any,
    ) -> Any:
        sent = {"X-API-KEY": key or own} | dict(headers or {})
        response = await client.request(
            method, path, data=None if body is None else json.dumps(body), params=query, headers=sent
        )
        assert status in (None, response.status), (response.status, await response.text())
        return response if raw else await response.json()

    return asked
