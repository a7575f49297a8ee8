"""The real application with a title in some French, and people who are signed in to the workbench."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer

from service.server.app import make_application
from tests.api import conftest as shared
from tests.factories import bearer

settings, services, client, make_title = shared.settings, shared.services, shared.client, shared.make_title


class Visitor:
    """A browser without scripts: it gets pages and sends forms, with cookies of its own."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self.client = client

    async def get(self, path: str, *, status: int = 200, language: str = "en") -> str:
        """A page, as text."""
        response = await self.client.get(path, headers={"Accept-Language": language})
        text = await response.text()
        assert response.status == status, (response.status, text)
        return text

    async def form_key(self) -> str:
        """The key of this session's forms, as any page carries it."""
        found = re.search(r'name="form_key" value="([\w-]{43})"', await self.get("/l10n"))
        assert found is not None
        return found[1]

    async def post(self, path: str, *, status: int = 200, headers: Any = None, **fields: str) -> str:
        """Send a form with the key of this session; gives the page that it redirects to."""
        data = {"form_key": await self.form_key()} | fields
        response = await self.client.post(path, data=data, headers=headers)
        text = await response.text()
        assert response.status == status, (response.status, text)
        return text


@pytest.fixture
async def title(make_title: Callable[..., Awaitable[int]]) -> int:
    """Title 1, published, with three achievements in English, and the first one's name in French."""
    return await make_title(1, texts={"fr-FR": {"achievement/1/name": "Nom 1"}})


@pytest.fixture
async def sign_in(services: Any, title: int) -> Any:  # noqa: ARG001  (it is there when somebody signs in)
    """Signs somebody in, by default with every right, and gives their browser."""
    clients = []
    server = TestServer(make_application(services))
    await server.start_server()

    async def signed_in(name: str = "Ana", **grant: Any) -> Visitor:
        client = TestClient(server, cookie_jar=CookieJar(unsafe=True))
        clients.append(client)
        response = await client.post("/l10n/session", data={"token": bearer(name, **grant)})
        assert response.status == 200, await response.text()
        return Visitor(client)

    yield signed_in
    for client in clients:
        await client.close()
    await server.close()
