"""The base errors that a caller can receive. The core raises them; each API renders them in its own error responses.

Packages define subclasses for cases of their own, which are rendered as their base error is unless the API knows them.

LaurelError
├── BadRequest                  the request cannot be read, or is inconsistent
│   ├── InvalidParameter        a query parameter, header or path segment
│   ├── InvalidToken            a continuation token or cursor that was changed, or is of another list
│   │   └── ExpiredToken        one that is too old
│   ├── InvalidField            a member of a body
│   ├── UnknownMetric           an event of a metric that the title does not have
│   ├── PayloadTooLarge         a body above the size limit
│   ├── RequestTimeout          a body that did not arrive in time
│   ├── UnsupportedMediaType    a body in an unsupported content coding or media type
│   ├── UnsupportedVersion      a request in another major version of HTTP
│   ├── Conflict                a change of something that has changed meanwhile
│   ├── PreconditionRequired    a change without the version that it was made for
│   └── InvalidCatalog          a file or title with errors, with all of their diagnostics
├── Unauthenticated             no credential, or a malformed or forged one
│   ├── CredentialMissing       none
│   └── CredentialExpired       one that was valid until some time ago
├── PermissionDenied            a valid credential without the permission
│   ├── UserRequired            a credential of no player
│   └── WrongPlayer             a credential of another player
├── NotFound                    nothing with that name is published
├── MethodNotAllowed            the path exists, but not with this method
├── NotAcceptable               an unsupported contract version or response media type
├── TooManyRequests             more than the caller's share
└── Unavailable                 the service cannot answer now; the request can be retried
    ├── DatabaseTimeout         a statement, or its wait for a lock, took longer than its limit
    └── Overloaded              more requests than the service can answer in time

ConfigurationError is separate: it aborts startup and is read by an operator, never by a caller.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import msgspec


class LaurelError(Exception):
    """An error for a caller. `code` is its stable name; the message is for the sender of the request."""

    code = "error"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it, as child processes do, without its constructor: that of a subclass has parameters of its own."""
        return _restore, (type(self), self.args), self.__dict__


class BadRequest(LaurelError):
    """The request cannot be read, or is inconsistent."""

    code = "bad_request"


class InvalidParameter(BadRequest):
    """An invalid query parameter, header or path segment: `field: expected …, got …`."""

    code = "bad_parameter"

    def __init__(self, field: str, expected: str, got: object = None) -> None:
        super().__init__(_expected(field, expected, got))
        self.field = field


class InvalidToken(BadRequest):
    """A continuation token or cursor that this service did not issue, or issued for another list."""

    code = "bad_token"


class ExpiredToken(InvalidToken):
    """A cursor of this service that is too old."""

    code = "expired_token"


class InvalidField(BadRequest):
    """An invalid member of a body: `user.id: expected …, got …`."""

    code = "bad_field"

    def __init__(self, field: str, expected: str, got: object = None) -> None:
        super().__init__(_expected(field, expected, got))
        self.field = field


class UnknownMetric(BadRequest):
    """An event of a metric that the title does not have, or has archived."""

    code = "unknown_metric"

    def __init__(self, message: str, *, is_archived: bool = False) -> None:
        super().__init__(message)
        self.is_archived = is_archived


class PayloadTooLarge(BadRequest):
    """A body above the size limit."""

    code = "too_large"


class RequestTimeout(BadRequest):
    """A body that did not arrive in time."""

    code = "too_slow"


class UnsupportedMediaType(BadRequest):
    """A body in an unsupported content coding or media type."""

    code = "unsupported_body"


class UnsupportedVersion(BadRequest):
    """A request line of another major version of HTTP than 1 (RFC 9110 §15.6.6)."""

    code = "unsupported_http_version"


class Conflict(BadRequest):
    """A change of something that has changed meanwhile. `current` is its current value or version."""

    code = "conflict"

    def __init__(self, message: str, current: object) -> None:
        super().__init__(message)
        self.current = current


class PreconditionRequired(BadRequest):
    """A change without the version that it was made for (RFC 6585 §3)."""

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
    """No credential, or one that is malformed, forged, expired or issued for another service."""

    code = "not_authenticated"


class CredentialMissing(Unauthenticated):
    """No credential, where one is needed."""


class CredentialExpired(Unauthenticated):
    """A credential of this service's issuer whose time is over."""


class PermissionDenied(LaurelError):
    """A valid credential without the permission for this."""

    code = "not_allowed"


class UserRequired(PermissionDenied):
    """A credential of no player (Xbox `…/achievements`: claim User, "403 Forbidden" if missing)."""

    code = "no_user"


class WrongPlayer(PermissionDenied):
    """A credential of another player (Xbox `…/achievements`: the XUID "must match the XUID of the authenticated user")."""

    code = "wrong_player"


class NotFound(LaurelError):
    """Nothing with that name is published."""

    code = "not_found"


class MethodNotAllowed(LaurelError):
    """The path exists, but not with this method. `allowed` are the methods that it has."""

    code = "method_not_allowed"

    def __init__(self, message: str, *, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.allowed = allowed


class NotAcceptable(LaurelError):
    """A contract version or response media type that the API does not support."""

    code = "unsupported_version"


class TooManyRequests(LaurelError):
    """More than the caller's share of something.

    `policy` is the name of the limit and `limit` its number, for a time of `window_seconds`; None for what is allowed
    at the same time. `retry_after` seconds later there is room again.
    """

    code = "too_many_requests"

    def __init__(
        self, message: str, *, policy: str, limit: int, window_seconds: int | None = None, retry_after: float = 1.0
    ) -> None:
        super().__init__(message)
        self.policy = policy
        self.limit = limit
        self.window_seconds = window_seconds
        self.retry_after_seconds = max(1, math.ceil(retry_after))


class Unavailable(LaurelError):
    """The service cannot answer at the moment, mostly because the database cannot; the request can be retried."""

    code = "unavailable"
    retry_after_seconds = 1


class DatabaseTimeout(Unavailable):
    """A statement, or its wait for a lock, took longer than its limit. Nothing of it was written."""

    code = "timeout"


class Overloaded(Unavailable):
    """More requests than the service can answer in time; this one was not begun."""

    code = "overloaded"


class ConfigurationError(Exception):
    """An invalid setting: its name, its value unless it is a secret, and the accepted values. It aborts startup."""


_SHOWN_CHARACTERS = 64


def _restore(kind: type[LaurelError], arguments: tuple[Any, ...]) -> LaurelError:
    return kind.__new__(kind, *arguments)


def _expected(field: str, expected: str, got: object) -> str:
    """`field: expected …, got …`, with the value quoted and truncated."""
    if got is None:
        return f"{field}: expected {expected}"
    text = str(got)
    shown = repr(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")
    return f"{field}: expected {expected}, got {shown}"
