"""`GET /openapi.json`: one OpenAPI 3.1 document, joined from the descriptions of all APIs."""

import importlib.metadata
from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import hdrs, web

from service.http.api import Api, Route
from service.http.authenticate import anonymous
from service.http.conditional import conditional_response, make_etag


def document(apis: Sequence[Api]) -> dict[str, Any]:
    """The document. Tests hold that no two APIs define the same path or component."""
    package = importlib.metadata.metadata("laurel")
    tags: list[Any] = []
    paths: dict[str, Any] = {}
    components: dict[str, dict[str, Any]] = {}
    for api in apis:
        tags += api.openapi.get("tags", ())
        paths |= api.openapi.get("paths", {})
        for kind, named in api.openapi.get("components", {}).items():
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


def openapi_api(apis: Sequence[Api]) -> Api:
    """The API that serves the document without a token; its error responses are those of the first API."""
    body = msgspec.json.encode(document(apis))
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
        error_response=apis[0].error_response,
        openapi={},
    )
