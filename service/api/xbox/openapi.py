"""The OpenAPI description of the Xbox API: its paths, parameters, responses and headers."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.api.xbox.list_request import DEFAULT_PAGE, MAX_PAGE, MAX_TITLES
from service.api.xbox.schemas import SCHEMAS, TOKEN, Schema, array
from service.core.catalog.model import U32
from service.http.openapi import LIMIT_HEADERS, OVER_THE_SHARE, request_body, schema_reference

_U64 = 2**64
_INT32 = 2**31

_ABOUT = """\
Achievements of Xbox titles and players.

Names and values of query parameters are read in any case, unknown names are ignored, and a repeated name must have one
value.
Every path may end in `/`.
`HEAD` responds as `GET` does, without the body; any other method is 405.
Every error has the body `XboxError`; a 429 adds which limit was exceeded.
"""

_CREDENTIAL = """\
`XBL3.0 x=<user hash>;<token>`: a JSON Web Token, and which of its users sends the request.
The user hash is a user's `uhs`, `*` for all users of the token, or `-` for none.
"""

_CONTRACT = """\
1 and 3 are the shapes of the Xbox 360, 2 and 4 those of later consoles; 3 and 4 add `rarity`.
The default is a setting.
"""


def _parameter(where: str, name: str, schema: Schema, description: str, **more: Any) -> Mapping[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "description": description, "schema": schema} | more


_PLAYER: Schema = {"type": "integer", "format": "uint64", "minimum": 0, "maximum": _U64 - 1}
_SCID: Schema = {"type": "string", "format": "uuid"}
_TITLE_ID: Schema = {"type": "integer", "minimum": 1, "maximum": U32 - 1}
_FLAG: Schema = {"type": "boolean", "default": False}
_TEXT: Schema = {"type": "string"}

_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "xuid": _parameter("path", "xuid", _PLAYER, "The player.", example=2533274790395904),
    "scid": _parameter(
        "path", "scid", _SCID, "The title's service config.", example="b5dd9daf-0000-0000-0000-000000000000"
    ),
    "id": _parameter("path", "number", {**_TITLE_ID, "format": "uint32"}, "The achievement's `id`.", example=3),
    "skipItems": _parameter(
        "query",
        "skipItems",
        {"type": "integer", "format": "int32", "minimum": 0, "maximum": _INT32 - 1, "default": 0},
        "How many items to skip, from the beginning or from the place of the `continuationToken`.",
    ),
    "maxItems": _parameter(
        "query",
        "maxItems",
        {"type": "integer", "format": "int32", "minimum": 0, "maximum": _INT32 - 1, "default": DEFAULT_PAGE},
        f"How many items a page has. More than {MAX_PAGE} is {MAX_PAGE}, 0 is the default.",
    ),
    "continuationToken": _parameter(
        "query",
        "continuationToken",
        {"type": "string", "pattern": f"^([0-9]{{0,19}}|{TOKEN})$"},
        "The token that the previous page had, for the same player, filters and order. "
        "`skipItems`, `maxItems` and the language may change. A plain number is how many items to skip.",
    ),
    "titleId": _parameter(
        "query",
        "titleId",
        array(_TITLE_ID, minItems=1, maxItems=MAX_TITLES),
        "The titles, with commas between. Without it: those that the player has progress in, and that of the token.",
        style="form",
        explode=False,
        example=[3051199919],
    ),
    "types": _parameter(
        "query",
        "types",
        array({"type": "string", "enum": ["Persistent", "Challenge"]}, minItems=1),
        "Only achievements of these kinds.",
        style="form",
        explode=False,
    ),
    "unlockedOnly": _parameter("query", "unlockedOnly", _FLAG, "Only unlocked achievements. Not with `possibleOnly`."),
    "possibleOnly": _parameter("query", "possibleOnly", _FLAG, "All achievements, shown as locked."),
    "orderBy": _parameter(
        "query",
        "orderBy",
        {"type": "string", "enum": ["Unordered", "Title", "UnlockTime", "EndingSoon"], "default": "Unordered"},
        "Unordered and Title are by title, then catalog order; UnlockTime is newest first; EndingSoon is open windows "
        "by their end, then achievements without a window, then closed windows.",
    ),
    "contract": _parameter(
        "header",
        "x-xbl-contract-version",
        {"type": "string", "enum": ["1", "2", "3", "4"], "default": "1"},
        _CONTRACT,
        example="2",
    ),
    "language": _parameter(
        "header",
        "Accept-Language",
        _TEXT,
        "The languages of texts, best first; never an error.",
        example="fr-FR, en;q=0.5",
    ),
    "condition": _parameter(
        "header", "If-None-Match", _TEXT, "ETags of the client's copies; a current one gets a 304."
    ),
    "vector": _parameter("header", "MS-CV", _TEXT, "A correlation vector; the response has it one step longer."),
}

_LIST = ("skipItems", "maxItems", "continuationToken", "titleId")
_HEADERS = ("contract", "language", "condition", "vector")


def _header(description: str, schema: Schema, *, required: bool = True) -> Mapping[str, Any]:
    return {"description": description, "required": required, "schema": schema}


_VECTOR: Schema = {"type": "string", "pattern": r"^[A-Za-z0-9+/]{22}(\.[0-9]+)+!?$"}
_NO_SNIFFING = _header("Always nosniff.", {"const": "nosniff"})

_HEADERS_OF_200 = {
    "ETag": _header("Changes whenever the response does.", {"type": "string", "pattern": '^"[0-9a-f]+-[0-9a-f]+"$'}),
    "Vary": _header("What the response depends on besides the URL.", _TEXT),
    "Cache-Control": _header("Store it, and revalidate it before each use.", {"const": "private, no-cache"}),
    "X-Content-Type-Options": _NO_SNIFFING,
    "MS-CV": _header("The request's vector, one step longer.", _VECTOR, required=False),
}
_LANGUAGE = {
    "Content-Language": _header(
        "The locales of the texts in the body, in order of appearance, whatever was requested.", _TEXT, required=False
    )
}
_ERROR_HEADERS = {
    "Cache-Control": _header("Never stored.", {"const": "no-store"}),
    "X-Content-Type-Options": _NO_SNIFFING,
    "MS-CV": _header("The request's vector, one step longer, or a new one.", _VECTOR),
}


def _error(
    description: str, headers: Mapping[str, Any] | None = None, *, schema: str = "XboxError"
) -> Mapping[str, Any]:
    content = {"application/json": {"schema": schema_reference(schema)}}
    return {"description": description, "headers": {**_ERROR_HEADERS, **(headers or {})}, "content": content}


_RESPONSES: Mapping[str, Mapping[str, Any]] = {
    "XboxNotModified": {"description": "The client's copy is current.", "headers": _HEADERS_OF_200},
    "XboxBadRequest": _error("A parameter or token is invalid; the message names it and what is expected."),
    "XboxNotAuthenticated": _error(
        "The credential is missing, malformed, forged or expired.",
        {"WWW-Authenticate": _header("The accepted scheme.", {"const": 'XBL3.0 realm="laurel"'})},
    ),
    "XboxNotAllowed": _error("The credential is valid, but has no user or is that of another player."),
    "XboxNotFound": _error("No such achievement is published."),
    "XboxUnsupportedVersion": _error("The contract version is not 1 to 4."),
    "XboxTooSlow": _error("The body did not arrive in time."),
    "XboxTooLarge": _error("The body is too large."),
    "XboxUnsupportedBody": _error("The body is compressed."),
    "XboxOverTheShare": _error(OVER_THE_SHARE, LIMIT_HEADERS, schema="XboxLimitError"),
    "XboxFault": _error("An error of the service, logged with this MS-CV."),
    "XboxUnavailable": _error(
        "The database is unreachable, or the service has too many requests; try again.",
        {"Retry-After": _header("Seconds.", {"type": "integer", "minimum": 0})},
    ),
    "XboxTimeout": _error(
        "The database took too long; try again.",
        {"Retry-After": _header("Seconds.", {"type": "integer", "minimum": 0})},
    ),
}

_ERRORS = {
    "400": "XboxBadRequest",
    "401": "XboxNotAuthenticated",
    "403": "XboxNotAllowed",
    "406": "XboxUnsupportedVersion",
    "429": "XboxOverTheShare",
    "500": "XboxFault",
    "503": "XboxUnavailable",
    "504": "XboxTimeout",
}


_BODY_ERRORS = {"408": "XboxTooSlow", "413": "XboxTooLarge", "415": "XboxUnsupportedBody"}


def _get(
    name: str,
    summary: str,
    *,
    parameters: Sequence[str],
    result: str,
    description: str = "",
    errors: Mapping[str, str] = _ERRORS,
) -> Mapping[str, Any]:
    """One path. `result` is the name of its schema under contracts 2 and 4, without the prefix."""
    schema = {"anyOf": [schema_reference(f"Xbox{result}"), schema_reference(f"Xbox360{result}")]}
    success = {
        "description": f"Xbox{result} under contracts 2 and 4, Xbox360{result} under 1 and 3.",
        "headers": {**_HEADERS_OF_200, **_LANGUAGE},
        "content": {"application/json": {"schema": schema}},
    }
    others = {"304": "XboxNotModified", **errors}
    operation = {
        "operationId": name,
        "tags": ["xbox"],
        "summary": summary,
        "description": description,
        "security": [{"XboxToken": []}],
        "parameters": [{"$ref": f"#/components/parameters/{_component(key)}"} for key in (*parameters, *_HEADERS)],
        "responses": {"200": success}
        | {status: {"$ref": f"#/components/responses/{others[status]}"} for status in sorted(others)},
    }
    return {"get": operation}


_UPDATE: Mapping[str, Any] = {
    "operationId": "updateAchievements",
    "tags": ["xbox"],
    "summary": "Report progress of achievements",
    "description": "For a title's server (scope `progress:write`), or for a player whose title trusts its clients. "
    "Progress only rises. With `Prefer: return=representation` the response has the result of each item.",
    "security": [{"XboxToken": []}],
    "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in ("XboxXuid", "XboxScid")],
    "requestBody": request_body(schema_reference("XboxUpdate")),
    "responses": {
        "200": {
            "description": "Progress changed. The body is empty unless requested by `Prefer`.",
            "headers": {},
            "content": {"application/json": {"schema": schema_reference("XboxUpdated")}},
        },
        "304": {"description": "The report changed nothing.", "headers": {}},
    }
    | {
        status: {"$ref": f"#/components/responses/{name}"}
        for status, name in (_ERRORS | {"404": "XboxNotFound"} | _BODY_ERRORS).items()
        if status != "406"
    },
}


_CONNECT: Mapping[str, Any] = {
    "operationId": "connect",
    "tags": ["xbox-rta"],
    "summary": "Real-time activity: a websocket of the protocol rta.xboxlive.com.V2",
    "security": [{"XboxToken": []}],
    "parameters": [],
    "responses": {
        "101": {"description": "The connection becomes a websocket.", "headers": {}},
        "400": {"description": "The request is not a websocket handshake.", "headers": {}},
        "401": {"$ref": "#/components/responses/XboxNotAuthenticated"},
        "429": {"$ref": "#/components/responses/XboxOverTheShare"},
        "500": {"$ref": "#/components/responses/XboxFault"},
        "503": {"$ref": "#/components/responses/XboxUnavailable"},
        "504": {"$ref": "#/components/responses/XboxTimeout"},
    },
}


def _component(key: str) -> str:
    return f"Xbox{key[0].upper()}{key[1:]}"


OPENAPI: Mapping[str, Any] = {
    "tags": [
        {"name": "xbox", "description": _ABOUT},
        {"name": "xbox-rta", "description": "Notifications of progress over a websocket."},
    ],
    "paths": {
        "/users/xuid({xuid})/achievements": _get(
            "listAchievements",
            "List the achievements that one player has earned or can earn",
            description="Contracts 1 and 3 list unlocked achievements only, unless `possibleOnly`.",
            parameters=("xuid", *_LIST, "types", "unlockedOnly", "possibleOnly", "orderBy"),
            result="Achievements",
        ),
        "/users/xuid({xuid})/titleachievements": _get(
            "listTitleAchievements",
            "List the achievements that can be earned, all locked",
            parameters=("xuid", *_LIST, "types", "orderBy"),
            result="Achievements",
        ),
        "/users/xuid({xuid})/achievements/{scid}/{number}": _get(
            "readAchievement",
            "Get one achievement",
            parameters=("xuid", "scid", "id"),
            result="SingleAchievement",
            errors=_ERRORS | {"404": "XboxNotFound"},
        ),
        "/users/xuid({xuid})/achievements/{scid}/update": {"post": _UPDATE},
        "/connect": {"get": _CONNECT},
        "/users/xuid({xuid})/history/titles": _get(
            "listTitles",
            "List the titles that one player has progress in",
            description="UnlockTime puts the title of the newest unlock first, any other order is by id.",
            parameters=("xuid", *_LIST, "orderBy"),
            result="Titles",
        ),
    },
    "components": {
        "securitySchemes": {
            "XboxToken": {"type": "apiKey", "in": "header", "name": "Authorization", "description": _CREDENTIAL}
        },
        "parameters": {_component(key): parameter for key, parameter in _PARAMETERS.items()},
        "responses": _RESPONSES,
        "schemas": SCHEMAS,
    },
}
