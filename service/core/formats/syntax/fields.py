"""One object of a JSON or TOML file, taken member by member: what is wrong is noted, and reading goes on. Pure."""

import difflib
from collections.abc import Callable, Iterator
from typing import TypeVar, cast

from service.core.validation.diagnostics import SourceLocation
from service.core.validation.values import shown

T = TypeVar("T")
D = TypeVar("D")


class Fields:
    """The members of one object.

    A member that was refused comes back as None, whatever its type says: hand such values on freely, but look into
    them only while `sound`.
    """

    def __init__(self, value: object, place: SourceLocation) -> None:
        self.place = place
        self._errors_before = len(place.errors)
        self._members: dict[str, object] = value if isinstance(value, dict) else {}
        self._known: list[str] = []
        if not isinstance(value, dict):
            place.report("wrong-type", f"expected an object, got {shown(value)}")

    @property
    def sound(self) -> bool:
        """Whether nothing was found wrong since reading this object began."""
        return len(self.place.errors) == self._errors_before

    def has(self, name: str) -> bool:
        """Whether the member is there and not null."""
        return self._members.get(name) is not None

    def required(self, name: str, read: Callable[[object], T]) -> T:
        """A member that must be there."""
        value = self._take(name, required=True)
        return cast("T", None) if value is None else self.place.inside(name).read(read, value)

    def optional(self, name: str, read: Callable[[object], T], default: D) -> T | D:
        """A member that may be absent or null, which is the default."""
        value = self._take(name)
        return default if value is None else self.place.inside(name).read(read, value)

    def words(self, name: str, read: Callable[[object], T]) -> tuple[T, ...] | None:
        """A list of plain values, None if absent."""
        if not self.has(name):
            self._take(name)
            return None
        return tuple(place.read(read, item) for place, item in self._items(name))

    def nested(self, name: str, *, required: bool = False) -> "Fields | None":
        """A member that is an object itself, None if absent."""
        value = self._take(name, required=required)
        return None if value is None else Fields(value, self.place.inside(name))

    def each(self, name: str, *, required: bool = False) -> Iterator["Fields"]:
        """The objects of a list, each made only when its turn comes."""
        if not self.has(name):
            self._take(name, required=required)
            return
        for place, item in self._items(name):
            yield Fields(item, place)

    def pairs(self, read_name: Callable[[object], str], read: Callable[[object], T]) -> dict[str, T]:
        """All members, whatever their names, as values of one kind."""
        self._known = list(self._members)
        there = ((self.place.inside(name), name, value) for name, value in self._members.items())
        return {place.read(read_name, name): place.read(read, value) for place, name, value in there}

    def refuse_unknown(self) -> None:
        """Note every member that nobody has asked for, with the nearest name that would have been known."""
        for name in sorted(self._members.keys() - set(self._known)):
            near = difflib.get_close_matches(name[:64], self._known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(self._known))}"
            self.place.inside(name[:64]).report("unknown-member", f"{shown(name)} is not a member here; {hint}")

    def _take(self, name: str, *, required: bool = False) -> object:
        self._known.append(name)
        value = self._members.get(name)
        if value is None and required:
            state = "is null" if name in self._members else "is missing"
            self.place.inside(name).report("missing-member", f"{name} {state}")
        return value

    def _items(self, name: str) -> Iterator[tuple[SourceLocation, object]]:
        value = self._take(name)
        place = self.place.inside(name)
        if not isinstance(value, list):
            place.report("wrong-type", f"expected a list, got {shown(value)}")
            return
        for index, item in enumerate(value):
            yield place.inside(index), item
