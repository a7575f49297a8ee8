"""What is the same for every player, rendered once: the JSON of an object with holes, which a request only fills.

A template is made by completing a value whose own fields leave a mark behind instead of JSON, and cutting at the marks.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode
_MARK = b"\0"  # which no JSON has
HOLE = msgspec.Raw(_MARK)
"""What a field says whose value is not the same for all."""
_MOST_BYTES = 16_000_000  # of all templates
_PIECE_BYTES = 200  # what a piece takes besides its own bytes


class RenderContext(msgspec.Struct, frozen=True):
    """One execution: the request's context, and the coerced arguments of every field that has any, by its slot.

    `holes` are those of the template that is being made, as far as it is.
    """

    context: Any
    arguments: Sequence[Mapping[str, Any]]
    holes: list["Complete"] = []


Complete = Callable[[Any, RenderContext], Any]
"""Makes a field's JSON value of what was found for it."""


class Template(msgspec.Struct, frozen=True):
    """An object's JSON, but for what is each value's own: what stands before it, and pairs of a hole and what follows."""

    start: bytes
    rest: Sequence[tuple[Complete, bytes]]

    def fill(self, value: Any, run: RenderContext) -> msgspec.Raw:
        """The whole object."""
        parts = [self.start]
        for hole, piece in self.rest:
            parts += _encode(hole(value, run)), piece
        return msgspec.Raw(b"".join(parts))


class Templates:
    """The templates of all plans of one schema, by the place in a plan and the key of the value."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, Any], Template] = {}
        self._bytes = 0
        self.new_place = itertools.count().__next__

    def get(self, place: int, key: Any) -> Template | None:
        """The one that is kept."""
        return self._kept.get((place, key))

    def make(self, place: int, key: Any, value: Any, run: RenderContext, complete: Complete) -> Template:
        """A new one; kept until all take too many bytes together: then they begin anew."""
        holes: list[Complete] = []
        said = _encode(complete(value, RenderContext(run.context, run.arguments, holes)))
        start, *pieces = said.split(_MARK)
        made = self._kept[place, key] = Template(start, tuple(zip(holes, pieces, strict=True)))
        self._bytes += len(said) + _PIECE_BYTES * (1 + len(holes))
        if self._bytes > _MOST_BYTES:
            self._kept.clear()
            self._bytes = 0
        return made
