"""The GraphQL API in the OpenAPI document: the HTTP around it, as a GraphQL schema describes itself."""

from collections.abc import Mapping
from typing import Any

from service.http.openapi import OVER_THE_SHARE, error_response, query_parameter, request_body

_ABOUT = """\
Achievements as badges: GraphQL over HTTP.

`schema.graphql` has every type, field and argument; introspection is open to authenticated callers.
`Authorization: Bearer` is an application's token from `POST /oauth/token`, or a player's own.
`Opigno-Client-UUID` names the user context that an application reads for.
"""

_JSON = {"application/json": {"schema": {"type": "object"}}}
_RESPONSE = _JSON | {"application/graphql-response+json": {"schema": {"type": "object"}}}
_REQUEST = {
    "type": "object",
    "required": ["query"],
    "properties": {
        "query": {"type": "string"},
        "operationName": {"type": ["string", "null"]},
        "variables": {"type": ["object", "null"]},
        "extensions": {"type": ["object", "null"]},
    },
}
_TOKEN_REQUEST = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"const": "client_credentials"},
        "client_id": {"type": "string"},
        "client_secret": {"type": "string"},
        "scope": {"type": "string"},
    },
}
_TOKEN = {
    "type": "object",
    "required": ["access_token", "token_type", "expires_in", "scope"],
    "properties": {
        "access_token": {"type": "string"},
        "token_type": {"const": "Bearer"},
        "expires_in": {"type": "integer"},
        "scope": {"type": "string"},
    },
}
_ERRORS = {
    "400": "The request, document or variables are not valid.",
    "401": "No valid token, or a user context without the scope AUTHENTICATED.",
    "403": "No valid user context, or no access to this one.",
    "405": "A mutation must be sent by POST.",
    "406": "No supported media type is accepted.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "415": "The body has another media type, or is compressed.",
    "429": OVER_THE_SHARE,
    "500": "An error of the service.",
    "503": "The database cannot be reached, or the service has too many requests at the moment.",
    "504": "The database took too long.",
}


def describe() -> Mapping[str, Any]:
    """Paths, tags and security of `/graphql`."""
    responses = {
        "200": {"description": "The data and errors of fields, or the errors of the request.", "content": _RESPONSE}
    } | {status: error_response(status, description, _RESPONSE) for status, description in _ERRORS.items()}
    queries = [
        query_parameter(name, {"type": "string"}, description)
        for name, description in (
            ("query", "The document; optional if the hash in `extensions` is known."),
            ("operationName", "The operation to execute, if the document has several."),
            ("variables", "A JSON object."),
            ("extensions", "A JSON object, with `persistedQuery`."),
        )
    ]
    common = {"tags": ["badges"], "security": [{"BadgesToken": []}], "responses": responses}
    return {
        "tags": [{"name": "badges", "description": _ABOUT}],
        "paths": {
            "/graphql": {
                "get": common | {"operationId": "badges-get", "summary": "Execute a query", "parameters": queries},
                "post": common
                | {
                    "operationId": "badges-post",
                    "summary": "Execute a query or mutation",
                    "requestBody": request_body(_REQUEST),
                },
            }
        },
        "components": {"securitySchemes": {"BadgesToken": {"type": "http", "scheme": "bearer"}}},
    }


def describe_public() -> Mapping[str, Any]:
    """The path of `/oauth/token`."""
    errors = {
        "400": "The request, grant type or scope is not valid.",
        "401": "Unknown client or wrong secret.",
        "408": "The body did not arrive in time.",
        "413": "The body is too large.",
        "415": "The body is not a form.",
        "429": OVER_THE_SHARE,
        "500": "An error of the service.",
        "503": "The database cannot be reached, or the service has too many requests at the moment.",
        "504": "The database took too long.",
    }
    form = "application/x-www-form-urlencoded"
    return {
        "paths": {
            "/oauth/token": {
                "post": {
                    "operationId": "oauth-token",
                    "tags": ["badges"],
                    "summary": "Exchange client credentials for a token (RFC 6749 §4.4)",
                    "security": [],
                    "requestBody": request_body(_TOKEN_REQUEST, media_type=form),
                    "responses": {
                        "200": {"description": "A token.", "content": {"application/json": {"schema": _TOKEN}}}
                    }
                    | {status: error_response(status, description, _JSON) for status, description in errors.items()},
                }
            }
        },
        "components": {},
    }
