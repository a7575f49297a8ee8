"""What this door says of itself in the OpenAPI document: GraphQL has its own description, so this is of the HTTP around it."""

from collections.abc import Mapping
from typing import Any

_ABOUT = """\
Badges as learning and community platforms ask for them: GraphQL over HTTP.

`schema.graphql` has every type, field and argument; introspection is open to authenticated callers.
`Authorization: Bearer` carries an application's token of `POST /oauth/token`, or a player's own.
`Opigno-Client-UUID` names the user context that an application asks for.
"""

_JSON = {"application/json": {"schema": {"type": "object"}}}
_ANSWER = _JSON | {"application/graphql-response+json": {"schema": {"type": "object"}}}
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
_REFUSALS = {
    "400": "A request, document or variables that will not do.",
    "401": "No good token, or a user context without the scope AUTHENTICATED.",
    "403": "No valid user context, or not for this one.",
    "405": "Mutations come by POST.",
    "406": "No media type that is spoken here.",
    "408": "The body did not arrive in time.",
    "413": "The body has too many bytes.",
    "415": "A body of another media type, or compressed.",
    "500": "An error of the service.",
    "503": "The database is out of reach or too slow for now.",
}


def describe() -> Mapping[str, Any]:
    """The part of `/graphql`."""
    answers = {"200": {"description": "What was asked for, or why not.", "content": _ANSWER}} | {
        status: {"description": said, "content": _ANSWER} for status, said in _REFUSALS.items()
    }
    queries = [
        {"name": name, "in": "query", "required": False, "schema": {"type": "string"}, "description": said}
        for name, said in (
            ("query", "The document; without it, the hash in `extensions` must be known."),
            ("operationName", "Which operation of the document."),
            ("variables", "JSON."),
            ("extensions", "JSON, with `persistedQuery`."),
        )
    ]
    common = {"tags": ["badges"], "security": [{"BadgesToken": []}], "responses": answers}
    return {
        "tags": [{"name": "badges", "description": _ABOUT}],
        "paths": {
            "/graphql": {
                "get": common | {"operationId": "badges-get", "summary": "Ask by a query", "parameters": queries},
                "post": common
                | {
                    "operationId": "badges-post",
                    "summary": "Ask, or change something",
                    "requestBody": {"required": True, "content": {"application/json": {"schema": _REQUEST}}},
                },
            }
        },
        "components": {"securitySchemes": {"BadgesToken": {"type": "http", "scheme": "bearer"}}},
    }


def describe_public() -> Mapping[str, Any]:
    """The part of `/oauth/token`."""
    refusals = {
        "400": "A request, grant or scope that will not do.",
        "401": "No such client.",
        "408": "The body did not arrive in time.",
        "413": "The body has too many bytes.",
        "415": "The body is no form.",
        "500": "An error of the service.",
        "503": "The database is out of reach or too slow for now.",
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
                    "requestBody": {"required": True, "content": {form: {"schema": _TOKEN_REQUEST}}},
                    "responses": {
                        "200": {"description": "A token.", "content": {"application/json": {"schema": _TOKEN}}}
                    }
                    | {status: {"description": said, "content": _JSON} for status, said in refusals.items()},
                }
            }
        },
        "components": {},
    }
