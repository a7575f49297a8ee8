"""What this door says of itself in `/openapi.json`: made from its routes, and what is said here of their answers."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from service.http.api import Route

_ABOUT = """\
What players unlocked as Open Badges 3.0.

A credential is a VC-JWT, signed RS256; `kid` is the URL of its key, and `credentialStatus` names a Bitstring Status List.
A player's own token or key gets that player's credentials, `progress:read-any` or a title's key anyone's.
Everything else is public.
Texts are in the caller's language: `Accept-Language`, or `?language=` before it.
Every error is a problem document (RFC 9457).
"""

Schema = Mapping[str, Any]

_TEXT: Schema = {"type": "string"}
_URL: Schema = {"type": "string", "format": "uri"}
_TYPES: Schema = {"type": "array", "items": _TEXT, "minItems": 1}
_TOKEN: Schema = {"type": "string", "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"}

_PARAMETERS: Mapping[str, Schema] = {
    "title_id": {"type": "integer", "minimum": 1, "maximum": 2**32 - 1},
    "user": {"type": "string", "minLength": 1, "maxLength": 128},
    "achievement_id": {"type": "string", "minLength": 1},
    "list": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
    "thumbprint": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
}
_EXAMPLES: Mapping[str, Any] = {"title_id": 1297290417, "user": "2533274790395904", "achievement_id": "first-light"}

_SCHEMAS: Mapping[str, Schema] = {
    "BadgeProfile": {
        "type": "object",
        "required": ["id", "type", "name"],
        "properties": {"@context": _TYPES, "id": _URL, "type": _TYPES, "name": _TEXT},
    },
    "BadgeAchievement": {
        "type": "object",
        "required": ["id", "type", "name", "description", "criteria"],
        "properties": {
            "@context": _TYPES,
            "id": _URL,
            "type": _TYPES,
            "name": _TEXT,
            "description": _TEXT,
            "criteria": {"type": "object", "required": ["narrative"], "properties": {"narrative": _TEXT}},
            "image": {"type": "object", "required": ["id", "type"], "properties": {"id": _URL, "type": _TEXT}},
            "inLanguage": _TEXT,
        },
    },
    "BadgeCredential": {
        "type": "object",
        "required": ["credential", "claims"],
        "properties": {"credential": _TOKEN, "claims": {"type": "object"}},
    },
    "BadgeKey": {
        "type": "object",
        "required": ["kty", "kid", "use", "alg", "n", "e"],
        "properties": dict.fromkeys(("kty", "use", "alg", "n", "e"), _TEXT) | {"kid": _URL},
    },
    "BadgeKeySet": {
        "type": "object",
        "required": ["keys"],
        "properties": {"keys": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/BadgeKey"}}},
    },
    "BadgeProblem": {
        "type": "object",
        "required": ["title", "status", "detail", "code"],
        "properties": {"title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT, "code": _TEXT},
    },
}


def _named(name: str) -> Schema:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


_ANSWERS: Mapping[str, Mapping[str, Schema]] = {
    "credential": {"application/vc+jwt": {"schema": _TOKEN}, "application/json": _named("BadgeCredential")},
    "issuer": {"application/json": _named("BadgeProfile")},
    "achievement": {"application/json": _named("BadgeAchievement")},
    "status-list": {"application/vc+jwt": {"schema": _TOKEN}},
    "key": {"application/jwk+json": _named("BadgeKey")},
    "key-set": {"application/jwk-set+json": _named("BadgeKeySet")},
}
_SPOKEN = ("credential", "issuer", "achievement")
_REFUSALS = {
    "400": "A part of the path or a header cannot be used; the message names it.",
    "401": "No credential, or one that is not good.",
    "403": "A good credential of somebody else.",
    "404": "There is no such thing, or the player has not unlocked it.",
    "405": "The path is there, the method is not.",
    "500": "An error of the service.",
    "503": "The database or the keys are out of reach for now.",
}


def describe(routes: Sequence[Route]) -> Mapping[str, Any]:
    """The door's part of the document."""
    problem = {"content": {"application/problem+json": _named("BadgeProblem")}}
    return {
        "tags": [{"name": "open-badges", "description": _ABOUT}],
        "paths": {_path(route): {route.method.lower(): _operation(route)} for route in routes},
        "components": {
            "securitySchemes": {
                "BadgeToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "BadgeKey": {"type": "apiKey", "in": "header", "name": "X-API-KEY"},
            },
            "responses": {f"Badge{status}": {"description": said} | problem for status, said in _REFUSALS.items()},
            "schemas": _SCHEMAS,
        },
    }


def _path(route: Route) -> str:
    return re.sub(r"\{(\w+):(?:[^{}]|\{[^{}]*\})*\}", r"{\1}", route.path)


def _operation(route: Route) -> Mapping[str, Any]:
    parameters: list[Mapping[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _PARAMETERS[name]}
        | ({"example": _EXAMPLES[name]} if name in _EXAMPLES else {})
        for name in re.findall(r"\{(\w+)\}", _path(route))
    ]
    if route.name in _SPOKEN:
        parameters += (
            {"name": "language", "in": "query", "schema": _TEXT, "description": "Goes before `Accept-Language`."},
            {"name": "Accept-Language", "in": "header", "schema": _TEXT, "description": "Best first; never refused."},
        )
    parameters.append({"name": "If-None-Match", "in": "header", "schema": _TEXT, "description": "ETags to compare."})
    etag = {"ETag": {"required": True, "schema": _TEXT, "description": "Changes when the answer does."}}
    return {
        "operationId": f"open-badges-{route.name}",
        "tags": ["open-badges"],
        "summary": (route.handler.__doc__ or "").partition("\n")[0].rstrip("."),
        "security": [{"BadgeToken": []}, {"XboxToken": []}, {"BadgeKey": []}] if route.name == "credential" else [],
        "parameters": parameters,
        "responses": {
            "200": {"description": "What is said above.", "headers": etag, "content": _ANSWERS[route.name]},
            "304": {"description": "What the caller has still holds.", "headers": etag},
        }
        | {status: {"$ref": f"#/components/responses/Badge{status}"} for status in _REFUSALS},
    }
