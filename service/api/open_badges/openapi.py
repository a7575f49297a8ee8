"""The Open Badges API in the OpenAPI document, made from its routes and from the schemas of their responses."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.http.api import Route
from service.http.openapi import (
    OVER_THE_SHARE,
    Schema,
    error_components,
    error_references,
    path_parameters,
    paths_of,
    schema_reference,
    summary_of,
)

_ABOUT = """\
What players unlocked as Open Badges 3.0.

A credential is a VC-JWT, signed RS256; `kid` is the URL of its key, and `credentialStatus` names a Bitstring Status List.
A player's own token or key gets that player's credentials, `progress:read-any` or a title's key anyone's.
Everything else is public.
Texts are in the caller's language: `?language=`, or `Accept-Language`.
Every error is a problem document (RFC 9457).
"""

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
        "properties": {"keys": {"type": "array", "minItems": 1, "items": schema_reference("BadgeKey")}},
    },
    "BadgeProblem": {
        "type": "object",
        "required": ["title", "status", "detail", "code"],
        "properties": {"title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT, "code": _TEXT},
    },
}


def _named(name: str) -> Schema:
    return {"schema": schema_reference(name)}


_RESPONSES: Mapping[str, Mapping[str, Schema]] = {
    "credential": {"application/vc+jwt": {"schema": _TOKEN}, "application/json": _named("BadgeCredential")},
    "issuer": {"application/json": _named("BadgeProfile")},
    "achievement": {"application/json": _named("BadgeAchievement")},
    "status-list": {"application/vc+jwt": {"schema": _TOKEN}},
    "key": {"application/jwk+json": _named("BadgeKey")},
    "key-set": {"application/jwk-set+json": _named("BadgeKeySet")},
}
_LOCALIZED = ("credential", "issuer", "achievement")
_ERRORS = {
    "400": "A part of the path or a header is not valid; the message names it.",
    "401": "No credential, or one that is not valid.",
    "403": "A valid credential of somebody else.",
    "404": "It does not exist, or the player has not unlocked it.",
    "405": "The path does not support this method.",
    "429": OVER_THE_SHARE,
    "500": "An error of the service.",
    "503": "The database or the keys cannot be reached, or the service has too many requests at the moment.",
    "504": "The database took too long.",
}


def describe(routes: Sequence[Route]) -> Mapping[str, Any]:
    """The paths, schemas and error responses of the API."""
    return {
        "tags": [{"name": "open-badges", "description": _ABOUT}],
        "paths": paths_of(routes, _operation),
        "components": {
            "securitySchemes": {
                "BadgeToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "BadgeKey": {"type": "apiKey", "in": "header", "name": "X-API-KEY"},
            },
            "responses": error_components("Badge", _ERRORS, {"application/problem+json": _named("BadgeProblem")}),
            "schemas": _SCHEMAS,
        },
    }


def _operation(route: Route, path: str) -> Mapping[str, Any]:
    parameters: list[Mapping[str, Any]] = [
        parameter | ({"example": _EXAMPLES[parameter["name"]]} if parameter["name"] in _EXAMPLES else {})
        for parameter in path_parameters(path, _PARAMETERS)
    ]
    if route.name in _LOCALIZED:
        parameters += (
            {"name": "language", "in": "query", "schema": _TEXT, "description": "Overrides `Accept-Language`."},
            {
                "name": "Accept-Language",
                "in": "header",
                "schema": _TEXT,
                "description": "Preferred languages; never an error.",
            },
        )
    parameters.append(
        {"name": "If-None-Match", "in": "header", "schema": _TEXT, "description": "ETags of cached responses."}
    )
    etag = {"ETag": {"required": True, "schema": _TEXT, "description": "Changes with the response."}}
    return {
        "operationId": f"open-badges-{route.name}",
        "tags": ["open-badges"],
        "summary": summary_of(route),
        "security": [{"BadgeToken": []}, {"XboxToken": []}, {"BadgeKey": []}] if route.name == "credential" else [],
        "parameters": parameters,
        "responses": {
            "200": {"description": "The document.", "headers": etag, "content": _RESPONSES[route.name]},
            "304": {"description": "The cached response is still valid.", "headers": etag},
        }
        | error_references("Badge", _ERRORS),
    }
