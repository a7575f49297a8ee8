"""Collect the diagnostics of one file or title while reading continues, and raise its errors together. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn, TypeVar, cast

from service.errors import Diagnostic, InvalidCatalog

MAX_BYTES = 5 * 1024 * 1024  # a title of 500 achievements in 50 locales is a fifth of it
KEY_CHARACTERS = 200  # how much of a key from a file is repeated in a diagnostic
MAX_DIAGNOSTICS = 1000  # of each severity; more would only hide the first

T = TypeVar("T")


class InvalidValue(ValueError):
    """A value that breaks a rule. `rule` is the rule's name; the message says what is expected.

    Readers turn it into a `Diagnostic`; it never reaches a caller of this package or of `formats`.
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class SourceLocation:
    """A place in a file, to which diagnostics are reported. All locations of one file share `errors` and `warnings`.

    `lines` gives the line of a key in formats that have any; a key without one has the line of its parent.
    """

    __slots__ = ("errors", "file", "key", "line", "lines", "warnings")

    def __init__(self, file: str, *, lines: Mapping[str, int] | None = None) -> None:
        self.file = file
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self.lines = lines or {}
        self.key: str | None = None
        self.line: int | None = None

    def at(self, key: str | None, line: int | None = None) -> "SourceLocation":
        """Another location in the same file."""
        other = SourceLocation(self.file, lines=self.lines)
        other.errors, other.warnings = self.errors, self.warnings
        other.key = key if key is None else key[:KEY_CHARACTERS]
        other.line = line or self.lines.get(key or "", self.line)
        return other

    def inside(self, name: str | int) -> "SourceLocation":
        """The location of a member or, by its index, of a list item."""
        if isinstance(name, int):
            return self.at(f"{self.key or ''}[{name}]")
        return self.at(name if self.key is None else f"{self.key}.{name}")

    def report(self, rule: str, message: str) -> None:
        """Add an error here.

        Raises:
            InvalidCatalog: there are `MAX_DIAGNOSTICS` errors: reading on is of no use.
        """
        self.errors.append(Diagnostic(file=self.file, line=self.line, key=self.key, rule=rule, message=message))
        if len(self.errors) >= MAX_DIAGNOSTICS:
            raise InvalidCatalog(self.errors)

    def report_all(self, violations: Iterable[InvalidValue]) -> None:
        """Add an error here for each of these."""
        for violation in violations:
            self.report(violation.rule, str(violation))

    def warn(self, rule: str, message: str) -> None:
        """Add a warning here. Warnings after the first `MAX_DIAGNOSTICS` are dropped, and never stop the reading."""
        if len(self.warnings) < MAX_DIAGNOSTICS:
            self.warnings.append(
                Diagnostic(file=self.file, line=self.line, key=self.key, rule=rule, severity="warning", message=message)
            )

    def read(self, read: Callable[[object], T], value: object) -> T:
        """The value as `read` returns it. An invalid one is reported, and is None whatever the type says."""
        try:
            return read(value)
        except InvalidValue as violation:
            self.report(violation.rule, str(violation))
            return cast("T", None)

    def fail(self, rule: str, message: str) -> NoReturn:
        """Add an error after which the file cannot be read further.

        Raises:
            InvalidCatalog: always, with all errors so far.
        """
        self.report(rule, message)
        raise InvalidCatalog(self.errors)

    def raise_errors(self) -> None:
        """Raise the errors reported so far, if there are any.

        Raises:
            InvalidCatalog: there is an error.
        """
        if self.errors:
            raise InvalidCatalog(self.errors)


def checked_bytes(data: bytes, location: SourceLocation) -> bytes:
    """The file without its byte order mark, if it is not too large.

    Raises:
        InvalidCatalog: it is larger than 5 MB.
    """
    if len(data) > MAX_BYTES:
        location.fail("too-large", f"expected a file of at most {MAX_BYTES} bytes, got {len(data)}")
    return data.removeprefix(b"\xef\xbb\xbf")


def decode(data: bytes, location: SourceLocation, *, encoding: str = "utf-8") -> str:
    """The file as text, without its byte order mark.

    Raises:
        InvalidCatalog: it is larger than 5 MB, or not in that encoding; the line is that of the first invalid byte.
    """
    data = checked_bytes(data, location)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        location.at(None, line).fail("not-text", f"byte 0x{data[error.start]:02x} is not {encoding}")
