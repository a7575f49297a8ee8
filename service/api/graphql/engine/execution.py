"""Execute one operation of a GraphQL request: coerce variables, check access and cost, run it within a time limit.

The compiled query runs if there is one. graphql-core executes the rest, and everything that ends in an error, some ten
times as slowly: a thread completes what the resolvers of the root fields return.
"""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    get_argument_values,
    get_variable_values,
)
from graphql.execution.values import VariableValues

from service.api.graphql.engine.document import Document, PreparedOperation, RootField
from service.api.graphql.engine.document_cache import DocumentCache
from service.api.graphql.engine.errors import AccessDenied, FallbackToExecutor, InvalidRequest, LimitExceeded
from service.api.graphql.engine.limits import MAX_COST
from service.api.graphql.engine.schema import Execution
from service.errors import LaurelError

TIMEOUT_SECONDS = 5.0
_MAX_VARIABLE_ERRORS = 20

AccessCheck = Callable[[Any, str, Mapping[str, Any]], LaurelError | None]
"""The context, the name and the arguments of a root field → the reason why the caller may not read it; None if allowed."""


class GraphQLRequest(msgspec.Struct, frozen=True):
    """A GraphQL request. `sha256` is the hash of a persisted query, in hexadecimal; then `query` may be None."""

    query: str | None
    operation_name: str | None = None
    variables: dict[str, Any] = {}
    sha256: str | None = None


class Operation:
    """One operation of a valid document, with variables that fit it. `Operation.of` makes it from a request."""

    def __init__(
        self,
        documents: DocumentCache,
        document: Document,
        node: OperationDefinitionNode,
        request: GraphQLRequest,
        variables: VariableValues,
    ) -> None:
        self._schema = documents.bound.schema
        self._bound = documents.bound
        self._thread = documents.thread
        self._document = document
        self._node = node
        self._request = request
        self._variables = variables

    @classmethod
    async def of(cls, request: GraphQLRequest, documents: DocumentCache) -> "Operation":
        """The operation of a request.

        Raises:
            InvalidRequest: there is no valid document or no such operation, or the variables do not fit it.
            Unavailable: too many new documents are waiting.
        """
        text = request.query or ""
        if request.sha256 is not None:
            text = documents.persisted_text(request.sha256, request.query)
        document = await documents.document(text)
        node = _find_node(document, request.operation_name)
        return cls(documents, document, node, request, _coerce_variables(documents.bound.schema, node, request))

    @property
    def is_query(self) -> bool:
        """Whether it has no effects."""
        return self._node.operation is OperationType.QUERY

    async def execute(self, context: Any, *, check_access: AccessCheck, longest_list: int) -> ExecutionResult:
        """The data and the errors of fields. `longest_list` is the number of items of a list without `first` or `last`.

        Raises:
            AccessDenied: the caller may read none of the root fields.
            InvalidRequest: it costs too much, or takes too long.
            Unavailable: too many callers wait for the thread.
        """
        prepared = await self._document.prepare(self._node, self._variables, self._thread)
        denied = self._check(prepared, context, check_access, longest_list)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                if prepared.compiled is not None and not denied:
                    with contextlib.suppress(FallbackToExecutor):
                        return ExecutionResult(await prepared.compiled.run(context, self._variables))
                return await self._run_executor(prepared, context, denied)
        except TimeoutError:
            error = GraphQLError(f"the answer took more than {TIMEOUT_SECONDS:g} s")
            raise InvalidRequest([error], code="TIMEOUT") from None

    def _check(
        self, prepared: PreparedOperation, context: Any, check_access: AccessCheck, longest_list: int
    ) -> Mapping[str, LaurelError]:
        """The root fields that the caller may not read, by their keys in the response."""
        denied: dict[str, LaurelError] = {}
        cost = 0
        for root in prepared.root_fields:
            if root.definition is None:
                cost += root.leaves
                continue
            try:
                arguments = get_argument_values(root.definition, root.node, self._variables)
            except GraphQLError:
                continue  # the executor reports it
            items = arguments.get("first") or arguments.get("last") or (longest_list if root.is_list else 1)
            cost += max(items, 1) * root.leaves
            reason = check_access(context, root.node.name.value, arguments)
            if reason is not None:
                denied[root.key] = reason
        if cost > MAX_COST:
            error = LimitExceeded(f"the document asks for {cost} values, at most {MAX_COST} are given")
            raise InvalidRequest([error], code="COMPLEXITY_LIMIT")
        if denied and len(denied) == len(prepared.root_fields):
            raise AccessDenied(list(denied.values()))
        return denied

    async def _run_executor(
        self, prepared: PreparedOperation, context: Any, denied: Mapping[str, LaurelError]
    ) -> ExecutionResult:
        values = await self._resolve(prepared.root_fields, context, denied)
        return await self._thread.run(
            execute_sync,
            self._schema,
            self._document.node,
            context_value=Execution(context, {**values, **denied}),
            variable_values=self._request.variables,
            operation_name=self._request.operation_name,
        )

    async def _resolve(
        self, roots: Sequence[RootField], context: Any, denied: Mapping[str, LaurelError]
    ) -> Mapping[str, Any]:
        """What the resolvers of root fields return or raise, by the fields' keys. Mutations run one after the other."""
        calls: dict[str, Callable[[], Awaitable[Any]]] = {}
        for root in roots:
            if root.definition is None or root.key in denied:
                continue
            try:
                arguments = get_argument_values(root.definition, root.node, self._variables)
            except GraphQLError:
                continue  # the executor reports it
            resolver = self._bound.roots[root.node.name.value]
            calls[root.key] = functools.partial(resolver, context, arguments, root.requested)
        if self.is_query:
            values = await asyncio.gather(*(_result(call) for call in calls.values()))
        else:
            values = [await _result(call) for call in calls.values()]
        return dict(zip(calls, values, strict=True))


async def _result(call: Callable[[], Awaitable[Any]]) -> Any:
    """What a call returns or raises."""
    try:
        return await call()
    except Exception as error:  # noqa: BLE001  (the executor reports it)
        return error


def _find_node(document: Document, name: str | None) -> OperationDefinitionNode:
    node = document.operation(name)
    if node is None:
        error = GraphQLError("operationName: expected the name of an operation in the document")
        raise InvalidRequest([error], code="BAD_USER_INPUT")
    return node


def _coerce_variables(schema: GraphQLSchema, node: OperationDefinitionNode, request: GraphQLRequest) -> VariableValues:
    definitions = node.variable_definitions or ()
    variables = get_variable_values(schema, definitions, request.variables, max_errors=_MAX_VARIABLE_ERRORS)
    if isinstance(variables, list):
        raise InvalidRequest(variables, code="BAD_USER_INPUT")
    return variables
