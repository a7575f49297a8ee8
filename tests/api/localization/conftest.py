"""A title with some French, and a client of the localization API with every right."""

import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service.http.services import Services
from tests.factories import bearer

Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
async def title(make_title: Callable[..., Awaitable[int]]) -> int:
    """Title 1, published, with three achievements in English, and the first one's name in French."""
    return await make_title(1, texts={"fr-FR": {"achievement/1/name": "Nom 1"}})


@pytest.fixture
def etag(services: Services) -> Callable[[str], str]:
    """The entity tag of a version: `etag("v1")`."""
    return lambda version: f'"{version}-{services.incarnation.tag}"'


@pytest.fixture
async def catalogs(client: Any, title: int, etag: Callable[[str], str]) -> Ask:
    """Sends a request to the localization API, below `/catalogs/1` unless the path begins so, and gives the JSON.

    `status` is what is expected; `who` a header of `making.bearer`; `data` a body that is no JSON; `tag` an If-Match;
    `seen` a version such as "v1", whose entity tag it is.
    """

    async def asked(
        method: str,
        path: str = "",
        body: Any = None,
        *,
        status: int = 200,
        who: str | None = None,
        tag: str | None = None,
        seen: str | None = None,
        data: bytes | None = None,
        raw: bool = False,
        **query: str,
    ) -> Any:
        tag = tag if seen is None else etag(seen)
        sent = {"Authorization": who or bearer()} | ({} if tag is None else {"If-Match": tag})
        response = await client.request(
            method,
            path if path.startswith("/catalogs") else f"/catalogs/{title}{path}",
            data=json.dumps(body).encode() if body is not None else None if data is None else io.BytesIO(data),
            params=query,
            headers=sent,
        )
        assert response.status == status, (response.status, await response.text())
        return response if raw else await response.json()

    return asked
