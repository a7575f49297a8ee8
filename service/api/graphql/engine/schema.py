"""The schema that the SDL file declares, joined with what says its fields.

A *resolver* answers a root field: it gets the request's context, the coerced arguments, and the names of all fields
that are asked for below it, joined by dots, so that nothing is worked out in vain. A *getter* answers a field of what
a resolver gave; where there is none, the value's attribute of the same name in snake_case does.
"""

import operator
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

import msgspec
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    build_schema,
)

from service.errors import LaurelError

Getter = Callable[[Any, Mapping[str, Any], Any], Any]
Resolver = Callable[[Any, Mapping[str, Any], frozenset[str]], Awaitable[Any]]
Field = tuple[str, str]
"""The names of a type and of one of its fields."""

_UPPER = re.compile("(?<!^)(?=[A-Z])")


class Execution(msgspec.Struct, frozen=True):
    """What graphql-core carries through an execution: the request's context, and why root fields are refused, by key."""

    context: Any
    refused: Mapping[str, LaurelError] = {}


class PerPlayerFields(msgspec.Struct, frozen=True, kw_only=True):
    """What tells values of one type apart that are otherwise the same: so that the rest can be rendered once for all.

    Values of the type `of` that have the same `key`, a hashable, differ in `fields` alone: their own, and those of
    types that stand below. A getter here gets the value of the type `of`, wherever its field stands.
    """

    of: str
    key: Callable[[Any], Any]
    fields: Mapping[Field, Getter]


class BoundSchema(msgspec.Struct, frozen=True):
    """A schema that can be executed, with the tables that say its fields: by type and field, and by root field."""

    schema: GraphQLSchema
    getters: Mapping[str, Mapping[str, Getter]]
    roots: Mapping[str, Resolver]
    own: PerPlayerFields | None = None

    def getter(self, type_name: str, field: str) -> Getter | None:
        """What says this field; None if an attribute does."""
        return self.getters.get(type_name, {}).get(field)


def bind(
    sdl: str,
    getters: Mapping[str, Mapping[str, Getter]],
    roots: Mapping[str, Resolver],
    own: PerPlayerFields | None = None,
) -> BoundSchema:
    """Join a schema with what says its fields.

    Raises:
        LookupError: a root field has no resolver, a table names a field that is not there, or a getter of the type
            `own.of`, which may look at arguments and context, is none of its own fields.
    """
    schema = build_schema(sdl)
    root_types = [kind for kind in (schema.query_type, schema.mutation_type) if kind is not None]
    fields = {name: field for kind in root_types for name, field in kind.fields.items()}
    if fields.keys() != roots.keys():
        raise LookupError(f"root fields and resolvers differ: {sorted(fields.keys() ^ roots.keys())}")
    for name, field in fields.items():
        field.resolve = _resolving(roots[name])
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLUnionType):
            kind.resolve_type = _member
        elif isinstance(kind, GraphQLObjectType) and kind not in root_types and not kind.name.startswith("__"):
            _set_getters(kind, getters.get(kind.name, {}))
    if own is not None and (shared := {(own.of, name) for name in getters.get(own.of, ())} - own.fields.keys()):
        raise LookupError(f"not the same for all, and not own: {sorted(shared)}")
    return BoundSchema(schema, getters, roots, own)


def attribute(field: str) -> Callable[[Any], Any]:
    """Takes the attribute that a field names: `hasNextPage` is `has_next_page`."""
    return operator.attrgetter(_UPPER.sub("_", field).lower())


def requested_fields(nodes: Iterable[FieldNode], fragments: Mapping[str, FragmentDefinitionNode]) -> frozenset[str]:
    """The names of all fields below these, joined by dots; whatever directives may leave out is in it too."""
    found: set[str] = set()

    def walk(selections: Iterable[Any], path: str, seen: frozenset[str]) -> None:
        for selection in selections:
            match selection:
                case FieldNode():
                    name = f"{path}{selection.name.value}"
                    found.add(name)
                    if selection.selection_set is not None:
                        walk(selection.selection_set.selections, f"{name}.", seen)
                case InlineFragmentNode():
                    walk(selection.selection_set.selections, path, seen)
                case FragmentSpreadNode() if selection.name.value not in seen:
                    fragment = fragments[selection.name.value]
                    walk(fragment.selection_set.selections, path, seen | {selection.name.value})
                case _:
                    pass

    for node in nodes:
        walk(() if node.selection_set is None else node.selection_set.selections, "", frozenset())
    return frozenset(found)


def _resolving(resolver: Resolver) -> Callable[..., Awaitable[Any]]:
    async def resolve(_root: Any, info: GraphQLResolveInfo[Execution], **arguments: Any) -> Any:
        refusal = info.context.refused.get(str(info.path.key))
        if refusal is not None:
            raise refusal
        return await resolver(info.context.context, arguments, requested_fields(info.field_nodes, info.fragments))

    return resolve


def _member(value: Any, _info: Any, _union: Any) -> str:
    return cast("str", value.graphql_type)


def _set_getters(kind: GraphQLObjectType, getters: Mapping[str, Getter]) -> None:
    if unknown := getters.keys() - kind.fields.keys():
        raise LookupError(f"{kind.name} has no field {sorted(unknown)}")
    for name, field in kind.fields.items():
        _set_getter(name, field, getters.get(name))


def _set_getter(name: str, field: GraphQLField, getter: Getter | None) -> None:
    if getter is None:
        take = attribute(name)
        field.resolve = lambda value, _info: take(value)
    else:
        field.resolve = lambda value, info, **arguments: getter(value, arguments, info.context.context)
