"""GraphQL over HTTP: what a request asks for, in which media type it is answered, and with which status.

| | application/json | application/graphql-response+json |
|---|---|---|
| executed, with or without errors | 200 | 200 |
| cannot be parsed, is not valid, or its variables are not | 200 | 400 |
| no GraphQL request at all | 400 | 400 |
| no root field may be asked | status of the first refusal | the same |

Sources: the GraphQL over HTTP draft, and the audits of the npm package `graphql-http` where the two differ.
"""

import asyncio
import contextlib
import re
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from aiohttp import hdrs, web
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

from service.api.graphql.engine.compiled_query import FallbackToExecutor
from service.api.graphql.engine.document import MOST_COST, Document, Documents, Persisted
from service.api.graphql.engine.schema import Execution
from service.api.graphql.errors import JSON, answer_errors, describe
from service.errors import InvalidField, LaurelError, MethodNotAllowed, NotAcceptable, UnsupportedMediaType
from service.http.body import decode, read_body
from service.http.conditional import conditional_response, make_etag
from service.http.locale import vary
from service.http.services import SERVICES
from service.telemetry import Observer

RESPONSE = "application/graphql-response+json"
VARY = vary(hdrs.ACCEPT, "Opigno-Client-UUID")
MOST_BYTES = 64 * 1024
TIME_LIMIT = 5.0  # seconds, for one execution
_MOST_ERRORS = 20  # of variables
_LONGEST_ACCEPT = 1_000  # characters
_WEIGHT = re.compile(r";[ \t]*q=([01](?:\.[0-9]{0,3})?)[ \t]*$", re.IGNORECASE)
_ACCEPTED = {JSON: JSON, "application/*": JSON, "*/*": JSON, RESPONSE: RESPONSE}


class Context(Protocol):
    """What a request's context has for this module.

    `longest_list` is how many items a list has at most. `content_language` says which languages were used, once
    something was executed.
    """

    longest_list: int
    content_language: str | None


T = TypeVar("T")
MakeContext = Callable[[web.Request], Awaitable[Any]]
Allow = Callable[[Any, str, Mapping[str, Any]], LaurelError | None]


class GraphQLRequest(msgspec.Struct, frozen=True):
    """A GraphQL request."""

    query: str | None
    operation_name: str | None
    variables: dict[str, Any]
    persisted: Persisted | None


async def execute_request(
    request: web.Request, documents: Documents, *, make_context: MakeContext, allow: Allow
) -> web.Response:
    """The answer to a GraphQL request by GET or POST.

    `make_context` may refuse whoever asks. `allow` says why a root field may not be asked with these arguments, before
    anything runs: if none of them may, there is no data and the status is the first refusal's.

    Raises:
        LaurelError: it is no GraphQL request, or `make_context` refused.
    """
    media_type = _media_type(", ".join(request.headers.getall(hdrs.ACCEPT, ())))
    asked = await _read(request)
    context = await make_context(request)
    try:
        operation = _Operation(asked, documents)
        if not operation.is_query and request.method != hdrs.METH_POST:
            raise MethodNotAllowed("a mutation comes by POST", allowed=(hdrs.METH_POST,))
        said = await operation.execute(context, allow, request.app[SERVICES].observer)
    except _InvalidRequest as invalid:
        return answer_errors(200 if media_type == JSON else 400, invalid.errors, media_type=media_type)
    except _RejectedRequest as refused:
        status, _ = describe(refused.errors[0])
        errors = [describe(error)[1] for error in refused.errors]
        return answer_errors(status, errors, error=refused.errors[0], media_type=media_type)
    headers: dict[str, str] = {
        hdrs.VARY: VARY,
        hdrs.CACHE_CONTROL: "private, no-cache",
    }
    if context.content_language is not None:
        headers[hdrs.CONTENT_LANGUAGE] = context.content_language
    body = msgspec.json.encode(said)
    if request.method == hdrs.METH_POST:
        return web.Response(body=body, headers=headers, content_type=media_type, charset="utf-8")
    etag = make_etag(body, media_type, context.content_language)
    return conditional_response(request, body, etag=etag, headers=headers, content_type=media_type, charset="utf-8")


