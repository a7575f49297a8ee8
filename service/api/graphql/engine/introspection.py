"""The cost of introspection: how many values a `__schema` or `__type` field has in its response.

Types refer to each other, so the number grows quickly with the depth of a document. It is counted without executing:
what a selection yields for one type is counted once.
"""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SchemaMetaFieldDef,
    SelectionSetNode,
    TypeMetaFieldDef,
)

from service.api.graphql.engine.limits import Fragments


def count_introspection(schema: GraphQLSchema, node: FieldNode, fragments: Fragments) -> int:
    """The values of a root field of introspection, at most: deprecated fields and both branches of conditions count.

    `__typename` is one value, and `__type` is as costly as the costliest type, as its name may be a variable.
    """
    counter = _Counter(schema, fragments)
    match node.name.value:
        case "__schema":
            return 1 + counter.count(SchemaMetaFieldDef.type, schema, node.selection_set)
        case "__type":
            types = schema.type_map.values()
            return 1 + max(counter.count(TypeMetaFieldDef.type, each, node.selection_set) for each in types)
        case _:
            return 1


class _Counter:
    def __init__(self, schema: GraphQLSchema, fragments: Fragments) -> None:
        self._info = SimpleNamespace(schema=schema)
        self._fragments = fragments
        self._counts: dict[tuple[int, int], int] = {}

    def count(self, kind: Any, value: Any, selection_set: SelectionSetNode | None) -> int:
        """The values of a value of an introspection type; 1 without subfields."""
        if value is None or selection_set is None:
            return 1
        if isinstance(kind, GraphQLNonNull):
            return self.count(kind.of_type, value, selection_set)
        if isinstance(kind, GraphQLList):
            return sum(self.count(kind.of_type, item, selection_set) for item in value)
        key = id(selection_set), id(value)
        is_kept = not isinstance(value, tuple)  # those are made for each call, so their ids may be reused
        if not is_kept or key not in self._counts:
            self._counts[key] = sum(
                self._count_field(kind, value, field) for field in self._fields(selection_set, frozenset())
            )
        return self._counts[key]

    def _count_field(self, kind: GraphQLObjectType, value: Any, node: FieldNode) -> int:
        field = kind.fields.get(node.name.value)
        if field is None or node.selection_set is None:
            return 1
        arguments = {"includeDeprecated": True} if "includeDeprecated" in field.args else {}
        assert field.resolve is not None  # noqa: S101  (of introspection)
        return 1 + self.count(field.type, field.resolve(value, self._info, **arguments), node.selection_set)

    def _fields(self, selection_set: SelectionSetNode, spread: frozenset[str]) -> Iterable[FieldNode]:
        for selection in selection_set.selections:
            match selection:
                case FieldNode():
                    yield selection
                case InlineFragmentNode():
                    yield from self._fields(selection.selection_set, spread)
                case FragmentSpreadNode() if selection.name.value not in spread:
                    name = selection.name.value
                    yield from self._fields(self._fragments[name].selection_set, spread | {name})
                case _:
                    pass
