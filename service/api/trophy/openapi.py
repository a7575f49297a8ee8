"""The Trophy API's part of the OpenAPI document, from its routes, request bodies and the parameters listed here."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from service.api.trophy.schemas import CompleteBody, EventBody, UpsertedUser, UserFields
from service.http.api import Route

_ABOUT = """\
Achievements, metrics and streaks, compatible with Trophy's client libraries.

Every path exists at `/` and at `/v1`; the admin API is at `/admin/v1`.
`X-API-KEY` is a title's key, which reads and writes every user, or a user's key, which reaches that user alone.
Trophy's own libraries name themselves (`X-Fern-Language`, `X-SDK-VERSION`) and get additional members.
Names and descriptions are in the best available language of `?language=`, else of `Accept-Language`.
Every error is `{"error": "text"}`.
"""

_TEXT = {"type": "string"}
_DAY = {"type": "string", "format": "date"}

_QUERIES: Mapping[str, Mapping[str, tuple[Mapping[str, Any], str]]] = {
    "achievements": {
        "userAttributes": (_TEXT, "`attribute:value,attribute:value`: leaves out what such a user cannot complete."),
    },
    "user-achievements": {
        "includeIncomplete": (_TEXT, "`true`: also the achievements that are open to the user."),
        "include": (_TEXT, "`progress` adds the progress towards each achievement."),
    },
    "user-stream": {"lastEventId": (_TEXT, "Same as the header Last-Event-ID: resumes after that event.")},
    "user-metric": {"include": (_TEXT, "`progress` adds the progress towards each achievement.")},
    "event-summary": {
        "aggregation": ({"enum": ["daily", "weekly", "monthly"]}, "Required."),
        "startDate": (_DAY, "Required. The first day."),
        "endDate": (_DAY, "Required. The last day, after the first one by at most 400."),
    },
    "user-streak": {"historyPeriods": ({"type": "integer", "minimum": 0, "maximum": 365}, "Days of history.")},
    "streaks": {"userIds": (_TEXT, "User ids, at most 100, separated by commas.")},
}

_BODIES: Mapping[str, type] = {
    "event": EventBody,
    "complete": CompleteBody,
    "create-user": UpsertedUser,
    "identify-user": UserFields,
    "update-user": UserFields,
}

_STATUSES = {"event": ("201", "202"), "complete": ("201",), "create-user": ("201",)}
_ERRORS = {
    "400": "The body cannot be read.",
    "401": "The key is missing or invalid.",
    "403": "The key does not permit this.",
    "404": "No such user, metric or achievement.",
    "408": "The body did not arrive in time.",
    "413": "The body has too many bytes.",
    "415": "The body is compressed.",
    "422": "A value is invalid; the message names it.",
    "429": "The operator's rate limit is exceeded.",
    "500": "An internal error.",
    "503": "The database is unavailable.",
}


def describe(routes: Sequence[Route]) -> Mapping[str, Any]:
    """Tags, paths and components of the routes, those at `/v1` left out."""
    schemas, components = msgspec.json.schema_components(
        list(_BODIES.values()), ref_template="#/components/schemas/{name}"
    )
    bodies = dict(zip(_BODIES, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if not route.path.startswith("/v1/"):
            path = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.path)
            paths.setdefault(path, {})[route.method.lower()] = _operation(route, path, bodies.get(route.name))
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/TrophyError"}}}}
    return {
        "tags": [{"name": "trophy", "description": _ABOUT}],
        "paths": paths,
        "components": {
            "securitySchemes": {"TrophyKey": {"type": "apiKey", "in": "header", "name": "X-API-KEY"}},
            "responses": {
                f"Trophy{status}": {"description": description} | error for status, description in _ERRORS.items()
            },
            "schemas": {
                **components,
                "TrophyError": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {"error": {"type": "string"}},
                },
            },
        },
    }


def _operation(route: Route, path: str, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _TEXT} for name in re.findall(r"\{(\w+)\}", path)
    ]
    for name, (schema, description) in _QUERIES.get(route.name, {}).items():
        parameters.append(
            {
                "name": name,
                "in": "query",
                "required": description.startswith("Required"),
                "schema": schema,
                "description": description,
            }
        )
    statuses = _STATUSES.get(route.name, ("200",))
    success = {"description": "As Trophy documents it.", "content": {"application/json": {"schema": {}}}}
    operation: dict[str, Any] = {
        "operationId": f"trophy-{route.name}",
        "tags": ["trophy"],
        "summary": (route.handler.__doc__ or "").partition("\n")[0].rstrip("."),
        "security": [{"TrophyKey": []}],
        "parameters": parameters,
        "responses": dict.fromkeys(statuses, success)
        | {status: {"$ref": f"#/components/responses/Trophy{status}"} for status in _ERRORS},
    }
    if route.method == "GET":
        operation["responses"]["304"] = {"description": "The client's copy is current."}
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation
