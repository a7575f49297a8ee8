"""Execute one operation of a GraphQL request: coerce variables, check access and cost, run it within a time limit.

The compiled query runs if there is one; graphql-core executes the rest, and everything that ends in an error.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from graphql import (
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_argument_values,
    get_variable_values,
)
from graphql.execution.values import VariableValues

from service.api.graphql.engine.document import PreparedOperation
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
    """One operation of a request, ready to be executed.

    Raises:
        InvalidRequest: there is no valid document or no such operation, or the variables do not fit it.
    """

    def __init__(self, request: GraphQLRequest, documents: DocumentCache) -> None:
        text = request.query or ""
        if request.sha256 is not None:
            text = documents.persisted_text(request.sha256, request.query)
        self._request = request
        self._schema = documents.bound.schema
        self._document = documents.document(text)
        self._node = self._find_node()
        self._variables = self._coerce_variables()

    @property
    def is_query(self) -> bool:
        """Whether it has no effects."""
        return self._node.operation is OperationType.QUERY

    async def execute(self, context: Any, *, check_access: AccessCheck, longest_list: int) -> ExecutionResult:
        """The data and the errors of fields. `longest_list` is the number of items of a list without `first` or `last`.

        Raises:
            AccessDenied: the caller may read none of the root fields.
            InvalidRequest: it costs too much, or takes too long.
        """
        prepared = self._document.prepare(self._node, self._variables)
        denied = self._check(prepared, context, check_access, longest_list)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                if prepared.compiled is not None and not denied:
                    with contextlib.suppress(FallbackToExecutor):
                        return ExecutionResult(await prepared.compiled.run(context, self._variables))
                return await self._run_executor(Execution(context, denied))
        except TimeoutError:
            error = GraphQLError(f"the answer took more than {TIMEOUT_SECONDS:g} s")
            raise InvalidRequest([error], code="TIMEOUT") from None

    def _find_node(self) -> OperationDefinitionNode:
        node = self._document.operation(self._request.operation_name)
        if node is None:
            error = GraphQLError("operationName: expected the name of an operation in the document")
            raise InvalidRequest([error], code="BAD_USER_INPUT")
        return node

    def _coerce_variables(self) -> VariableValues:
        definitions = self._node.variable_definitions or ()
        variables = get_variable_values(
            self._schema, definitions, self._request.variables, max_errors=_MAX_VARIABLE_ERRORS
        )
        if isinstance(variables, list):
            raise InvalidRequest(variables, code="BAD_USER_INPUT")
        return variables

    def _check(
        self, prepared: PreparedOperation, context: Any, check_access: AccessCheck, longest_list: int
    ) -> Mapping[str, LaurelError]:
        """The root fields that the caller may not read, by their keys in the response."""
        denied: dict[str, LaurelError] = {}
        cost = 0
        for root in prepared.root_fields:
            if root.definition is None:
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

    async def _run_executor(self, execution: Execution) -> ExecutionResult:
        result = execute(
            self._schema,
            self._document.node,
            context_value=execution,
            variable_values=self._request.variables,
            operation_name=self._request.operation_name,
        )
        return result if isinstance(result, ExecutionResult) else await result
