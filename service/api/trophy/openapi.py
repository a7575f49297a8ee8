"""What this door says of itself: made from its routes, the bodies that it reads, and what is said here of queries."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from service.api.trophy.schemas import CompleteBody, EventBody, UpsertedUser, UserFields
from service.http.api import Route

_ABOUT = """\
Achievements, metrics and streaks as Trophy's client libraries ask for them.

Every path is there at `/` and at `/v1`; the admin API at `/admin/v1`.
`X-API-KEY` is a title's key, which may ask and tell of everybody, or one user's, which may of that user alone.
Trophy's own libraries name themselves (`X-Fern-Language`, `X-SDK-VERSION`) and get members that plain callers do not.
Names and descriptions are in the caller's language: `Accept-Language`, or `?language=` before it.
Every error is `{"error": "text"}`.
"""

_TEXT = {"type": "string"}
_DAY = {"type": "string", "format": "date"}

_QUERIES: Mapping[str, Mapping[str, tuple[Mapping[str, Any], str]]] = {
    "achievements": {
        "userAttributes": (_TEXT, "attribute:value,attribute:value: leaves out what such a user could not complete."),
    },
    "user-achievements": {
        "includeIncomplete": (_TEXT, "`true`: also what is still open to the user."),
        "include": (_TEXT, "`progress` adds how far along the user is."),
    },
    "user-stream": {"lastEventId": (_TEXT, "As the header Last-Event-ID: what came after that event.")},
    "user-metric": {"include": (_TEXT, "`progress` adds how far along the user is.")},
    "event-summary": {
        "aggregation": ({"enum": ["daily", "weekly", "monthly"]}, "Required."),
        "startDate": (_DAY, "Required. The first day."),
        "endDate": (_DAY, "Required. The last day, after the first one by at most 400."),
    },
    "user-streak": {"historyPeriods": ({"type": "integer", "minimum": 0, "maximum": 365}, "How many days before.")},
    "streaks": {"userIds": (_TEXT, "Which users, at most 100, with commas between.")},
}

_BODIES: Mapping[str, type] = {
    "event": EventBody,
    "complete": CompleteBody,
    "create-user": UpsertedUser,
    "identify-user": UserFields,
    "update-user": UserFields,
}

_ANSWERS = {"event": ("201", "202"), "complete": ("201",), "create-user": ("201",)}
_REFUSALS = {
    "400": "A body that cannot be read.",
    "401": "No key, or one that is not good.",
    "403": "A good key that may not do this.",
    "404": "No such user, metric or achievement.",
    "408": "The body did not arrive in time.",
    "413": "The body has too many bytes.",
    "415": "The body is compressed.",
    "422": "A value that will not do; the message names it.",
    "429": "More than the operator's tier allows.",
    "500": "An error of the service.",
    "503": "The database is out of reach or too slow for now.",
}


def describe(routes: Sequence[Route]) -> Mapping[str, Any]:
    """The door's part of the document, for the routes that are there without `/v1`."""
    schemas, components = msgspec.json.schema_components(
        list(_BODIES.values()), ref_template="#/components/schemas/{name}"
    )
    bodies = dict(zip(_BODIES, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if not route.path.startswith("/v1/"):
            path = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.path)
            paths.setdefault(path, {})[route.method.lower()] = _operation(route, path, bodies.get(route.name))
    refusal = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/TrophyError"}}}}
    return {
        "tags": [{"name": "trophy", "description": _ABOUT}],
        "paths": paths,
        "components": {
            "securitySchemes": {"TrophyKey": {"type": "apiKey", "in": "header", "name": "X-API-KEY"}},
            "responses": {f"Trophy{status}": {"description": said} | refusal for status, said in _REFUSALS.items()},
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
    for name, (schema, said) in _QUERIES.get(route.name, {}).items():
        parameters.append(
            {
                "name": name,
                "in": "query",
                "required": said.startswith("Required"),
                "schema": schema,
                "description": said,
            }
        )
    statuses = _ANSWERS.get(route.name, ("200",))
    found = {"description": "As Trophy documents it.", "content": {"application/json": {"schema": {}}}}
    operation: dict[str, Any] = {
        "operationId": f"trophy-{route.name}",
        "tags": ["trophy"],
        "summary": (route.handler.__doc__ or "").partition("\n")[0].rstrip("."),
        "security": [{"TrophyKey": []}],
        "parameters": parameters,
        "responses": dict.fromkeys(statuses, found)
        | {status: {"$ref": f"#/components/responses/Trophy{status}"} for status in _REFUSALS},
    }
    if route.method == "GET":
        operation["responses"]["304"] = {"description": "What the caller has still holds."}
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation
