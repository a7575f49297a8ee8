"""Parts of an API's OpenAPI document that come from its routes, request bodies and tables of errors and parameters."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from service.http.api import Route

Schema = Mapping[str, Any]

_PATTERN = re.compile(r"\{(\w+):(?:[^{}]|\{[^{}]*\})*\}")
_TEXT: Schema = {"type": "string"}

OVER_THE_SHARE = "The caller has used up its share, or its address has failed to authenticate too often."
LIMIT_HEADERS: Mapping[str, Any] = {
    "Retry-After": {
        "description": "Seconds until there is room again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "RateLimit-Policy": {
        "description": 'The limit, such as `"requests";q=1000;w=10` for 1000 requests in 10 seconds.',
        "required": True,
        "schema": _TEXT,
    },
    "RateLimit": {
        "description": 'What is left of it, such as `"requests";r=0;t=1`, and the seconds until there is room again.',
        "required": True,
        "schema": _TEXT,
    },
}
"""The headers of a 429 (draft-ietf-httpapi-ratelimit-headers)."""


def paths_of(
    routes: Sequence[Route], operation: Callable[[Route, str], Mapping[str, Any]]
) -> dict[str, dict[str, Mapping[str, Any]]]:
    """The paths of these routes; `operation` describes a route, given its path as OpenAPI writes it."""
    paths: dict[str, dict[str, Mapping[str, Any]]] = {}
    for route in routes:
        path = path_template(route.path)
        paths.setdefault(path, {})[route.method.lower()] = operation(route, path)
    return paths


def path_template(path: str) -> str:
    """A path of aiohttp as OpenAPI writes it: `{name}` without its regular expression."""
    return _PATTERN.sub(r"{\1}", path)


def summary_of(route: Route) -> str:
    """The first line of the handler's docstring."""
    return (route.handler.__doc__ or "").partition("\n")[0].rstrip(".")


def path_parameters(path: str, schemas: Mapping[str, Schema] | None = None) -> list[dict[str, Any]]:
    """The parameters of a path template; one without a schema is any text."""
    return [
        {"name": name, "in": "path", "required": True, "schema": (schemas or {}).get(name, _TEXT)}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def query_parameter(name: str, schema: Schema, description: str) -> dict[str, Any]:
    """A parameter of the query; it is required if its description begins with `Required.`."""
    is_required = description.startswith("Required.")
    return {"name": name, "in": "query", "required": is_required, "schema": schema, "description": description}


def body_schemas(bodies: Mapping[str, type]) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """The schema of each request body by the name of its route, and the components that they refer to."""
    schemas, components = msgspec.json.schema_components(
        list(bodies.values()), ref_template="#/components/schemas/{name}"
    )
    return dict(zip(bodies, schemas, strict=True)), components


def request_body(schema: Schema, *, media_type: str = "application/json") -> dict[str, Any]:
    """A request body that must be sent."""
    return {"required": True, "content": {media_type: {"schema": schema}}}


def schema_reference(name: str) -> dict[str, Any]:
    """A reference to a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def error_response(status: str, description: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """An error response with this content."""
    headers = {"headers": LIMIT_HEADERS} if status == "429" else {}
    return {"description": description, "content": content, **headers}


def error_components(prefix: str, errors: Mapping[str, str], content: Mapping[str, Any]) -> dict[str, Any]:
    """The components of error responses with this content, by status and description."""
    return {f"{prefix}{status}": error_response(status, text, content) for status, text in errors.items()}


def error_references(prefix: str, errors: Mapping[str, str]) -> dict[str, Any]:
    """The error responses of an operation, which refer to `error_components`."""
    return {status: {"$ref": f"#/components/responses/{prefix}{status}"} for status in errors}
