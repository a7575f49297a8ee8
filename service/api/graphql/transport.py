"""GraphQL over HTTP: read a request, choose the media type of its response, and its status.

| request | application/json | application/graphql-response+json |
|---|---|---|
| executed, with or without errors of fields | 200 | 200 |
| document or variables that are not valid | 200 | 400 |
| not a GraphQL request | 400 | 400 |
| no root field that the caller may read | status of the first error | the same |

Sources: the GraphQL over HTTP draft, and the audits of the npm package `graphql-http` where the two differ.
"""

import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

import msgspec
from aiohttp import hdrs, web
from graphql import ExecutionResult, GraphQLError

from service.api.graphql.engine.document_cache import DocumentCache
from service.api.graphql.engine.errors import AccessDenied, InvalidRequest
from service.api.graphql.engine.execution import AccessCheck, GraphQLRequest, Operation
from service.api.graphql.errors import JSON, answer_errors, describe
from service.errors import InvalidField, LaurelError, MethodNotAllowed, NotAcceptable, UnsupportedMediaType
from service.http.accept import media_ranges, preferred_media_type
from service.http.body import decode, read_body
from service.http.conditional import conditional_response, make_etag
from service.http.locale import language_headers, vary
from service.http.services import SERVICES
from service.telemetry import Observer

GRAPHQL_RESPONSE = "application/graphql-response+json"
VARY = vary(hdrs.ACCEPT, "Opigno-Client-UUID")
MAX_BODY_BYTES = 64 * 1024


class Context(Protocol):
    """What a request's context has for this module.

    `longest_list` is the number of items of the longest list. `content_language` is known once the request is
    executed.
    """

    longest_list: int
    content_language: str | None


T = TypeVar("T")
MakeContext = Callable[[web.Request], Awaitable[Any]]


async def execute_request(
    request: web.Request, documents: DocumentCache, *, make_context: MakeContext, check_access: AccessCheck
) -> web.Response:
    """The response to a GraphQL request by GET or POST.

    `check_access` decides about each root field before anything runs: if the caller may read none of them, there is no
    data, and the status is that of the first error.

    Raises:
        LaurelError: it is not a GraphQL request, or from `make_context`.
    """
    media_type = _negotiate_media_type(request)
    graphql_request = await _read_request(request)
    context: Context = await make_context(request)
    try:
        operation = await Operation.of(graphql_request, documents)
        _check_method(request, operation)
        result = await operation.execute(context, check_access=check_access, longest_list=context.longest_list)
    except InvalidRequest as invalid:
        return answer_errors(200 if media_type == JSON else 400, invalid.errors, media_type=media_type)
    except AccessDenied as denied:
        status, _ = describe(denied.errors[0])
        errors = [describe(error)[1] for error in denied.errors]
        return answer_errors(status, errors, error=denied.errors[0], media_type=media_type)
    body = _encode_result(result, request.app[SERVICES].observer)
    return _response(request, body, media_type=media_type, content_language=context.content_language)


def _check_method(request: web.Request, operation: Operation) -> None:
    if not operation.is_query and request.method != hdrs.METH_POST:
        raise MethodNotAllowed("a mutation comes by POST", allowed=(hdrs.METH_POST,))


def _encode_result(result: ExecutionResult, observer: Observer) -> bytes:
    members: dict[str, Any] = {}
    if result.errors is not None:
        members["errors"] = [_format_error(error, observer) for error in result.errors]
    members["data"] = result.data
    return msgspec.json.encode(members)


def _format_error(error: GraphQLError, observer: Observer) -> Mapping[str, Any]:
    """The error of a field; an unexpected one is logged, and the caller gets no details of it."""
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        return error.formatted
    if not isinstance(cause, LaurelError):
        observer.log("error", "a field of a GraphQL answer failed", trace="".join(traceback.format_exception(cause)))
    _, described = describe(cause if isinstance(cause, LaurelError) else None)
    return {**error.formatted, **described}


def _response(request: web.Request, body: bytes, *, media_type: str, content_language: str | None) -> web.Response:
    """The response of an executed request; 304 to a GET whose caller has it already."""
    headers = {hdrs.VARY: VARY, hdrs.CACHE_CONTROL: "private, no-cache", **language_headers(content_language)}
    if request.method == hdrs.METH_POST:
        headers["X-Content-Type-Options"] = "nosniff"
        return web.Response(body=body, headers=headers, content_type=media_type, charset="utf-8")
    etag = make_etag(body, media_type, content_language)
    return conditional_response(request, body, etag=etag, headers=headers, content_type=media_type, charset="utf-8")


def _negotiate_media_type(request: web.Request) -> str:
    """The supported media type with the highest weight, the first of equals; JSON without an Accept field.

    Raises:
        NotAcceptable: the field accepts none of them. (RFC 9110 §15.5.7)
    """
    media_type = preferred_media_type(media_ranges(request), (JSON, GRAPHQL_RESPONSE))
    if media_type is None:
        raise NotAcceptable(f"Accept: expected {JSON} or {GRAPHQL_RESPONSE}")
    return media_type


async def _read_request(request: web.Request) -> GraphQLRequest:
    """The GraphQL request in a body or query string.

    Raises:
        LaurelError: the body is not a JSON object, or a member or parameter has another type.
    """
    members = await _read_body(request) if request.method == hdrs.METH_POST else _read_query(request)
    query = _member(members, "query", str)
    extensions = _member(members, "extensions", dict) or {}
    sha256 = _read_persisted_query(extensions.get("persistedQuery"))
    if query is None and sha256 is None:
        raise InvalidField("query", "a document")
    return GraphQLRequest(
        query,
        operation_name=_member(members, "operationName", str),
        variables=_member(members, "variables", dict) or {},
        sha256=sha256,
    )


async def _read_body(request: web.Request) -> Mapping[str, Any]:
    if request.content_type != JSON or (request.charset or "utf-8").lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType(f"Content-Type: expected {JSON} in UTF-8")
    return decode(await read_body(request, limit=MAX_BODY_BYTES), dict[str, Any])


def _read_query(request: web.Request) -> Mapping[str, Any]:
    query = request.rel_url.query
    members: dict[str, Any] = {name: query.get(name) for name in ("query", "operationName")}
    for name in ("variables", "extensions"):
        text = query.get(name)
        members[name] = None if text is None else decode(text.encode("utf-8", "surrogatepass"), object)
    return members


def _read_persisted_query(extension: Any) -> str | None:
    """The hash of a persisted query (Apollo's Automatic Persisted Queries)."""
    match extension:
        case None:
            return None
        case {"version": 1, "sha256Hash": str(sha256)}:
            return sha256.lower()
        case _:
            raise InvalidField("extensions.persistedQuery", "version 1 and a sha256Hash")


def _member(members: Mapping[str, Any], name: str, kind: type[T]) -> T | None:
    value = members.get(name)
    if value is not None and not isinstance(value, kind):
        raise InvalidField(name, "a text" if kind is str else "an object", type(value).__name__)
    return value
