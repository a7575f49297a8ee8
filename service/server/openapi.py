"""`GET /openapi.json`: what the doors say of themselves, joined into one OpenAPI 3.1 document. A door of its own."""

import importlib.metadata
from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import hdrs, web

from service.http.api import Api, Route
from service.http.authenticate import anonymous
from service.http.conditional import conditional_response, make_etag


def document(doors: Sequence[Api]) -> dict[str, Any]:
    """The whole document. Doors never give one name to two things (held by tests)."""
    package = importlib.metadata.metadata("laurel")
    tags: list[Any] = []
    paths: dict[str, Any] = {}
    components: dict[str, dict[str, Any]] = {}
    for door in doors:
        tags += door.openapi.get("tags", ())
        paths |= door.openapi.get("paths", {})
        for kind, named in door.openapi.get("components", {}).items():
            components.setdefault(kind, {}).update(named)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Laurel",
            "summary": package["Summary"],
            "version": package["Version"],
            "license": {"name": package["License-Expression"], "identifier": package["License-Expression"]},
        },
        "tags": tags,
        "paths": paths,
        "components": components,
    }


def openapi_api(doors: Sequence[Api]) -> Api:
    """The door that shows the document to anybody. It refuses in the words of the first of the others."""
    body = msgspec.json.encode(document(doors))
    etag = make_etag(body)

    async def openapi(request: web.Request) -> web.Response:
        """The OpenAPI 3.1 document of all APIs, without a token."""
        return conditional_response(request, body, etag=etag, headers={hdrs.CACHE_CONTROL: "no-cache"})

    return Api(
        name="openapi",
        prefixes=("/openapi",),
        routes=(
            Route("GET", "/openapi.json", "openapi", openapi),
            Route("GET", "/openapi", "openapi-trophy", openapi),  # where Trophy has its own
            Route("GET", "/v1/openapi", "openapi-trophy-v1", openapi),
        ),
        authenticate=anonymous,
        error_response=doors[0].error_response,
        openapi={},
    )
