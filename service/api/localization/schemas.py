"""The bodies that this door reads. An unknown member is refused: a misspelled one would be passed over in silence."""

from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec
from aiohttp import web

from service.http.body import decode, read_body

MOST_BYTES = 64 * 1024
MOST_REASONS = 50

Note = Annotated[str, msgspec.Meta(max_length=1000, pattern=r"^[^\x00-\x09\x0b-\x1f]*$")]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Rule = Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{1,64}$")]

T = TypeVar("T")


class TextBody(msgspec.Struct, forbid_unknown_fields=True):
    """A text to be saved. `needs_review` makes it a suggestion; `reasons` says why warnings do not hold, by rule."""

    text: str
    state: Literal["needs_review", "translated", "approved"] = "translated"
    reasons: Annotated[dict[Rule, Reason], msgspec.Meta(max_length=MOST_REASONS)] = {}


class ReviewBody(msgspec.Struct, forbid_unknown_fields=True):
    """What a reviewer says of a text."""

    verdict: Literal["approve", "send-back"]


class RestoreBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which revision to write again."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class CatalogBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Which texts the releases of a title take from now on."""

    publish_from: Literal["translated", "approved"]


class PublishBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A publish: now, at a later moment, or only to be shown what it would change."""

    note: Note | None = None
    dry_run: bool = False
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class ActivateBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be said of a rollback."""

    note: Note | None = None


async def read_json(request: web.Request, kind: type[T]) -> T:
    """The body, read and decoded; an empty one is an empty object.

    Raises:
        BadRequest: it cannot be read.
        InvalidField: a member is missing, unknown or of another type.
    """
    return decode(await read_body(request, limit=MOST_BYTES) or b"{}", kind)
