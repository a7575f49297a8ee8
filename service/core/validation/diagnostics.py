"""What is wrong in a file: noted where it stands while reading goes on, and raised once, as a whole. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn, TypeVar, cast

from service import errors

MAX_BYTES = 5 * 1024 * 1024  # a title of 500 achievements in 50 locales is a fifth of it
KEY_CHARACTERS = 200  # as much as a problem repeats of a name it was given
MAX_PROBLEMS = 1000  # more would only hide the first

T = TypeVar("T")


class InvalidValue(ValueError):
    """A value that breaks a rule: the rule's name and what would do. It never leaves this room."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class SourceLocation:
    """Where in a file something stands. All places of one reading share `found`, the problems so far.

    `lines` gives the line of a key where the format has any; a key without one takes its parent's.
    """

    __slots__ = ("file", "found", "key", "line", "lines")

    def __init__(self, file: str, *, lines: Mapping[str, int] | None = None) -> None:
        self.file = file
        self.found: list[errors.Problem] = []
        self.lines = lines or {}
        self.key: str | None = None
        self.line: int | None = None

    def at(self, key: str | None, line: int | None = None) -> "SourceLocation":
        """Another place in the same file."""
        there = SourceLocation(self.file, lines=self.lines)
        there.found = self.found
        there.key = key if key is None else key[:KEY_CHARACTERS]
        there.line = line or self.lines.get(key or "", self.line)
        return there

    def inside(self, name: str | int) -> "SourceLocation":
        """The place of a member or, by its index, of an item."""
        if isinstance(name, int):
            return self.at(f"{self.key or ''}[{name}]")
        return self.at(name if self.key is None else f"{self.key}.{name}")

    def report(self, rule: str, message: str) -> None:
        """Remember a problem here.

        Raises:
            InvalidCatalog: there are so many that reading on is of no use.
        """
        self.found.append(errors.Problem(file=self.file, rule=rule, message=message, line=self.line, key=self.key))
        if len(self.found) >= MAX_PROBLEMS:
            raise errors.InvalidCatalog(self.found)

    def report_all(self, broken: Iterable[InvalidValue]) -> None:
        """Remember every one of these here."""
        for one in broken:
            self.report(one.rule, str(one))

    def read(self, read: Callable[[object], T], value: object) -> T:
        """What `read` makes of a value. A broken one is noted, and is None whatever the type says."""
        try:
            return read(value)
        except InvalidValue as broken:
            self.report(broken.rule, str(broken))
            return cast("T", None)

    def refuse(self, rule: str, message: str) -> NoReturn:
        """Note a problem that ends the reading.

        Raises:
            InvalidCatalog: always.
        """
        self.report(rule, message)
        raise errors.InvalidCatalog(self.found)

    def settle(self) -> None:
        """Go on only if nothing was found.

        Raises:
            InvalidCatalog: something was.
        """
        if self.found:
            raise errors.InvalidCatalog(self.found)


def bounded(data: bytes, place: SourceLocation) -> bytes:
    """The file without its byte order mark.

    Raises:
        InvalidCatalog: it is larger than 5 MB.
    """
    if len(data) > MAX_BYTES:
        place.refuse("too-large", f"expected a file of at most {MAX_BYTES} bytes, got {len(data)}")
    return data.removeprefix(b"\xef\xbb\xbf")


def decoded(data: bytes, place: SourceLocation, *, encoding: str = "utf-8") -> str:
    """The file as text, without its byte order mark.

    Raises:
        InvalidCatalog: it is larger than 5 MB, or not in that encoding; the line is that of the first bad byte.
    """
    data = bounded(data, place)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place.at(None, line).refuse("not-text", f"byte 0x{data[error.start]:02x} is not {encoding}")
