"""Fixtures: a title with a badge of every kind, an OAuth application, and user contexts."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from service.core.auth import api_keys
from service.core.auth.principal import OPERATOR
from service.core.auth.user_contexts import UserContext
from service.core.unlocks.model import Change
from service.db.pool import Pool
from service.http.services import Services
from tests.api.trophy.conftest import attribute, key_of
from tests.factories import PLAYER, achievement, counted, metric

__all__ = ["key_of"]

Ask = Callable[..., Awaitable[Any]]

USER = "00000000-0000-4000-8000-000000000001"
GUEST = "00000000-0000-4000-8000-000000000002"
ADMINISTRATOR = "00000000-0000-4000-8000-000000000003"
BLOCKED = "00000000-0000-4000-8000-000000000004"
METRICS = ("lp-enrolled", "lp-completed", "lp-passed", "social-connections", "social-posts")


def of_path(number: int, verb: str, path: str = "knots", **changes: Any) -> Any:
    """A badge for something done with a learning path."""
    return counted(number, 1, metric=f"lp-{verb}", where=(("learning-path", path),), **changes)


@pytest.fixture
async def academy(make_title: Callable[..., Awaitable[int]]) -> int:
    """Title 1 with a badge of every kind, 1 to 7, and an achievement, 8, that is not a badge."""
    return await make_title(
        1,
        achievements=(
            of_path(1, "enrolled", public_id="enrolled"),
            of_path(2, "completed", public_id="completed"),
            of_path(3, "passed", public_id="passed"),
            counted(4, 3, metric="social-connections", public_id="connected"),
            counted(5, 2, metric="social-connections", period_seconds=3600, public_id="quickly-connected"),
            counted(6, 2, metric="social-posts", public_id="posted"),
            counted(7, 10**8, aggregate="age", metric=None, public_id="registered"),
            achievement(8),
        ),
        metrics=tuple(metric(key) for key in METRICS),
        attributes=(attribute("learning-path", "event"),),
    )


@pytest.fixture
def make_context(services: Services, academy: int) -> Callable[..., Awaitable[UserContext]]:
    """Makes a user context of title 1."""

    async def made(
        name: str = USER,
        *,
        player: str = PLAYER,
        scopes: tuple[str, ...] = ("AUTHENTICATED",),
        is_active: bool = True,
        title_id: int = academy,
        **profile: Any,
    ) -> UserContext:
        wanted = UserContext(0, title_id, uuid.UUID(name), player, f"User {name[-1]}", is_active, list(scopes))
        put = await services.user_contexts.put(OPERATOR, services.writer.write, wanted)
        if profile:
            await services.writer.write(Change(player=player, title_id=title_id, profile=profile))
        return put

    return made


@pytest.fixture
def client_of(pool: Pool) -> Callable[..., Awaitable[tuple[str, str]]]:
    """Makes an OAuth client of a title."""

    async def made(title_id: int = 1) -> tuple[str, str]:
        async with pool.connection() as connection:
            return await api_keys.create_client(connection, title_id=title_id)

    return made


@pytest.fixture
async def application(services: Services, academy: int, client_of: Callable[..., Awaitable[tuple[str, str]]]) -> str:
    """The Authorization header of the academy's application."""
    return f"Bearer {await services.oauth_clients.issue_token(*await client_of(academy))}"


@pytest.fixture
def ask_badges(client: Any, application: str) -> Ask:
    """Sends a query by POST as the application for `user`, and returns the JSON, or with `raw` the response."""

    async def asked(
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        user: str | None = USER,
        authorization: str | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        raw: bool = False,
    ) -> Any:
        sent = {"Authorization": authorization or application} | ({} if user is None else {"Opigno-Client-UUID": user})
        response = await client.post(
            "/graphql", json={"query": query, "variables": variables}, headers=sent | dict(headers or {})
        )
        assert response.status == status, await response.text()
        return response if raw else await response.json()

    return asked
