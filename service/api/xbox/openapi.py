"""What this door says of itself in `/openapi.json`: its paths, and the components that they name."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.api.xbox.list_request import DEFAULT_PAGE, MAX_PAGE, MAX_TITLES
from service.api.xbox.schemas import SCHEMAS, TOKEN, Schema, array, reference
from service.core.catalog.model import U32

_U64 = 2**64
_INT32 = 2**31

_ABOUT = """\
Achievements as Xbox titles ask for them.

Names and values of query parameters are read in any case, unknown names are ignored, and one name given twice must
have one value.
Every path may end in `/`.
`HEAD` answers as `GET` does, without the body; any other method is 405.
Every error has the body `XboxError`.
"""

_CREDENTIAL = """\
`XBL3.0 x=<user hash>;<token>`: a JSON Web Token, and which of its users asks.
The user hash is a user's `uhs`, `*` for all users of the token, or `-` for none.
"""

_CONTRACT = """\
1 and 3 are the shapes of the Xbox 360, 2 and 4 those of later consoles; 3 and 4 add `rarity`.
An operator may choose another default.
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
        "The next page: the one that came with this page, for the same player, filters and order. "
        "`skipItems`, `maxItems` and the language may change. A plain number is how many items to skip.",
    ),
    "titleId": _parameter(
        "query",
        "titleId",
        array(_TITLE_ID, minItems=1, maxItems=MAX_TITLES),
        "Which titles, with commas between. Without it: those that the player has anything in, and the token's own.",
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
    "unlockedOnly": _parameter("query", "unlockedOnly", _FLAG, "Only what is unlocked. Not with `possibleOnly`."),
    "possibleOnly": _parameter("query", "possibleOnly", _FLAG, "What could be earned, as if nothing was."),
    "orderBy": _parameter(
        "query",
        "orderBy",
        {"type": "string", "enum": ["Unordered", "Title", "UnlockTime", "EndingSoon"], "default": "Unordered"},
        "Unordered and Title are by title and then the catalogue's own order; UnlockTime is the newest first; "
        "EndingSoon is open windows by their end, then those without a window, then closed ones.",
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
        "The languages of texts, best first; never refused.",
        example="fr-FR, en;q=0.5",
    ),
    "condition": _parameter(
        "header", "If-None-Match", _TEXT, "ETags that the caller has: one that still holds is a 304."
    ),
    "vector": _parameter("header", "MS-CV", _TEXT, "A correlation vector: it comes back one step longer."),
}

_LIST = ("skipItems", "maxItems", "continuationToken", "titleId")
_HEADERS = ("contract", "language", "condition", "vector")


def _header(description: str, schema: Schema, *, required: bool = True) -> Mapping[str, Any]:
    return {"description": description, "required": required, "schema": schema}


_VECTOR: Schema = {"type": "string", "pattern": r"^[A-Za-z0-9+/]{22}(\.[0-9]+)+!?$"}
_NO_SNIFFING = _header("Always nosniff.", {"const": "nosniff"})

_FOUND = {
    "ETag": _header(
        "Changes with whatever the answer depends on.", {"type": "string", "pattern": '^"[0-9a-f]+-[0-9a-f]+"$'}
    ),
    "Vary": _header("What the answer depends on besides the URL.", _TEXT),
    "Cache-Control": _header("Keep it, and ask again.", {"const": "private, no-cache"}),
    "X-Content-Type-Options": _NO_SNIFFING,
    "MS-CV": _header("The caller's vector, one step longer.", _VECTOR, required=False),
}
_LANGUAGE = {
    "Content-Language": _header("Of the texts in the answer: what was used, not what was asked.", _TEXT, required=False)
}
_REFUSED = {
    "Cache-Control": _header("Never kept.", {"const": "no-store"}),
    "X-Content-Type-Options": _NO_SNIFFING,
    "MS-CV": _header("The caller's vector, one step longer, or a new one.", _VECTOR),
}


def _refusal(description: str, **more: Any) -> Mapping[str, Any]:
    content = {"application/json": {"schema": reference("XboxError")}}
    return {"description": description, "headers": {**_REFUSED, **more}, "content": content}


_RESPONSES: Mapping[str, Mapping[str, Any]] = {
    "XboxNotModified": {"description": "What the caller has still holds.", "headers": _FOUND},
    "XboxBadRequest": _refusal("A parameter or token that cannot be read; the message says which, and what would do."),
    "XboxNotAuthenticated": _refusal(
        "No credential, or one that is malformed, forged or expired.",
        **{"WWW-Authenticate": _header("The scheme that is understood.", {"const": 'XBL3.0 realm="laurel"'})},
    ),
    "XboxNotAllowed": _refusal("A good credential of nobody, or of another player."),
    "XboxNotFound": _refusal("No such achievement is published."),
    "XboxUnsupportedVersion": _refusal("The contract version is none of 1 to 4."),
    "XboxTooSlow": _refusal("The body did not arrive in time."),
    "XboxTooLarge": _refusal("The body has too many bytes."),
    "XboxUnsupportedBody": _refusal("The body is compressed."),
    "XboxFault": _refusal("An error of the service, noted there under this MS-CV."),
    "XboxUnavailable": _refusal(
        "The database is out of reach or too slow for now.",
        **{"Retry-After": _header("Seconds.", {"type": "integer", "minimum": 0})},
    ),
}