class _InvalidRequest(Exception):
    """A request that cannot be executed, and why."""

    def __init__(self, errors: Sequence[GraphQLError], *, code: str) -> None:
        super().__init__(code)
        self.errors = [
            {**error.formatted, "extensions": {"code": code, **(error.extensions or {})}} for error in errors
        ]


class _RejectedRequest(Exception):
    """No root field may be asked."""

    def __init__(self, errors: Sequence[LaurelError]) -> None:
        super().__init__()
        self.errors = errors


class _Operation:
    """One operation with its variables: found, checked, and executed by its plan or by graphql-core.

    Raises:
        _Invalid: there is no such document or operation, or the variables will not do.
    """

    def __init__(self, asked: GraphQLRequest, documents: Documents) -> None:
        self._asked = asked
        self._bound = documents.bound
        self._document = _document(asked, documents)
        node = self._document.operation(asked.operation_name)
        if node is None:
            error = GraphQLError("operationName: expected the name of an operation in the document")
            raise _InvalidRequest([error], code="BAD_USER_INPUT")
        self._node: OperationDefinitionNode = node
        variables = get_variable_values(
            self._bound.schema, node.variable_definitions or (), asked.variables, max_errors=_MOST_ERRORS
        )
        if isinstance(variables, list):
            raise _InvalidRequest(variables, code="BAD_USER_INPUT")
        self._variables: VariableValues = variables

    @property
    def is_query(self) -> bool:
        """Whether it only reads."""
        return self._node.operation is OperationType.QUERY

    async def execute(self, context: Context, allow: Allow, observer: Observer) -> Mapping[str, Any]:
        """The answer's members.

        Raises:
            _Refused: no root field may be asked.
            _Invalid: it asks for too much, or takes too long.
        """
        refused = self._refused(context, allow)
        try:
            async with asyncio.timeout(TIME_LIMIT):
                plan = None if refused else self._document.plan(self._node, self._variables)
                if plan is not None:
                    with contextlib.suppress(FallbackToExecutor):
                        return {"data": await plan.run(context, self._variables)}
                return await self._by_graphql_core(Execution(context, refused), observer)
        except TimeoutError:
            raise _InvalidRequest(
                [GraphQLError(f"the answer took more than {TIME_LIMIT:g} s")], code="TIMEOUT"
            ) from None

    def _refused(self, context: Context, allow: Allow) -> Mapping[str, LaurelError]:
        """The root fields that may not be asked, by their keys in the answer."""
        roots = self._document.roots(self._node, self._variables)
        refused: dict[str, LaurelError] = {}
        cost = introspections = 0
        for root in roots:
            if root.field is None:
                introspections += 1
                continue
            try:
                arguments = get_argument_values(root.field, root.node, self._variables)
            except GraphQLError:
                continue  # graphql-core will say so
            size = arguments.get("first") or arguments.get("last") or (context.longest_list if root.is_list else 1)
            cost += max(size, 1) * root.leaves
            if (refusal := allow(context, root.node.name.value, arguments)) is not None:
                refused[root.key] = refusal
        if cost > MOST_COST:
            error = GraphQLError(f"the document asks for {cost} values, at most {MOST_COST} are given")
            raise _InvalidRequest([error], code="COMPLEXITY_LIMIT")
        if refused and not introspections and len(refused) == len(roots):
            raise _RejectedRequest(list(refused.values()))
        return refused

    async def _by_graphql_core(self, execution: Execution, observer: Observer) -> Mapping[str, Any]:
        assert self._document.node is not None  # noqa: S101  (the operation is of it)
        result = execute(
            self._bound.schema,
            self._document.node,
            context_value=execution,
            variable_values=self._asked.variables,
            operation_name=self._asked.operation_name,
        )
        if not isinstance(result, ExecutionResult):
            result = await result
        said: dict[str, Any] = {} if result.errors is None else {"errors": [_error(e, observer) for e in result.errors]}
        return {**said, "data": result.data}


