"""Requests to every operation of the OpenAPI document, with values that name what a test has made."""

import urllib.parse
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
from yarl import URL

from service.core.auth.principal import READ_ANY
from service.core.unlocks.model import Change
from tests.factories import PLAYER, authorization, bearer, event, metric

PATH = {
    "xuid": PLAYER,
    "user": PLAYER,
    "id": "1",
    "scid": "00000000-0000-0000-0000-000000000001",
    "number": "1",
    "title_id": "1",
    "achievement_id": "1",
    "list": "0",
    "title": "1",
    "key": "title/name",
    "locale": "en-US",
    "release": "1",
    "thumbprint": "none",
}


@pytest.fixture
async def headers(make_title: Any, services: Any, key_of: Any) -> Callable[[str], Mapping[str, str]]:
    """Gives the credential for a path; title 1 is published, and the player known in it."""
    await make_title(1, metrics=(metric(),))
    await services.writer.write(Change(player=PLAYER, title_id=1, events=(event(1),)))
    key = await key_of()

    def for_path(path: str) -> Mapping[str, str]:
        if path.startswith("/catalogs"):
            return {"Authorization": bearer(), "If-Match": '"v1"'}
        if path.startswith(("/users/xuid(", "/open-badges")):
            return {"Authorization": authorization(scopes=(READ_ANY,))}
        return {"X-API-KEY": key}

    return for_path


async def operations(client: Any) -> AsyncIterator[tuple[str, str, list[dict[str, Any]]]]:
    """Method, path and parameters of every documented operation, references resolved."""
    document = await (await client.get("/openapi.json")).json()

    def resolved(node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            target = document
            for part in node["$ref"].split("/")[1:]:
                target = target[part]
            node = target
        return node

    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parameters = [resolved(parameter) for parameter in operation.get("parameters", ())]
            for parameter in parameters:
                schema = resolved(parameter["schema"])
                parameter["schema"] = resolved(schema.get("items", schema))
            yield method, path, parameters


def url_of(path: str, parameter: Mapping[str, Any] | None = None, text: str = "") -> URL:
    """A path with usual values, and one parameter spelled as a test needs it."""
    values = PATH | ({"id": PLAYER} if path.startswith("/users/{id}") else {})
    values = {name: urllib.parse.quote(value, safe="/") for name, value in values.items()}
    query = ""
    if parameter is not None and parameter["in"] == "query":
        query = f"?{parameter['name']}={urllib.parse.quote(text, safe='')}"
    elif parameter is not None:
        values[parameter["name"]] = urllib.parse.quote(text, safe="")
    return URL(path.format_map(values) + query, encoded=True)
