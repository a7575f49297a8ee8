"""Compile a GraphQL query to closures that build its response, some ten times as fast as graphql-core's executor.

graphql-core parses, validates, coerces and decides what an error is. A compiled query that meets anything unusual (a
null or a value of another type where the schema forbids it, an exception) raises `FallbackToExecutor`, and graphql-core
executes the query instead. Queries have no effects, so running one twice is harmless.

Objects that are the same for all players but for some fields (`PerPlayerFields`) are rendered once
(`response_templates.py`).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLUnionType,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    get_argument_values,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues

from service.api.graphql.engine.errors import FallbackToExecutor
from service.api.graphql.engine.limits import descendants, fragments_of
from service.api.graphql.engine.response_templates import PLACEHOLDER, Complete, RenderContext, Templates
from service.api.graphql.engine.schema import BoundSchema, Getter, Resolver, attribute_getter, requested_fields

_MIN_INT, _MAX_INT = -(2**31), 2**31 - 1


class CompiledRootField(msgspec.Struct, frozen=True):
    """A root field: its key in the response, its resolver, and what renders the resolver's value.

    `arguments_index` is the place of its arguments; `requested` are the fields below it, joined by dots.
    """

    key: str
    resolver: Resolver
    arguments_index: int
    requested: frozenset[str]
    complete: Complete


class FieldArguments(msgspec.Struct, frozen=True):
    """The arguments of a field: `constant` ones, or None if they hold variables and are coerced for each request."""

    field: GraphQLField
    node: FieldNode
    constant: Mapping[str, Any] | None

    def values(self, variables: VariableValues) -> Mapping[str, Any]:
        """The coerced arguments of one request."""
        return get_argument_values(self.field, self.node, variables) if self.constant is None else self.constant


class CompiledQuery(msgspec.Struct, frozen=True):
    """One query operation, for one set of values of the variables in @skip and @include."""

    root_fields: Sequence[CompiledRootField]
    arguments: Sequence[FieldArguments]

    async def run(self, context: Any, variables: VariableValues) -> dict[str, Any]:
        """The data of the response.

        Raises:
            FallbackToExecutor: graphql-core must execute it.
        """
        try:
            arguments = [each.values(variables) for each in self.arguments]
            render = RenderContext(context, arguments)
            roots = self.root_fields
            calls = [root.resolver(context, arguments[root.arguments_index], root.requested) for root in roots]
            values = [await calls[0]] if len(calls) == 1 else await asyncio.gather(*calls)
            return {root.key: root.complete(value, render) for root, value in zip(roots, values, strict=True)}
        except Exception as error:
            raise FallbackToExecutor from error


def compile_query(
    bound: BoundSchema,
    templates: Templates,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: VariableValues,
) -> CompiledQuery:
    """Compile a query of a valid document, with these values of the variables in @skip and @include.

    Raises:
        FallbackToExecutor: it is a mutation, or selects something that is left to graphql-core.
    """
    return _Compiler(bound, templates, document, operation, variables).compile()


class _Compiler:
    """Compiles one operation; `_arguments` grow as fields with arguments are met."""

    def __init__(
        self,
        bound: BoundSchema,
        templates: Templates,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: VariableValues,
    ) -> None:
        self._bound = bound
        self._templates = templates
        self._operation = operation
        self._variables = variables
        self._nodes = fragments_of(document)
        self._fragments = {name: FragmentDetails(node) for name, node in self._nodes.items()}
        self._arguments: list[FieldArguments] = []

    def compile(self) -> CompiledQuery:
        schema = self._bound.schema
        query_type = schema.query_type
        if self._operation.operation is not OperationType.QUERY or query_type is None:
            raise FallbackToExecutor
        collected = collect_fields(schema, self._fragments, self._variables, query_type, self._operation)
        roots = [self._compile_root(query_type, key, details) for key, details in collected.grouped_field_set.items()]
        return CompiledQuery(roots, self._arguments)

    def _compile_root(self, query_type: GraphQLObjectType, key: str, details: list[FieldDetails]) -> CompiledRootField:
        node = details[0].node
        name = node.name.value
        if name.startswith("__"):
            raise FallbackToExecutor
        field = query_type.fields[name]
        return CompiledRootField(
            key,
            self._bound.roots[name],
            self._add_arguments(field, node),
            requested_fields((detail.node for detail in details), self._nodes, self._variables),
            self._complete(field.type, details),
        )

    def _add_arguments(self, field: GraphQLField, node: FieldNode) -> int:
        """The index of the field's arguments; those without variables are coerced now."""
        try:
            constant = None if _has_variables(node) else get_argument_values(field, node, self._variables)
        except GraphQLError:
            raise FallbackToExecutor from None
        self._arguments.append(FieldArguments(field, node, constant))
        return len(self._arguments) - 1

    def _complete(self, kind: GraphQLOutputType, details: list[FieldDetails]) -> Complete:
        if isinstance(kind, GraphQLNonNull):
            return self._complete_type(kind.of_type, details)
        complete = self._complete_type(kind, details)
        return lambda value, render: None if value is None else complete(value, render)

    def _complete_type(self, kind: GraphQLOutputType, details: list[FieldDetails]) -> Complete:
        """What renders a value that is not null; it raises FallbackToExecutor for any other value."""
        match kind:
            case GraphQLList():
                item = self._complete(kind.of_type, details)
                return lambda value, render: [item(member, render) for member in value]
            case GraphQLObjectType():
                return self._object(kind, details)
            case GraphQLUnionType():
                members = {member.name: self._object(member, details) for member in kind.types}
                return lambda value, render: members[value.graphql_type](value, render)
            case GraphQLEnumType():
                return _leaf(frozenset(kind.values).__contains__)
            case GraphQLScalarType():
                return _leaf(_SCALARS[kind.name])
            case _:
                raise FallbackToExecutor

    def _object(self, kind: GraphQLObjectType, details: list[FieldDetails]) -> Complete:
        collected = collect_subfields(
            self._bound.schema, self._fragments, self._variables, self._operation, kind, details
        ).grouped_field_set
        fields = [(key, self._field(kind, field)) for key, field in collected.items()]

        def complete(value: Any, render: RenderContext) -> dict[str, Any]:
            if value is None:
                raise FallbackToExecutor
            return {key: field(value, render) for key, field in fields}

        per_player = self._bound.per_player
        if per_player is None or per_player.of != kind.name:
            return complete
        return self._templated(per_player.key, complete)

    def _templated(self, key_of: Callable[[Any], Any], complete: Complete) -> Complete:
        templates = self._templates
        place = templates.new_place()

        def render_template(value: Any, render: RenderContext) -> msgspec.Raw:
            key = place, key_of(value)
            try:
                template = templates[key]
            except KeyError:
                template = templates.make(key, value, render, complete)
            return template.fill(value, render)

        return render_template

    def _field(self, kind: GraphQLObjectType, details: list[FieldDetails]) -> Complete:
        node = details[0].node
        name = node.name.value
        if name == "__typename":
            return lambda _value, _render: kind.name
        field = kind.fields[name]
        complete = self._complete(field.type, details)
        per_player = self._bound.per_player
        if per_player is not None and (kind.name, name) in per_player.fields:
            return self._placeholder(per_player.fields[kind.name, name], self._add_arguments(field, node), complete)
        getter = self._bound.getter(kind.name, name)
        if getter is None:
            attribute = attribute_getter(name)
            return lambda value, render: complete(attribute(value), render)
        index = self._add_arguments(field, node)
        return lambda value, render: complete(getter(value, render.arguments[index], render.context), render)

    def _placeholder(self, getter: Getter, index: int, complete: Complete) -> Complete:
        """Renders a placeholder, and notes the getter that later replaces it; it gets the value of the template."""

        def fill(value: Any, render: RenderContext) -> Any:
            return complete(getter(value, render.arguments[index], render.context), render)

        def render_placeholder(_value: Any, render: RenderContext) -> msgspec.Raw:
            render.placeholders.append(fill)
            return PLACEHOLDER

        return render_placeholder


def _has_variables(node: FieldNode) -> bool:
    """Whether an argument is a variable, or contains one."""
    return any(isinstance(value, VariableNode) for argument in node.arguments or () for value in descendants(argument))


def _leaf(is_valid: Callable[[Any], bool]) -> Complete:
    def complete(value: Any, _render: RenderContext) -> Any:
        if not is_valid(value):
            raise FallbackToExecutor
        return value

    return complete


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_int(value: Any) -> bool:
    return type(value) is int and _MIN_INT <= value <= _MAX_INT


def _is_boolean(value: Any) -> bool:
    return type(value) is bool


_SCALARS: Mapping[str, Callable[[Any], bool]] = {
    "String": _is_text,
    "ID": _is_text,
    "Cursor": _is_text,
    "Int": _is_int,
    "Boolean": _is_boolean,
}
