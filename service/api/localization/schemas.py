"""Request bodies of the localization API. Unknown members are rejected, so that a misspelled one is noticed."""

from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec
from aiohttp import web

from service.core.localization.editing import REASON_CHARACTERS
from service.core.publishing.releases import NOTE_CHARACTERS
from service.http.body import decode, read_body

MAX_BYTES = 64 * 1024
MAX_REASONS = 50

Note = Annotated[str, msgspec.Meta(max_length=NOTE_CHARACTERS)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=REASON_CHARACTERS)]
Rule = Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{1,64}$")]

T = TypeVar("T")


class TextBody(msgspec.Struct, forbid_unknown_fields=True):
    """A text to save. The state `needs_review` makes it a suggestion; `reasons` overrides warnings, by rule."""

    text: str
    state: Literal["needs_review", "translated", "approved"] = "translated"
    reasons: Annotated[dict[Rule, Reason], msgspec.Meta(max_length=MAX_REASONS)] = {}


class ReviewBody(msgspec.Struct, forbid_unknown_fields=True):
    """The verdict of a review."""

    verdict: Literal["approve", "send-back"]


class RestoreBody(msgspec.Struct, forbid_unknown_fields=True):
    """The version of the revision to restore."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class CatalogBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Which texts the next releases of a title take."""

    publish_from: Literal["translated", "approved"]


class PublishBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A publish: now, at a later moment (`at`), or only a preview of the changes (`dry_run`)."""

    note: Note | None = None
    dry_run: bool = False
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class ActivateBody(msgspec.Struct, forbid_unknown_fields=True):
    """A rollback."""

    note: Note | None = None


async def read_json(request: web.Request, kind: type[T]) -> T:
    """The body, read and decoded; an empty one is an empty object.

    Raises:
        BadRequest: it cannot be read.
        InvalidField: a member is missing, unknown or of another type.
    """
    return decode(await read_body(request, limit=MAX_BYTES) or b"{}", kind)
