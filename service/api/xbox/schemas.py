"""The JSON Schemas of the Xbox API's bodies: every member that a client may rely on, and its values.

Contracts 2 and 4 have the `Xbox…` shapes, 1 and 3 the `Xbox360…` ones. Members are in the order of the wire format and
always present, except optional ones.
"""

from collections.abc import Mapping
from typing import Any, get_args

from service.api.xbox.json_fragments import LOCKED_AT
from service.core.catalog.model import U32, Kind, Operation, Participation, RewardKind, ValueType
from service.core.progress.rarity import Category
from service.http.openapi import schema_reference

Schema = dict[str, Any]

TOKEN = "[A-Za-z0-9_-]{32}"  # noqa: S105  (the pattern of tokens, not a token)


def one_of(literal: Any) -> Schema:
    """A string that is one of the values of a `Literal`."""
    return {"type": "string", "enum": list(get_args(literal))}


def array(items: Schema, **rules: Any) -> Schema:
    """An array of such items."""
    return {"type": "array", "items": items, **rules}


def record(members: Mapping[str, Schema], *, optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object with these required members and the optional ones."""
    return {"type": "object", "required": list(members), "properties": {**members, **(optional or {})}}


def _nullable(kind: str, **rules: Any) -> Schema:
    return {"type": [kind, "null"], **rules}


_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_U32: Schema = {"type": "integer", "minimum": 0, "maximum": U32 - 1}
_GUID: Schema = {"type": "string", "format": "uuid"}
_DECIMAL: Schema = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
_TIME: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{7}Z$",
}
_DATE: Schema = {"type": "string", "format": "date-time", "pattern": "Z$"}
_MEDIA = record({"name": _TEXT, "type": {**_TEXT, "examples": ["Icon", "Art"]}, "url": {**_TEXT, "format": "uri"}})
_STATE: Schema = {"type": "string", "enum": ["NotStarted", "InProgress", "Achieved"]}

_RARITY = {
    "rarity": record(
        {
            "currentCategory": one_of(Category),
            "currentPercentage": {"type": "number", "minimum": 0, "maximum": 100},
        }
    )
    | {"description": "Contracts 3 and 4 only: the percentage of the title's players who hold it."}
}

_REQUIREMENT = record(
    {
        "id": _TEXT,
        "current": {**_DECIMAL, **_nullable("string"), "description": "May exceed the target."},
        "target": _DECIMAL,
        "operationType": one_of(Operation),
        "valueType": one_of(ValueType),
        "ruleParticipationType": one_of(Participation),
    }
)

_REWARD = record(
    {
        "name": _nullable("string"),
        "description": _nullable("string"),
        "value": _TEXT | {"description": "Points for a Gamerscore; always text."},
        "type": one_of(RewardKind),
        "mediaAsset": {"anyOf": [_MEDIA, {"type": "null"}]},
        "valueType": _TEXT | {"examples": ["Int", "String"]},
    }
)

_ACHIEVEMENT = record(
    {
        "id": {"type": "string", "pattern": "^[1-9][0-9]{0,9}$", "description": "A u32 within the title, as text."},
        "serviceConfigId": _GUID,
        "name": _TEXT,
        "titleAssociations": array(record({"name": _TEXT, "id": _U32}, optional={"version": _TEXT}), minItems=1),
        "progressState": _STATE,
        "progression": record(
            {
                "achievementState": _STATE,
                "requirements": array(_REQUIREMENT),
                "timeUnlocked": _TIME | {"description": f"{LOCKED_AT} while locked."},
            }
        ),
        "mediaAssets": array(_MEDIA, minItems=1),
        "platform": _TEXT,
        "platforms": array(_TEXT, minItems=1),
        "isSecret": _FLAG,
        "description": _TEXT,
        "lockedDescription": _TEXT,
        "productId": _GUID,
        "achievementType": one_of(Kind),
        "participationType": one_of(Participation),
        "timeWindow": {"anyOf": [record({"startDate": _DATE, "endDate": _DATE}), {"type": "null"}]},
        "rewards": array(_REWARD),
        "estimatedTime": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"},
        "deeplink": _nullable("string"),
        "isRevoked": _FLAG,
    },
    optional=_RARITY,
)

_LEGACY_ACHIEVEMENT = record(
    {
        "id": _U32,
        "titleId": _U32,
        "name": _TEXT,
        "sequence": _COUNT,
        "flags": _COUNT
        | {"description": "The type, 0x8 shown while locked, 0x10000 achieved online, 0x20000 achieved."},
        "unlockedOnline": _FLAG,
        "unlocked": _FLAG,
        "isSecret": _FLAG,
        "platform": _COUNT,
        "gamerscore": _COUNT,
        "imageId": _COUNT,
        "description": _TEXT,
        "lockedDescription": _TEXT | {"description": '"???" for a secret.'},
        "type": {
            "type": "integer",
            "minimum": 1,
            "maximum": 7,
            "description": "1 completion, 2 leveling, 3 unlock, 4 event, 5 tournament, 6 checkpoint, 7 other.",
        },
        "isRevoked": _FLAG,
        "timeUnlocked": _TIME | {"description": "In 2002 while locked, in 1753 if it was unlocked offline."},
    },
    optional=_RARITY,
)

_TITLE = record(
    {
        "lastUnlock": _TIME,
        "titleId": _U32,
        "serviceConfigId": _GUID,
        "titleType": _TEXT | {"examples": ["Game", "DGame", "LiveApp"]},
        "platform": _TEXT,
        "name": _TEXT,
        "earnedAchievements": _COUNT,
        "currentGamerscore": _COUNT,
        "maxGamerscore": _COUNT,
    }
)

_LEGACY_TITLE = record(
    {
        "lastPlayed": _TIME,
        "currentAchievements": _COUNT,
        "currentGamerscore": _COUNT,
        "sequence": _COUNT,
        "titleId": _U32,
        "titleType": _COUNT,
        "platforms": array(_COUNT),
        "name": _TEXT,
        "totalAchievements": _COUNT,
        "totalGamerscore": _COUNT,
    }
)

_PAGING = record(
    {
        "continuationToken": _nullable(
            "string", pattern=f"^{TOKEN}$", description="The token of the next page; null on the last one."
        ),
        "totalRecords": _COUNT | {"description": "The number of items in the whole list."},
    }
)

_ERROR_MEMBERS: Mapping[str, Schema] = {
    "code": {
        "type": "integer",
        "enum": [0, 23, 4000, 4500, 5000, 5300, 8377],
        "description": "23 a token without a user, 8377 another player's XUID, 4500 other credentials, 4000 a bad "
        "request, 5000 an error of the service, 5300 try again; 0 where the status is enough.",
    },
    "source": _TEXT,
    "description": _TEXT,
    "traceInformation": _TEXT | {"description": "The MS-CV of this response."},
    "errorCode": {"type": "integer", "description": "The same as `code`."},
    "errorMessage": _TEXT | {"description": "The same as `description`."},
}
_LIMIT_MEMBERS: Mapping[str, Schema] = {
    "version": {"const": 1},
    "currentRequests": {"type": "integer", "description": "Requests of the period, this one included."},
    "maxRequests": {"type": "integer", "description": "Requests that are allowed."},
    "periodInSeconds": {"type": "integer", "description": "0 for what is allowed at the same time."},
    "limitType": {"enum": ["rate", "concurrency"]},
}
_ERROR = record(_ERROR_MEMBERS)


def _page(of: str, item: str, *, is_legacy: bool = False) -> Schema:
    version = {"version": _TIME} if is_legacy else {}
    return record({of: array(schema_reference(item)), "pagingInfo": schema_reference("XboxPagingInfo"), **version})


def _single(item: str) -> Schema:
    """The item alone, as the Xbox document prints it, and in a list, as every client reads it."""
    return record(
        {
            "achievement": schema_reference(item),
            "achievements": array(schema_reference(item), minItems=1, maxItems=1),
            "pagingInfo": schema_reference("XboxPagingInfo"),
        }
    )


_NUMBER: Schema = {"oneOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9]{1,10}$"}]}

_UPDATE: Schema = {
    "type": "object",
    "required": ["action", "serviceConfigId", "achievements"],
    "properties": {
        "action": {"const": "progressUpdate"},
        "serviceConfigId": {"type": "string", "format": "uuid"},
        "titleId": _NUMBER,
        "userId": {"type": "string"},
        "achievements": array(
            {
                "type": "object",
                "required": ["id", "percentComplete"],
                "properties": {"id": _NUMBER, "percentComplete": _NUMBER},
            },
            minItems=1,
            maxItems=100,
        ),
    },
}

_UPDATED: Schema = {
    "type": "object",
    "required": ["achievements"],
    "properties": {
        "achievements": array(
            {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {"type": "string"},
                    "progressState": {"enum": ["InProgress", "Achieved"]},
                    "percentComplete": {"type": "integer", "minimum": 0, "maximum": 100},
                    "isNew": {"type": "boolean"},
                    "error": {"type": "string"},
                },
            }
        )
    },
}

SCHEMAS: Mapping[str, Schema] = {
    "XboxAchievement": _ACHIEVEMENT,
    "Xbox360Achievement": _LEGACY_ACHIEVEMENT,
    "XboxTitle": _TITLE,
    "Xbox360Title": _LEGACY_TITLE,
    "XboxPagingInfo": _PAGING,
    "XboxUpdate": _UPDATE,
    "XboxUpdated": _UPDATED,
    "XboxAchievements": _page("achievements", "XboxAchievement"),
    "Xbox360Achievements": _page("achievements", "Xbox360Achievement", is_legacy=True),
    "XboxSingleAchievement": _single("XboxAchievement"),
    "Xbox360SingleAchievement": _single("Xbox360Achievement"),
    "XboxTitles": _page("titles", "XboxTitle"),
    "Xbox360Titles": _page("titles", "Xbox360Title", is_legacy=True),
    "XboxError": _ERROR,
    "XboxLimitError": record({**_ERROR_MEMBERS, **_LIMIT_MEMBERS}),
}
