"""A parsed and valid GraphQL document, with its operations compiled as they are used."""

import sys
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
from cachetools import LRUCache
from graphql import (
    ASTValidationRule,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLField,
    OperationDefinitionNode,
    ValidationContext,
    VariableNode,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.collect_fields import FragmentDetails, collect_fields
from graphql.execution.values import VariableValues

from service.api.graphql.engine.compiled_query import CompiledQuery, compile_query
from service.api.graphql.engine.errors import FallbackToExecutor, InvalidRequest
from service.api.graphql.engine.introspection import count_introspection
from service.api.graphql.engine.limits import (
    MAX_TOKENS,
    check_selections,
    check_text,
    count_leaves,
    descendants,
    fragments_of,
)
from service.api.graphql.engine.response_templates import Templates
from service.api.graphql.engine.schema import BoundSchema, requested_fields
from service.concurrency.threads import ComputationThread

_MAX_ERRORS = 20
_MAX_VARIANTS = 16  # of one document: operations, and values of the variables in @skip and @include
# What graphql-core and compiled queries allocate, rounded up (tests/api/graphql/engine/test_document_cache.py).
_DOCUMENT_BYTES = 16_000
_TOKEN_BYTES = 500
_COMPILED_FIELD_BYTES = 3_000


class RootField(msgspec.Struct, frozen=True):
    """A root field of an operation: its key in the response, its syntax, its definition, and its number of leaves.

    `definition` is None for introspection, of which `leaves` are all values. `requested` are the fields below it, joined
    by dots.
    """

    key: str
    node: FieldNode
    definition: GraphQLField | None
    leaves: int
    requested: frozenset[str]

    @property
    def is_list(self) -> bool:
        """Whether it returns a page of items."""
        return self.definition is not None and "first" in self.definition.args


class PreparedOperation(msgspec.Struct, frozen=True):
    """What does not change between executions of an operation. `compiled` is None if only graphql-core can run it."""

    root_fields: Sequence[RootField]
    compiled: CompiledQuery | None


class Document:
    """A parsed and valid document. `size_bytes` is an upper estimate of its memory, compiled operations included."""

    def __init__(self, bound: BoundSchema, node: DocumentNode, templates: Templates, *, size_bytes: int) -> None:
        self.node = node
        self.size_bytes = size_bytes
        self._bound = bound
        self._templates = templates
        self._conditions = _condition_variables(node)
        self._prepared = LRUCache[tuple[Any, ...], PreparedOperation](_MAX_VARIANTS)

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of that name, or the only one; None if there is no such operation or several."""
        return get_operation_ast(self.node, name)

    async def prepare(
        self, operation: OperationDefinitionNode, variables: VariableValues, thread: ComputationThread
    ) -> PreparedOperation:
        """The operation compiled for the values that these variables give to @skip and @include; cached.

        Raises:
            Unavailable: too many callers wait for the thread.
        """
        name = None if operation.name is None else operation.name.value
        key = name, *(variables.coerced.get(variable) for variable in self._conditions)
        prepared = self._prepared.get(key)
        if prepared is None:
            prepared = self._prepared[key] = await thread.run(self._compile, operation, variables)
        return prepared

    def _compile(self, operation: OperationDefinitionNode, variables: VariableValues) -> PreparedOperation:
        try:
            compiled = compile_query(self._bound, self._templates, self.node, operation, variables)
        except FallbackToExecutor:
            compiled = None
        return PreparedOperation(self._root_fields(operation, variables), compiled)

    def _root_fields(self, operation: OperationDefinitionNode, variables: VariableValues) -> Sequence[RootField]:
        schema = self._bound.schema
        root_type = schema.get_root_type(operation.operation)
        assert root_type is not None  # noqa: S101  (the document is valid)
        fragments = fragments_of(self.node)
        details = {name: FragmentDetails(fragment) for name, fragment in fragments.items()}
        collected = collect_fields(schema, details, variables, root_type, operation).grouped_field_set
        roots = []
        for key, fields in collected.items():
            node = fields[0].node
            definition = root_type.fields.get(node.name.value)
            if definition is None:
                leaves = sum(count_introspection(schema, field.node, fragments) for field in fields)
            else:
                leaves = count_leaves(node, fragments)
            requested = requested_fields((field.node for field in fields), fragments, variables)
            roots.append(RootField(key, node, definition, leaves, requested))
        return roots


def parse_document(bound: BoundSchema, text: str, templates: Templates) -> Document:
    """Parse and validate a document, within the limits.

    Raises:
        InvalidRequest: it is larger than a limit, cannot be parsed, or is not valid.
    """
    try:
        check_text(text)
        node = parse(text, max_tokens=MAX_TOKENS)
        fields = check_selections(node)
    except GraphQLError as error:
        raise InvalidRequest([error], code="GRAPHQL_PARSE_FAILED") from None
    _unlink_tokens(node)
    if errors := _validate(bound, node):
        raise InvalidRequest(errors, code="GRAPHQL_VALIDATION_FAILED")
    operations = sum(isinstance(definition, OperationDefinitionNode) for definition in node.definitions)
    variants = min(_MAX_VARIANTS, operations * 2 ** len(_condition_variables(node)))
    size_bytes = (
        2 * sys.getsizeof(text)  # tokens repeat strings and comments
        + _DOCUMENT_BYTES
        + node.token_count * _TOKEN_BYTES
        + variants * fields * _COMPILED_FIELD_BYTES
    )
    return Document(bound, node, templates, size_bytes=size_bytes)


def _condition_variables(node: DocumentNode) -> Sequence[str]:
    """The names of the variables in @skip and @include."""
    return sorted(
        {
            argument.value.name.value
            for directive in descendants(node)
            if isinstance(directive, DirectiveNode)
            for argument in directive.arguments or ()
            if isinstance(argument.value, VariableNode)
        }
    )


def _validate(bound: BoundSchema, node: DocumentNode) -> list[GraphQLError]:
    """The errors of a document.

    Rules and their contexts refer to each other, and to the document. They are taken apart, because the garbage
    collector finds them only long after a cached document was dropped.
    """
    made: list[ASTValidationRule] = []

    def recorded(rule: type[ASTValidationRule]) -> Callable[[ValidationContext], ASTValidationRule]:
        def make(context: ValidationContext) -> ASTValidationRule:
            made.append(rule(context))
            return made[-1]

        return make

    rules = cast("list[type[ASTValidationRule]]", [recorded(rule) for rule in specified_rules])
    errors = validate(bound.schema, node, rules, max_errors=_MAX_ERRORS)
    for rule in made:
        vars(rule.context).clear()
        vars(rule).clear()
    return errors


def _unlink_tokens(node: DocumentNode) -> None:
    """Let each token refer only to the next one, so that a document is freed when it is dropped."""
    token = None if node.loc is None else node.loc.start_token
    while token is not None:
        token.prev = None
        token = token.next
