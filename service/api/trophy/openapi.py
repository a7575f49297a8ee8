"""The Trophy API's part of the OpenAPI document, from its routes, request bodies and the parameters listed here."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.api.trophy.schemas import CompleteBody, EventBody, UpsertedUser, UserFields
from service.http.api import Route
from service.http.openapi import (
    OVER_THE_SHARE,
    body_schemas,
    error_components,
    error_references,
    path_parameters,
    paths_of,
    query_parameter,
    request_body,
    schema_reference,
    summary_of,
)

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
    "429": f"{OVER_THE_SHARE} Or the title has used up its rate tier.",
    "500": "An internal error.",
    "503": "The database is unavailable, or the service has too many requests.",
    "504": "The database took too long.",
}


def describe(routes: Sequence[Route]) -> Mapping[str, Any]:
    """Tags, paths and components of the routes, those at `/v1` left out."""
    bodies, components = body_schemas(_BODIES)
    described = [route for route in routes if not route.path.startswith("/v1/")]
    error = {"application/json": {"schema": schema_reference("TrophyError")}}
    return {
        "tags": [{"name": "trophy", "description": _ABOUT}],
        "paths": paths_of(described, lambda route, path: _operation(route, path, bodies.get(route.name))),
        "components": {
            "securitySchemes": {"TrophyKey": {"type": "apiKey", "in": "header", "name": "X-API-KEY"}},
            "responses": error_components("Trophy", _ERRORS, error),
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
    queries = _QUERIES.get(route.name, {}).items()
    parameters = [*path_parameters(path), *(query_parameter(name, *described) for name, described in queries)]
    statuses = _STATUSES.get(route.name, ("200",))
    success = {"description": "As Trophy documents it.", "content": {"application/json": {"schema": {}}}}
    operation: dict[str, Any] = {
        "operationId": f"trophy-{route.name}",
        "tags": ["trophy"],
        "summary": summary_of(route),
        "security": [{"TrophyKey": []}],
        "parameters": parameters,
        "responses": dict.fromkeys(statuses, success) | error_references("Trophy", _ERRORS),
    }
    if route.method == "GET":
        operation["responses"]["304"] = {"description": "The client's copy is current."}
    if body is not None:
        operation["requestBody"] = request_body(body)
    return operation
