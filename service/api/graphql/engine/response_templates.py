"""Response templates: the JSON of an object rendered once for all players, with placeholders for their own fields.

A template is made by rendering a value whose per-player fields leave a mark instead of JSON, and cutting at the marks.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from cachetools import FIFOCache

_encode = msgspec.json.Encoder().encode
_MARK = b"\0"  # JSON never contains it
PLACEHOLDER = msgspec.Raw(_MARK)
"""Rendered for a field that differs between players."""
_TEMPLATE_BYTES = 600  # of memory for each template with its place in the cache
_PIECE_BYTES = 800  # and for each placeholder with the piece of JSON after it, besides that one's own bytes


class RenderContext(msgspec.Struct, frozen=True):
    """One execution: the request's context, and the coerced arguments of all fields with arguments, by index.

    `placeholders` collects what fills the placeholders of the template that is being made.
    """

    context: Any
    arguments: Sequence[Mapping[str, Any]]
    placeholders: list["Complete"] = []


Complete = Callable[[Any, RenderContext], Any]
"""Renders the value of a field as a JSON value."""
TemplateKey = tuple[int, Any]
"""The place of an object in compiled queries, and the key of its value."""


class Template(msgspec.Struct, frozen=True):
    """An object's JSON: a start, and pairs of what fills a placeholder and the JSON after it."""

    start: bytes
    rest: Sequence[tuple[Complete, bytes]]

    def fill(self, value: Any, render: RenderContext) -> msgspec.Raw:
        """The JSON of the object with this value's own fields."""
        parts = [self.start]
        for placeholder, piece in self.rest:
            parts += _encode(placeholder(value, render)), piece
        return msgspec.Raw(b"".join(parts))

    @property
    def size_bytes(self) -> int:
        """An estimate of the memory that it takes."""
        return _TEMPLATE_BYTES + len(self.start) + sum(_PIECE_BYTES + len(piece) for _, piece in self.rest)


class Templates(FIFOCache[TemplateKey, Template]):
    """The templates of all compiled queries of one schema, bounded in bytes.

    First in, first out: a request gets fifty templates and more, and keeping the order of their use costs more than
    rendering one of them again now and then.
    """

    def __init__(self, *, max_bytes: int) -> None:
        super().__init__(max_bytes, getsizeof=lambda template: template.size_bytes)
        self.new_place = itertools.count().__next__

    def make(self, key: TemplateKey, value: Any, render: RenderContext, complete: Complete) -> Template:
        """Make and cache the template of a value that `complete` renders."""
        placeholders: list[Complete] = []
        body = _encode(complete(value, RenderContext(render.context, render.arguments, placeholders)))
        start, *pieces = body.split(_MARK)
        template = Template(start, tuple(zip(placeholders, pieces, strict=True)))
        if template.size_bytes <= self.maxsize:
            self[key] = template
        return template
