"""Request bodies of the Trophy API: users, events and their values, each error naming the invalid member."""

import datetime
import functools
import re
import uuid
import zoneinfo
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from service import ticks
from service.control_characters import LINE_EXPECTED, is_line
from service.core.auth.principal import PLAYER_EXPECTED, parse_player
from service.core.unlocks.model import Event
from service.errors import InvalidField, InvalidParameter

_MAX_TEXT = 512  # characters of a name, an email, a token, an attribute's value
_MAX_TOKENS = 100
_MAX_ATTRIBUTES = 100
MAX_AMOUNT = Decimal(10) ** 15
_AMOUNT = re.compile(rb"-?[0-9]{1,16}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?")
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
_TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,7}))?(Z|[+-][0-9]{2}:[0-9]{2})"
)

Scalar = str | bool | int | float


class UserFields(msgspec.Struct, kw_only=True, rename="camel"):
    """Members of a user, null the same as absent. Trophy's own examples also spell `subscribedToEmails`."""

    email: str | None = None
    name: str | None = None
    tz: str | None = None
    device_tokens: list[str] | None = None
    subscribe_to_emails: bool | None = None
    subscribed_to_emails: bool | None = None
    attributes: dict[str, Scalar | None] | None = None

    def profile(self, field: str) -> Mapping[str, object]:
        """The changes of the profile, by its members.

        Raises:
            InvalidField: a value is invalid.
        """
        changes: dict[str, object] = {}
        for name, value in (("email", self.email), ("name", self.name)):
            if value is not None:
                changes[name] = check_text(value, f"{field}.{name}")
        if self.tz is not None:
            if self.tz not in _time_zones():
                raise InvalidField(f"{field}.tz", "an IANA time zone such as Europe/Berlin", self.tz)
            changes["time_zone"] = self.tz
        if self.device_tokens is not None:
            if len(self.device_tokens) > _MAX_TOKENS:
                raise InvalidField(f"{field}.deviceTokens", f"at most {_MAX_TOKENS}", len(self.device_tokens))
            changes["device_tokens"] = tuple(check_text(token, f"{field}.deviceTokens") for token in self.device_tokens)
        subscribes = self.subscribe_to_emails if self.subscribe_to_emails is not None else self.subscribed_to_emails
        if subscribes is not None:
            changes["subscribe_to_emails"] = subscribes
        if self.attributes:
            changes["attributes"] = parse_attributes(self.attributes, f"{field}.attributes")
        return changes


class UpsertedUser(UserFields, kw_only=True, rename="camel"):
    """A user by id."""

    id: str


class EventBody(msgspec.Struct, kw_only=True, rename="camel"):
    """`POST /metrics/{key}/event`. `timestamp`, when it happened, is not Trophy's; absent for just now."""

    user: UpsertedUser
    value: msgspec.Raw
    attributes: dict[str, Scalar | None] | None = None
    timestamp: str | None = None

    def event(self, metric: str, *, key: str | None, now: int, field: str = "") -> Event:
        """The event. `now` is in ticks.

        Raises:
            InvalidField: a value is invalid.
        """
        return Event(
            metric=metric,
            amount=parse_amount(bytes(self.value), f"{field}value"),
            event_id=uuid.uuid4(),
            at=None if self.timestamp is None else parse_time(self.timestamp, f"{field}timestamp", now=now),
            attributes=parse_attributes(self.attributes or {}, f"{field}attributes"),
            key=key,
        )


class BatchEvent(EventBody, kw_only=True, rename="camel"):
    """One of `POST /admin/v1/metrics/events`. `key` is the metric's."""

    key: str
    idempotency_key: str | None = None


class CompleteBody(msgspec.Struct, kw_only=True):
    """`POST /achievements/{key}/complete`."""

    user: UpsertedUser


def parse_user_id(value: str, field: str, *, is_path: bool = False) -> str:
    """A user's id, which is that of a player.

    Raises:
        InvalidField, or InvalidParameter for a part of the path: it is anything else.
    """
    try:
        return parse_player(value)
    except ValueError:
        raise (InvalidParameter if is_path else InvalidField)(field, PLAYER_EXPECTED, ascii(value)) from None


def check_text(value: str, field: str) -> str:
    """A line of at most 512 characters.

    Raises:
        InvalidField: it is longer, or has one.
    """
    if len(value) > _MAX_TEXT or not is_line(value):
        raise InvalidField(field, f"at most {_MAX_TEXT} characters {LINE_EXPECTED}", ascii(value))
    return value


def parse_attributes(values: Mapping[str, Scalar | None], field: str) -> dict[str, str]:
    """Attribute values as texts: numbers and booleans as JSON writes them, null the same as absent.

    Raises:
        InvalidField: there are too many, or a text is invalid.
    """
    if len(values) > _MAX_ATTRIBUTES:
        raise InvalidField(field, f"at most {_MAX_ATTRIBUTES}", len(values))
    return {
        check_text(key, field): check_text(
            value if isinstance(value, str) else msgspec.json.encode(value).decode(), f"{field}.{key}"
        )
        for key, value in values.items()
        if value is not None
    }


def parse_user_attributes(fields: Iterable[str], field: str) -> Mapping[str, str] | None:
    """The pairs of `key:value,key:value`; None if there are none.

    Each pair is split at its first colon, spaces around are dropped, and the last value of a key counts.

    Raises:
        InvalidParameter: a pair without a colon, or without a key.
    """
    pairs: dict[str, str] = {}
    for part in ",".join(fields).split(","):
        if not part.strip():
            continue
        key, colon, value = part.partition(":")
        if not colon or not key.strip():
            raise InvalidParameter(field, "attribute:value,attribute:value", part)
        pairs[key.strip()] = value.strip()
    return pairs or None


def parse_amount(raw: bytes, field: str) -> Decimal:
    """An event's amount: a JSON number of at most 10^15 either way, with at most 9 decimals.

    Raises:
        InvalidField: it is no such number.
    """
    raw = raw.strip()
    expected = "a number of at most 10^15 either way, with at most 9 decimals"
    if _AMOUNT.fullmatch(raw) is None:
        raise InvalidField(field, expected, raw[:64].decode("utf-8", "replace"))
    value = Decimal(raw.decode())
    exponent = value.normalize().as_tuple().exponent
    if abs(value) > MAX_AMOUNT or (isinstance(exponent, int) and exponent < -9):  # noqa: PLR2004  (as the message says)
        raise InvalidField(field, expected, raw[:64].decode())
    return value


def parse_time(value: str, field: str, *, now: int) -> int:
    """An RFC 3339 time as ticks, not before 1970 and at most 5 minutes after `now`, which is in ticks.

    Raises:
        InvalidField: it is anything else.
    """
    match = _TIMESTAMP.fullmatch(value)
    at = -1
    if match is not None:
        try:
            whole = datetime.datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
            at = ticks.from_datetime(whole) + int((match[2] or "").ljust(7, "0"))
        except (ValueError, OverflowError):
            pass
    if not ticks.from_unix(0) <= at <= now + 300 * ticks.SECOND:
        raise InvalidField(field, "a time such as 2026-01-31T12:00:00Z, not before 1970 and not in the future", value)
    return at


def check_idempotency_key(value: str | None, field: str) -> str | None:
    """An idempotency key: 1 to 255 visible ASCII characters; None if none was sent.

    Raises:
        InvalidField: it is anything else.
    """
    if value is not None and _IDEMPOTENCY_KEY.fullmatch(value) is None:
        raise InvalidField(field, "1 to 255 visible ASCII characters", ascii(value))
    return value


@functools.cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
