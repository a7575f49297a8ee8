"""Read the members of an object of a JSON or TOML file, reporting every invalid one before going on. Pure."""

import difflib
from collections.abc import Callable, Iterator
from typing import TypeVar, cast

from service.core.validation.diagnostics import SourceLocation
from service.core.validation.values import shown

T = TypeVar("T")
D = TypeVar("D")


class Fields:
    """The members of one object.

    An invalid member is None, whatever its type says: pass such values on, but use them only if `is_valid`.
    """

    def __init__(self, value: object, location: SourceLocation) -> None:
        self.location = location
        self._errors_before = len(location.errors)
        self._members: dict[str, object] = value if isinstance(value, dict) else {}
        self._known: list[str] = []
        if not isinstance(value, dict):
            location.report("wrong-type", f"expected an object, got {shown(value)}")

    @property
    def is_valid(self) -> bool:
        """Whether no error was reported since this object was created."""
        return len(self.location.errors) == self._errors_before

    def has(self, name: str) -> bool:
        """Whether the member is present and not null."""
        return self._members.get(name) is not None

    def required(self, name: str, read: Callable[[object], T]) -> T:
        """A member that must be present."""
        value = self._take(name, required=True)
        return cast("T", None) if value is None else self.location.inside(name).read(read, value)

    def optional(self, name: str, read: Callable[[object], T], default: D) -> T | D:
        """A member, or the default if it is absent or null."""
        value = self._take(name)
        return default if value is None else self.location.inside(name).read(read, value)

    def list_of(self, name: str, read: Callable[[object], T]) -> tuple[T, ...] | None:
        """The items of a list of plain values, None if it is absent."""
        if not self.has(name):
            self._take(name)
            return None
        return tuple(location.read(read, item) for location, item in self._items(name))

    def nested(self, name: str, *, required: bool = False) -> "Fields | None":
        """A member that is an object, None if it is absent."""
        value = self._take(name, required=required)
        return None if value is None else Fields(value, self.location.inside(name))

    def each(self, name: str, *, required: bool = False) -> Iterator["Fields"]:
        """The items of a list of objects, each created only when the iteration reaches it."""
        if not self.has(name):
            self._take(name, required=required)
            return
        for location, item in self._items(name):
            yield Fields(item, location)

    def pairs(self, read_name: Callable[[object], str], read: Callable[[object], T]) -> dict[str, T]:
        """All members, whatever their names, with values of one kind."""
        self._known = list(self._members)
        members = ((self.location.inside(name), name, value) for name, value in self._members.items())
        return {location.read(read_name, name): location.read(read, value) for location, name, value in members}

    def report_unknown(self) -> None:
        """Report every member that was not read, with the most similar name that was."""
        for name in sorted(self._members.keys() - set(self._known)):
            similar = difflib.get_close_matches(name[:64], self._known, n=1)
            hint = f"did you mean {similar[0]!r}?" if similar else f"known here: {', '.join(sorted(self._known))}"
            self.location.inside(name[:64]).report("unknown-member", f"{shown(name)} is not a member here; {hint}")

    def _take(self, name: str, *, required: bool = False) -> object:
        self._known.append(name)
        value = self._members.get(name)
        if value is None and required:
            state = "is null" if name in self._members else "is missing"
            self.location.inside(name).report("missing-member", f"{name} {state}")
        return value

    def _items(self, name: str) -> Iterator[tuple[SourceLocation, object]]:
        value = self._take(name)
        location = self.location.inside(name)
        if not isinstance(value, list):
            location.report("wrong-type", f"expected a list, got {shown(value)}")
            return
        for index, item in enumerate(value):
            yield location.inside(index), item