def _error(error: GraphQLError, observer: Observer) -> Mapping[str, Any]:
    """What went wrong with one field; a bug of ours is said to the operator, and to the caller only that it is one."""
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        return error.formatted
    if not isinstance(cause, LaurelError):
        observer.log("error", "a field of a GraphQL answer failed", trace="".join(traceback.format_exception(cause)))
    _, said = describe(cause if isinstance(cause, LaurelError) else None)
    return {**error.formatted, **said}


def _document(asked: GraphQLRequest, documents: Documents) -> Document:
    """The document that is asked for, without errors.

    Raises:
        _Invalid: there is none, or it has some.
    """
    text = asked.query
    if asked.persisted is not None:
        try:
            text = documents.text_of(asked.persisted, text)
        except GraphQLError as error:
            raise _InvalidRequest([error], code="BAD_USER_INPUT") from None
    document = documents.read(text or "")
    if document.errors:
        code = "GRAPHQL_VALIDATION_FAILED" if document.is_parsed else "GRAPHQL_PARSE_FAILED"
        raise _InvalidRequest(document.errors, code=code)
    return document


def _media_type(accept: str) -> str:
    """The first of the media types of the highest weight that is spoken here; JSON where nothing is asked for.

    Raises:
        NotAcceptable: none of them is. (RFC 9110 §15.5.7)
    """
    if not accept.strip():
        return JSON
    best: tuple[float, str] = (0.0, "")
    for member in accept[:_LONGEST_ACCEPT].split(","):
        media_type, _, parameters = member.strip().lower().partition(";")
        weight = _WEIGHT.search(f";{parameters}")
        value = 1.0 if weight is None else float(weight[1])
        spoken = _ACCEPTED.get(media_type.strip())
        if spoken is not None and value > best[0]:
            best = value, spoken
    if not best[1]:
        raise NotAcceptable(f"Accept: expected {JSON} or {RESPONSE}")
    return best[1]


async def _read(request: web.Request) -> GraphQLRequest:
    """What the request asks for.

    Raises:
        LaurelError: the body is no JSON object, or a member or parameter is of another type.
    """
    if request.method == hdrs.METH_POST:
        if request.content_type != JSON or (request.charset or "utf-8").lower() not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType(f"Content-Type: expected {JSON} in UTF-8")
        members = decode(await read_body(request, limit=MOST_BYTES), dict[str, Any])
    else:
        members = {name: request.rel_url.query.get(name) for name in ("query", "operationName")}
        for name in ("variables", "extensions"):
            text = request.rel_url.query.get(name)
            members[name] = None if text is None else decode(text.encode("utf-8", "surrogatepass"), object)
    query = _member(members, "query", str)
    extensions = _member(members, "extensions", dict) or {}
    persisted = extensions.get("persistedQuery")
    if persisted is not None:
        persisted = _persisted(persisted)
    elif query is None:
        raise InvalidField("query", "a document")
    return GraphQLRequest(
        query, _member(members, "operationName", str), _member(members, "variables", dict) or {}, persisted
    )


def _member(members: Mapping[str, Any], name: str, kind: type[T]) -> T | None:
    value = members.get(name)
    if value is not None and not isinstance(value, kind):
        raise InvalidField(name, "a text" if kind is str else "an object", type(value).__name__)
    return value


def _persisted(value: Any) -> Persisted:
    match value:
        case {"version": 1, "sha256Hash": str(sha256)}:
            return Persisted(sha256.lower())
        case _:
            raise InvalidField("extensions.persistedQuery", "version 1 and a sha256Hash")