_REFUSALS = {
    "400": "XboxBadRequest",
    "401": "XboxNotAuthenticated",
    "403": "XboxNotAllowed",
    "406": "XboxUnsupportedVersion",
    "500": "XboxFault",
    "503": "XboxUnavailable",
}


_OF_BODIES = {"408": "XboxTooSlow", "413": "XboxTooLarge", "415": "XboxUnsupportedBody"}


def _get(
    name: str,
    summary: str,
    *,
    parameters: Sequence[str],
    answer: str,
    description: str = "",
    refusals: Mapping[str, str] = _REFUSALS,
) -> Mapping[str, Any]:
    """One path. `answer` names its schema under contracts 2 and 4, without the door's name."""
    schema = {"anyOf": [reference(f"Xbox{answer}"), reference(f"Xbox360{answer}")]}
    found = {
        "description": f"Xbox{answer} under contracts 2 and 4, Xbox360{answer} under 1 and 3.",
        "headers": {**_FOUND, **_LANGUAGE},
        "content": {"application/json": {"schema": schema}},
    }
    others = {"304": "XboxNotModified", **refusals}
    operation = {
        "operationId": name,
        "tags": ["xbox"],
        "summary": summary,
        "description": description,
        "security": [{"XboxToken": []}],
        "parameters": [{"$ref": f"#/components/parameters/{_component(key)}"} for key in (*parameters, *_HEADERS)],
        "responses": {"200": found}
        | {status: {"$ref": f"#/components/responses/{others[status]}"} for status in sorted(others)},
    }
    return {"get": operation}


_UPDATE: Mapping[str, Any] = {
    "operationId": "updateAchievements",
    "tags": ["xbox"],
    "summary": "Report how far along achievements are",
    "description": "Of a title's server (scope `progress:write`), or of a player whose title trusts its clients. "
    "Progress only rises. `Prefer: return=representation` asks what became of each item.",
    "security": [{"XboxToken": []}],
    "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in ("XboxXuid", "XboxScid")],
    "requestBody": {"required": True, "content": {"application/json": {"schema": reference("XboxUpdate")}}},
    "responses": {
        "200": {
            "description": "Something changed. A body only where one was asked for.",
            "headers": {},
            "content": {"application/json": {"schema": reference("XboxUpdated")}},
        },
        "304": {"description": "Everything was as reported already.", "headers": {}},
    }
    | {
        status: {"$ref": f"#/components/responses/{name}"}
        for status, name in (_REFUSALS | {"404": "XboxNotFound"} | _OF_BODIES).items()
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
        "101": {"description": "The connection is a websocket from here on.", "headers": {}},
        "400": {"description": "The request asks for no websocket.", "headers": {}},
        "401": {"$ref": "#/components/responses/XboxNotAuthenticated"},
        "500": {"$ref": "#/components/responses/XboxFault"},
        "503": {"$ref": "#/components/responses/XboxUnavailable"},
    },
}


def _component(key: str) -> str:
    return f"Xbox{key[0].upper()}{key[1:]}"


OPENAPI: Mapping[str, Any] = {
    "tags": [
        {"name": "xbox", "description": _ABOUT},
        {"name": "xbox-rta", "description": "Progress as it happens, over a websocket."},
    ],
    "paths": {
        "/users/xuid({xuid})/achievements": _get(
            "listAchievements",
            "What one player has earned, and could",
            description="Contracts 1 and 3 list only what is unlocked, unless `possibleOnly`.",
            parameters=("xuid", *_LIST, "types", "unlockedOnly", "possibleOnly", "orderBy"),
            answer="Achievements",
        ),
        "/users/xuid({xuid})/titleachievements": _get(
            "listTitleAchievements",
            "What can be earned, everything locked",
            parameters=("xuid", *_LIST, "types", "orderBy"),
            answer="Achievements",
        ),
        "/users/xuid({xuid})/achievements/{scid}/{number}": _get(
            "readAchievement",
            "One achievement",
            parameters=("xuid", "scid", "id"),
            answer="SingleAchievement",
            refusals=_REFUSALS | {"404": "XboxNotFound"},
        ),
        "/users/xuid({xuid})/achievements/{scid}/update": {"post": _UPDATE},
        "/connect": {"get": _CONNECT},
        "/users/xuid({xuid})/history/titles": _get(
            "listTitles",
            "The titles that one player has anything in",
            description="In the order of UnlockTime the title of the newest unlock comes first, in any other they are by id.",
            parameters=("xuid", *_LIST, "orderBy"),
            answer="Titles",
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
