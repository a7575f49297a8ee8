"""Bind an SDL schema to resolvers of its root fields and getters of other fields.

A *resolver* returns the value of a root field: it gets the request's context, the coerced arguments, and the names of
all fields requested below it, joined by dots, so that it can skip work that nobody asked for. A *getter* returns a
field of that value; without one, the value's attribute of the same name in snake_case is used.
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
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLSkipDirective,
    GraphQLUnionType,
    InlineFragmentNode,
    build_schema,
    get_directive_values,
)
from graphql.execution.values import VariableValues

Getter = Callable[[Any, Mapping[str, Any], Any], Any]
Resolver = Callable[[Any, Mapping[str, Any], frozenset[str]], Awaitable[Any]]
Field = tuple[str, str]
"""The name of a type, and of one of its fields."""

_UPPER = re.compile("(?<!^)(?=[A-Z])")


class Execution(msgspec.Struct, frozen=True):
    """The context of graphql-core's execution: the request's own, and the value or error of each root field by key."""

    context: Any
    roots: Mapping[str, Any]


class PerPlayerFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields in which values of one type differ between players; everything else can be rendered once for all.

    Values of the type `of` with the same `key`, which is hashable, differ only in `fields`: their own, and those of
    objects below them. A getter here gets the value of the type `of`, also for a field of an object below it.
    """

    of: str
    key: Callable[[Any], Any]
    fields: Mapping[Field, Getter]


class BoundSchema(msgspec.Struct, frozen=True):
    """An executable schema with its getters, by type and field, and its resolvers, by root field."""

    schema: GraphQLSchema
    getters: Mapping[str, Mapping[str, Getter]]
    roots: Mapping[str, Resolver]
    per_player: PerPlayerFields | None = None

    def getter(self, type_name: str, field: str) -> Getter | None:
        """The getter of a field; None if its attribute is used."""
        return self.getters.get(type_name, {}).get(field)


def bind(
    sdl: str,
    getters: Mapping[str, Mapping[str, Getter]],
    roots: Mapping[str, Resolver],
    per_player: PerPlayerFields | None = None,
) -> BoundSchema:
    """Bind a schema to its getters and resolvers.

    Raises:
        LookupError: a root field has no resolver, a table names an unknown field, or a getter of the type
            `per_player.of`, which may depend on arguments and context, is not among the per-player fields.
    """
    schema = build_schema(sdl)
    root_types = [kind for kind in (schema.query_type, schema.mutation_type) if kind is not None]
    fields = {name: field for kind in root_types for name, field in kind.fields.items()}
    if fields.keys() != roots.keys():
        raise LookupError(f"root fields and resolvers differ: {sorted(fields.keys() ^ roots.keys())}")
    for field in fields.values():
        field.resolve = _root_value
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLUnionType):
            kind.resolve_type = _union_member
        elif isinstance(kind, GraphQLObjectType) and kind not in root_types and not kind.name.startswith("__"):
            _set_getters(kind, getters.get(kind.name, {}))
    if per_player is not None:
        shared = {(per_player.of, name) for name in getters.get(per_player.of, ())} - per_player.fields.keys()
        if shared:
            raise LookupError(f"getters that are not per-player fields: {sorted(shared)}")
    return BoundSchema(schema, getters, roots, per_player)


def attribute_getter(field: str) -> Callable[[Any], Any]:
    """Gets the attribute that belongs to a field: `has_next_page` for `hasNextPage`."""
    return operator.attrgetter(_UPPER.sub("_", field).lower())


def requested_fields(
    nodes: Iterable[FieldNode], fragments: Mapping[str, FragmentDefinitionNode], variables: VariableValues
) -> frozenset[str]:
    """The names of all fields below these, joined by dots, without those that @skip and @include leave out."""
    names: set[str] = set()

    def walk(selections: Iterable[Any], path: str, seen: frozenset[str]) -> None:
        for selection in selections:
            if not _is_included(selection, variables):
                continue
            match selection:
                case FieldNode():
                    name = f"{path}{selection.name.value}"
                    names.add(name)
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
    return frozenset(names)


def _is_included(node: FieldNode | InlineFragmentNode | FragmentSpreadNode, variables: VariableValues) -> bool:
    """Whether no @skip or @include leaves the node out."""
    if not node.directives:
        return True
    skip = get_directive_values(GraphQLSkipDirective, node, variables)
    include = get_directive_values(GraphQLIncludeDirective, node, variables)
    return not (skip and skip["if"]) and (include is None or bool(include["if"]))


def _root_value(_root: Any, info: GraphQLResolveInfo[Execution], **_arguments: Any) -> Any:
    """What the resolver of a root field has returned; raises what it has raised."""
    value = info.context.roots[str(info.path.key)]
    if isinstance(value, BaseException):
        raise value
    return value


def _union_member(value: Any, _info: Any, _union: Any) -> str:
    return cast("str", value.graphql_type)


def _set_getters(kind: GraphQLObjectType, getters: Mapping[str, Getter]) -> None:
    if unknown := getters.keys() - kind.fields.keys():
        raise LookupError(f"{kind.name} has no field {sorted(unknown)}")
    for name, field in kind.fields.items():
        _set_getter(name, field, getters.get(name))


def _set_getter(name: str, field: GraphQLField, getter: Getter | None) -> None:
    if getter is None:
        attribute = attribute_getter(name)
        field.resolve = lambda value, _info: attribute(value)
    else:
        field.resolve = lambda value, info, **arguments: getter(value, arguments, info.context.context)
