"""A query compiled once to closures that only make dicts: some ten times as quick as walking its syntax every time.

graphql-core stays the parser, the validator, the coercer, and whatever decides what an error is: a plan that meets
anything out of the ordinary (a null where none may be, a value of another type, an exception) raises `NeedExecutor`,
and the query is executed by graphql-core instead. Queries have no effects, so asking twice is harmless.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLUnionType,
    OperationDefinitionNode,
    OperationType,
    get_argument_values,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues

from service.dialects.badges.schema import Bound, Resolver, asked_below, attribute

_LEAST, _MOST = -(2**31), 2**31 - 1  # of GraphQL's Int


class NeedExecutor(Exception):
    """This is for graphql-core to say."""


class Run(msgspec.Struct, frozen=True):
    """One execution: the request's context, and the coerced arguments of every field that has any, by its slot."""

    context: Any
    arguments: Sequence[Mapping[str, Any]]


Complete = Callable[[Any, Run], Any]
"""Makes a field's JSON value of what was found for it."""


class Root(msgspec.Struct, frozen=True):
    """One root field: its key in the answer, what resolves it with which arguments, and what makes JSON of that."""

    key: str
    resolver: Resolver
    slot: int
    asked: frozenset[str]
    complete: Complete


class Plan:
    """One operation of a document, under one truth of the variables that @skip and @include ask for."""

    def __init__(self, bound: Bound, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._bound = bound
        self._operation = operation
        self._nodes = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._fragments = {name: FragmentDetails(node) for name, node in self._nodes.items()}
        self._slots: list[tuple[GraphQLField, FieldNode]] = []
        self._roots: list[Root] = []

    def compile(self, variables: VariableValues) -> "Plan":
        """The plan, ready to run.

        Raises:
            NeedExecutor: it asks for something that is left to graphql-core.
        """
        schema = self._bound.schema
        query_type = schema.query_type
        if self._operation.operation is not OperationType.QUERY or query_type is None:
            raise NeedExecutor
        collected = collect_fields(schema, self._fragments, variables, query_type, self._operation)
        for key, details in collected.grouped_field_set.items():
            name = details[0].node.name.value
            if name.startswith("__"):
                raise NeedExecutor
            field = query_type.fields[name]
            root = Root(
                key,
                self._bound.roots[name],
                self._slot(field, details[0].node),
                asked_below((detail.node for detail in details), self._nodes),
                self._complete(field.type, details, variables),
            )
            self._roots.append(root)
        return self

    async def run(self, context: Any, variables: VariableValues) -> dict[str, Any]:
        """The data.

        Raises:
            NeedExecutor: graphql-core has to say it.
        """
        try:
            arguments = [get_argument_values(field, node, variables) for field, node in self._slots]
            run = Run(context, arguments)
            calls = [root.resolver(context, arguments[root.slot], root.asked) for root in self._roots]
            values = [await calls[0]] if len(calls) == 1 else await asyncio.gather(*calls)
            return {root.key: root.complete(value, run) for root, value in zip(self._roots, values, strict=True)}
        except Exception as error:
            raise NeedExecutor from error

    def _slot(self, field: GraphQLField, node: FieldNode) -> int:
        self._slots.append((field, node))
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
                raise NeedExecutor

    def _object(self, kind: GraphQLObjectType, details: list[FieldDetails], variables: VariableValues) -> Complete:
        collected = collect_subfields(
            self._bound.schema, self._fragments, variables, self._operation, kind, details
        ).grouped_field_set
        fields = [(key, self._field(kind, found, variables)) for key, found in collected.items()]

        def complete(value: Any, run: Run) -> dict[str, Any]:
            if value is None:
                raise NeedExecutor
            return {key: field(value, run) for key, field in fields}

        return complete

    def _field(self, kind: GraphQLObjectType, details: list[FieldDetails], variables: VariableValues) -> Complete:
        node = details[0].node
        name = node.name.value
        if name == "__typename":
            return lambda _value, _run: kind.name
        field = kind.fields[name]
        complete = self._complete(field.type, details, variables)
        getter = self._bound.getter(kind.name, name)
        if getter is None:
            take = attribute(name)
            return lambda value, run: complete(take(value), run)
        slot = self._slot(field, node)
        return lambda value, run: complete(getter(value, run.arguments[slot], run.context), run)


def _leaf(is_good: Callable[[Any], bool]) -> Complete:
    def complete(value: Any, _run: Run) -> Any:
        if not is_good(value):
            raise NeedExecutor
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
