"""A query compiled once to closures that only make dicts: some ten times as quick as walking its syntax every time.

graphql-core stays the parser, the validator, the coercer, and whatever decides what an error is: a plan that meets
anything out of the ordinary (a null where none may be, a value of another type, an exception) raises `FallbackToExecutor`,
and the query is executed by graphql-core instead. Queries have no effects, so context twice is harmless.

What is the same for every player (`schema.Own`) is rendered once (`templates.py`).
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
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
    Visitor,
    get_argument_values,
    visit,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues

from service.api.graphql.engine.response_templates import HOLE, Complete, RenderContext, Templates
from service.api.graphql.engine.schema import BoundSchema, Getter, Resolver, attribute, requested_fields

_LEAST, _MOST = -(2**31), 2**31 - 1  # of GraphQL's Int


class FallbackToExecutor(Exception):
    """This is for graphql-core to say."""


class CompiledRoot(msgspec.Struct, frozen=True):
    """One root field: its key in the answer, what resolves it with which arguments, and what makes JSON of that."""

    key: str
    resolver: Resolver
    slot: int
    asked: frozenset[str]
    complete: Complete


class CompiledQuery:
    """One operation of a document, under one truth of the variables that @skip and @include ask for."""

    def __init__(
        self, bound: BoundSchema, templates: Templates, document: DocumentNode, operation: OperationDefinitionNode
    ) -> None:
        self._bound = bound
        self._templates = templates
        self._operation = operation
        self._nodes = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._fragments = {name: FragmentDetails(node) for name, node in self._nodes.items()}
        self._slots: list[tuple[GraphQLField, FieldNode]] = []
        self._constant: list[Mapping[str, Any] | None] = []
        self._roots: list[CompiledRoot] = []

    def compile(self, variables: VariableValues) -> "CompiledQuery":
        """The plan, ready to run.

        Raises:
            FallbackToExecutor: it asks for something that is left to graphql-core.
        """
        schema = self._bound.schema
        query_type = schema.query_type
        if self._operation.operation is not OperationType.QUERY or query_type is None:
            raise FallbackToExecutor
        collected = collect_fields(schema, self._fragments, variables, query_type, self._operation)
        for key, details in collected.grouped_field_set.items():
            name = details[0].node.name.value
            if name.startswith("__"):
                raise FallbackToExecutor
            field = query_type.fields[name]
            root = CompiledRoot(
                key,
                self._bound.roots[name],
                self._slot(field, details[0].node, variables),
                requested_fields((detail.node for detail in details), self._nodes),
                self._complete(field.type, details, variables),
            )
            self._roots.append(root)
        return self

    async def run(self, context: Any, variables: VariableValues) -> dict[str, Any]:
        """The data.

        Raises:
            FallbackToExecutor: graphql-core has to say it.
        """
        try:
            arguments = [
                get_argument_values(field, node, variables) if constant is None else constant
                for (field, node), constant in zip(self._slots, self._constant, strict=True)
            ]
            run = RenderContext(context, arguments)
            calls = [root.resolver(context, arguments[root.slot], root.asked) for root in self._roots]
            values = [await calls[0]] if len(calls) == 1 else await asyncio.gather(*calls)
            return {root.key: root.complete(value, run) for root, value in zip(self._roots, values, strict=True)}
        except Exception as error:
            raise FallbackToExecutor from error

    def _slot(self, field: GraphQLField, node: FieldNode, variables: VariableValues) -> int:
        """The place of a field's arguments; those that ask for no variable are worked out now."""
        self._slots.append((field, node))
        try:
            self._constant.append(None if _asks_for_variables(node) else get_argument_values(field, node, variables))
        except GraphQLError:
            raise FallbackToExecutor from None
        return len(self._slots) - 1

    def _complete(self, kind: GraphQLOutputType, details: list[FieldDetails], variables: VariableValues) -> Complete:
        if isinstance(kind, GraphQLNonNull):
            return self._of_type(kind.of_type, details, variables)
        complete = self._of_type(kind, details, variables)
        return lambda value, run: None if value is None else complete(value, run)

    def _of_type(self, kind: GraphQLOutputType, details: list[FieldDetails], variables: VariableValues) -> Complete:
        """What completes a value that is not null; whatever it cannot, null included, it leaves to the executor."""
        match kind:
            case GraphQLList():
                item = self._complete(kind.of_type, details, variables)
                return lambda value, run: [item(one, run) for one in value]
            case GraphQLObjectType():
                return self._object(kind, details, variables)
            case GraphQLUnionType():
                members = {member.name: self._object(member, details, variables) for member in kind.types}
                return lambda value, run: members[value.graphql_type](value, run)
            case GraphQLEnumType():
                return _leaf(frozenset(kind.values).__contains__)
            case GraphQLScalarType():
                return _leaf(_SCALARS[kind.name])
            case _:
                raise FallbackToExecutor

    def _object(self, kind: GraphQLObjectType, details: list[FieldDetails], variables: VariableValues) -> Complete:
        collected = collect_subfields(
            self._bound.schema, self._fragments, variables, self._operation, kind, details
        ).grouped_field_set
        fields = [(key, self._field(kind, found, variables)) for key, found in collected.items()]

        def complete(value: Any, run: RenderContext) -> dict[str, Any]:
            if value is None:
                raise FallbackToExecutor
            return {key: field(value, run) for key, field in fields}

        own = self._bound.own
        return complete if own is None or own.of != kind.name else self._templated(own.key, complete)

    def _templated(self, key_of: Callable[[Any], Any], complete: Complete) -> Complete:
        templates = self._templates
        place = templates.new_place()

        def fill(value: Any, run: RenderContext) -> msgspec.Raw:
            key = key_of(value)
            template = templates.get(place, key) or templates.make(place, key, value, run, complete)
            return template.fill(value, run)

        return fill

    def _field(self, kind: GraphQLObjectType, details: list[FieldDetails], variables: VariableValues) -> Complete:
        node = details[0].node
        name = node.name.value
        if name == "__typename":
            return lambda _value, _run: kind.name
        field = kind.fields[name]
        complete = self._complete(field.type, details, variables)
        own = self._bound.own
        if own is not None and (kind.name, name) in own.fields:
            return self._hole(own.fields[kind.name, name], self._slot(field, node, variables), complete)
        getter = self._bound.getter(kind.name, name)
        if getter is None:
            take = attribute(name)
            return lambda value, run: complete(take(value), run)
        slot = self._slot(field, node, variables)
        return lambda value, run: complete(getter(value, run.arguments[slot], run.context), run)

    def _hole(self, getter: Getter, slot: int, complete: Complete) -> Complete:
        """Leaves open what is a value's own, for a getter that gets the value whose template it is."""

        def fill(value: Any, run: RenderContext) -> Any:
            return complete(getter(value, run.arguments[slot], run.context), run)

        def leave_open(_value: Any, run: RenderContext) -> msgspec.Raw:
            run.holes.append(fill)
            return HOLE

        return leave_open


def _asks_for_variables(node: FieldNode) -> bool:
    """Whether an argument is a variable, or holds one."""
    found: list[VariableNode] = []

    class Variables(Visitor):
        def enter_variable(self, variable: VariableNode, *_rest: Any) -> None:
            found.append(variable)

    for argument in node.arguments or ():
        visit(argument, Variables())
    return bool(found)


def _leaf(is_good: Callable[[Any], bool]) -> Complete:
    def complete(value: Any, _run: RenderContext) -> Any:
        if not is_good(value):
            raise FallbackToExecutor
        return value

    return complete


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_int(value: Any) -> bool:
    return type(value) is int and _LEAST <= value <= _MOST


def _is_boolean(value: Any) -> bool:
    return type(value) is bool


_SCALARS: Mapping[str, Callable[[Any], bool]] = {
    "String": _is_text,
    "ID": _is_text,
    "Cursor": _is_text,
    "Int": _is_int,
    "Boolean": _is_boolean,
}
