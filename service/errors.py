"""Every refusal that a caller can meet: raised anywhere, put into words by the door that was asked.

LaurelError
├── BadRequest              what was sent cannot be read or does not hold together
│   ├── InvalidParameter        one query parameter, header or path part
│   ├── InvalidToken            a continuation token or cursor that was altered, or is of another list
│   │   └── ExpiredToken    one that was made too long ago
│   ├── InvalidField            one member of a body
│   ├── UnknownMetric       an event of a metric that the title does not count
│   ├── PayloadTooLarge            a body of more bytes than are read
│   ├── RequestTimeout             a body that did not arrive in time
│   ├── UnsupportedMediaType     a body in a coding or media type that is not read
│   ├── Conflict            a change to something that somebody else changed meanwhile
│   ├── Unconditional       a change that does not say which version it was made for
│   └── InvalidCatalog        a file of definitions, texts or progress, with every problem in it
├── Unauthenticated        no credential, or one that is malformed, forged or expired
├── PermissionDenied              a good credential that may not do this
│   ├── UserRequired              a credential that speaks for no player
│   └── WrongPlayer         a credential that speaks for another player
├── NotFound                nothing of that name is published here
├── MethodNotAllowed        the path is there, the method is not
├── NotAcceptable      a contract version that the door does not speak
├── TooManyRequests         more in a time than the operator lets one title ask
└── Unavailable             the database is out of reach or too slow for now

ConfigurationError stands apart: it stops the start and is read by an operator, never by a caller.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec


class LaurelError(Exception):
    """A refusal. `code` is its stable name; the message is for whoever sent the request."""

    code = "error"


class BadRequest(LaurelError):
    """What was sent cannot be read, or does not hold together."""

    code = "bad_request"


class InvalidParameter(BadRequest):
    """One parameter, header or path part: `field: expected …, got …`."""

    code = "bad_parameter"

    def __init__(self, field: str, expected: str, got: object = None) -> None:
        came = "" if got is None else f", got {_quoted(got)}"
        super().__init__(f"{field}: expected {expected}{came}")
        self.field = field


class InvalidToken(BadRequest):
    """A continuation token that this service did not issue, or issued for another list."""

    code = "bad_token"


class ExpiredToken(InvalidToken):
    """A cursor of this service that was made too long ago."""

    code = "expired_token"


class InvalidField(BadRequest):
    """One member of a body that can be read: `user.id: expected …, got …`."""

    code = "bad_field"

    def __init__(self, field: str, expected: str, got: object = None) -> None:
        came = "" if got is None else f", got {_quoted(got)}"
        super().__init__(f"{field}: expected {expected}{came}")
        self.field = field


class UnknownMetric(BadRequest):
    """An event of a metric that the title does not count, or no more."""

    code = "unknown_metric"


class PayloadTooLarge(BadRequest):
    """A body of more bytes than are read."""

    code = "too_large"


class RequestTimeout(BadRequest):
    """A body that did not arrive in time."""

    code = "too_slow"


class UnsupportedMediaType(BadRequest):
    """A body in a content coding or media type that is not read."""

    code = "unsupported_body"


class Conflict(BadRequest):
    """A change to something that somebody else changed meanwhile. `current` is that something as it is now."""

    code = "conflict"

    def __init__(self, message: str, current: object) -> None:
        super().__init__(message)
        self.current = current


class PreconditionRequired(BadRequest):
    """A change that does not say which version of the thing it was made for (RFC 6585 §3)."""

    code = "unconditional"


Severity = Literal["error", "warning"]


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """One violation of a rule, in a file or in a title: where it is, which rule, and what is expected.

    `file` is None for a text that was checked outside a file. `line` counts from 1, None where the format has no
    useful line numbers. `key` is the text key, the achievement or the member; `locale` the language of a text. `rule`
    is a stable name in kebab-case. An error prevents saving, importing or publishing; a warning does not.
    """

    file: str | None = None
    line: int | None = None
    key: str | None = None
    locale: str | None = None
    rule: str
    severity: Severity = "error"
    message: str

    def __str__(self) -> str:
        file = self.file if self.line is None else f"{self.file}:{self.line}"
        text = " ".join(part for part in (self.locale, self.key) if part is not None)
        return f"{'' if file is None else f'{file}: '}{f'{text}: ' if text else ''}{self.message} [{self.rule}]"


class InvalidCatalog(BadRequest):
    """A file or title with errors, none of which was accepted. `diagnostics` holds all errors, not only the first."""

    code = "bad_catalogue"

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("\n".join(str(diagnostic) for diagnostic in diagnostics))
        self.diagnostics = tuple(diagnostics)


class Unauthenticated(LaurelError):
    """No credential, or one that is malformed, forged, expired or meant for somebody else's service."""

    code = "not_authenticated"


class PermissionDenied(LaurelError):
    """A good credential that may not do this."""

    code = "not_allowed"


class UserRequired(PermissionDenied):
    """A credential that speaks for no player (seed 002: claim User, "403 Forbidden" if missing)."""

    code = "no_user"


class WrongPlayer(PermissionDenied):
    """A credential that speaks for another player (seed 002: the XUID "must match the XUID of the authenticated user")."""

    code = "wrong_player"


class NotFound(LaurelError):
    """Nothing of that name is published here."""

    code = "not_found"


class MethodNotAllowed(LaurelError):
    """The path is there, the method is not. `allowed` are the methods that are."""

    code = "method_not_allowed"

    def __init__(self, message: str, *, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.allowed = allowed


class NotAcceptable(LaurelError):
    """A contract version that the door does not speak."""

    code = "unsupported_version"


class TooManyRequests(LaurelError):
    """More in a time than the operator lets one title ask.

    `limit` requests a second; `reset_at` is when the next second begins, in seconds since 1970.
    """

    code = "too_many_requests"

    def __init__(self, message: str, *, limit: int, reset_at: int, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.limit = limit
        self.reset_at = reset_at
        self.retry_after_seconds = retry_after_seconds


class Unavailable(LaurelError):
    """The database is out of reach or too slow for now: context again in a moment is right."""

    code = "unavailable"
    retry_after_seconds = 1


class ConfigurationError(Exception):
    """A setting that stops the start: its name, the value and what would do. Values of secrets are not shown."""


_SHOWN_CHARACTERS = 64


def _quoted(value: object) -> str:
    """What came, quoted and bounded, so that a message never grows with its cause."""
    text = str(value)
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")
