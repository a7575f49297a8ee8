"""GraphQL over HTTP: media types, methods, statuses, persisted queries, and limits on documents."""

import asyncio
import hashlib
import json
import pathlib

import pytest
from aiohttp import web

from service.api import graphql as graphql_api
from service.api.graphql import context, transport
from service.api.graphql.engine import execution
from service.api.graphql.engine.document_cache import DocumentCache
from service.api.graphql.engine.schema import bind
from service.api.graphql.errors import describe
from service.api.graphql.resolvers import GETTERS, ROOTS
from service.errors import LaurelError
from service.http.api import Route, mount
from service.http.problem import INTERNAL_ERROR
from service.http.services import SERVICES
from tests.api.graphql.conftest import USER

JSON, RESPONSE = "application/json", "application/graphql-response+json"
SDL = pathlib.Path(graphql_api.__file__).with_name("schema.graphql").read_text(encoding="utf-8")
LIST = "{ getBadges { totalItems } }"
MUTATION = 'mutation { setUserContext(uuid: "x", displayName: "x") { errors } }'


@pytest.fixture
async def send(client, application, make_context):
    """Sends a request unchanged; returns status, headers and JSON."""
    await make_context(USER)

    async def sent(method="POST", body=None, *, headers=None, **query):
        head = {"Authorization": application, "Opigno-Client-UUID": USER} | (headers or {})
        if isinstance(body, dict):
            head, body = {"Content-Type": JSON} | head, json.dumps(body)
        async with client.request(method, "/graphql", data=body, headers=head, params=query) as response:
            text = await response.text()
            return response.status, response.headers, json.loads(text) if text else None

    return sent


def codes(result):
    return [error["extensions"]["code"] for error in result["errors"]]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (RESPONSE, RESPONSE),
        (f"{RESPONSE}, {JSON};q=0.9", RESPONSE),
        (f"{RESPONSE};q=0.5, {JSON}", JSON),
        (f"text/html, {RESPONSE};charset=utf-8", RESPONSE),
        (f"text/html, {RESPONSE};q=0, */*;q=0.1", JSON),
    ],
)
async def test_response_has_the_accepted_media_type_with_the_highest_weight(send, accept, media_type):
    status, headers, result = await send(body={"query": LIST}, headers={} if accept is None else {"Accept": accept})

    assert (status, result) == (200, {"data": {"getBadges": {"totalItems": 7}}})
    assert headers["Content-Type"] == f"{media_type}; charset=utf-8"
    assert headers["Vary"] == "Accept, Accept-Language, Authorization, Opigno-Client-UUID"


@pytest.mark.parametrize("accept", ["text/html", f"{JSON};q=0", "application/xml, image/*"])
async def test_unsupported_accept_returns_406(send, accept):
    status, _, result = await send(body={"query": LIST}, headers={"Accept": accept})

    assert (status, codes(result)) == (406, ["NOT_ACCEPTABLE"])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"query": "{"}, "GRAPHQL_PARSE_FAILED", id="syntax"),
        pytest.param({"query": "{ getBadge { other } }"}, "GRAPHQL_VALIDATION_FAILED", id="a field that is not there"),
        pytest.param({"query": LIST, "operationName": "other"}, "BAD_USER_INPUT", id="another operation"),
        pytest.param({"query": f"query a {LIST} query b {LIST}"}, "BAD_USER_INPUT", id="which of two"),
        pytest.param(
            {"query": "query ($n: Int) { getBadges(first: $n) { totalItems } }", "variables": {"n": "x"}},
            "BAD_USER_INPUT",
            id="a variable of another type",
        ),
        pytest.param({"query": "query ($n: ID!) { getUserContext(uuid: $n) { id } }"}, "BAD_USER_INPUT", id="none"),
    ],
)
async def test_invalid_document_returns_200_in_json_and_400_in_graphql_response(send, body, code):
    in_json = await send(body=body, headers={"Accept": JSON})
    in_own = await send(body=body, headers={"Accept": RESPONSE})

    assert (in_json[0], in_own[0]) == (200, 400)
    assert in_json[2] == in_own[2]
    assert set(codes(in_json[2])) == {code}
    assert "data" not in in_json[2]


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param("{", 400, id="no JSON"),
        pytest.param("[]", 400, id="no object"),
        pytest.param("null", 400, id="null"),
        pytest.param("{}", 400, id="no query"),
        pytest.param('{"query": 1}', 400, id="a number"),
        pytest.param('{"query": "{ a }", "variables": []}', 400, id="variables in a list"),
        pytest.param('{"query": "{ a }", "extensions": "x"}', 400, id="extensions as text"),
        pytest.param('{"query": "{ a }", "operationName": {}}', 400, id="a name that is an object"),
        pytest.param('{"query": "\\u0000"}', 400, id="NUL"),
        pytest.param("[" * 60_000, 400, id="deep"),
        pytest.param('{"query": "' + "a" * 70_000 + '"}', 413, id="large"),
    ],
)
async def test_malformed_request_returns_400(send, accept, body, status):
    found, _, result = await send(body=body, headers={"Accept": accept, "Content-Type": JSON})

    assert found == status
    assert codes(result)[0].startswith("BAD_")


@pytest.mark.parametrize("media_type", ["text/plain", "application/graphql", f"{JSON}; charset=latin-1"])
async def test_unsupported_content_type_returns_415(send, media_type):
    assert (await send(body=json.dumps({"query": LIST}), headers={"Content-Type": media_type}))[0] == 415


async def test_null_and_unknown_members_are_ignored(send):
    body = {"query": LIST, "variables": None, "operationName": None, "extensions": None, "other": 1}

    assert (await send(body=body))[0] == 200


async def test_get_allows_queries_but_no_mutations(send):
    variables = json.dumps({"n": 2})
    listed = await send("GET", query="query ($n: Int) { getBadges(first: $n) { nodes { id } } }", variables=variables)
    refused = await send("GET", query=MUTATION)
    head = await send("HEAD", query=MUTATION)
    other = await send("DELETE")

    assert [badge["id"] for badge in listed[2]["data"]["getBadges"]["nodes"]] == ["enrolled", "completed"]
    assert (refused[0], refused[1]["Allow"], head[0]) == (405, "POST", 405)
    assert (other[0], set(other[1]["Allow"].split(", "))) == (405, {"GET", "HEAD", "POST"})


async def test_conditional_get_returns_304_until_the_badges_change(send, give):
    query = "{ getBadges(status: EARNED) { totalItems } }"
    first = await send("GET", query=query)
    again = await send("GET", query=query, headers={"If-None-Match": first[1]["ETag"]})
    await give(1, {1: 1})
    after = await send("GET", query=query, headers={"If-None-Match": first[1]["ETag"]})

    assert (first[0], again[0], again[2]) == (200, 304, None)
    assert (after[0], after[2]) == (200, {"data": {"getBadges": {"totalItems": 1}}})


async def test_persisted_query_is_found_by_its_hash_once_it_was_sent(send):
    query = "{ getBadges { totalItems nodes { id } } }"
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(query.encode()).hexdigest()}}
    unknown = await send(body={"extensions": persisted})
    told = await send(body={"query": query, "extensions": persisted})
    known = await send(body={"extensions": persisted})
    by_get = await send("GET", extensions=json.dumps(persisted))

    assert (unknown[0], unknown[2]["errors"][0]["message"]) == (200, "PersistedQueryNotFound")
    assert codes(unknown[2]) == ["PERSISTED_QUERY_NOT_FOUND"]
    assert told[2] == known[2] == by_get[2]
    assert "ETag" in by_get[1]


@pytest.mark.parametrize(
    "persisted",
    [
        {"version": 2, "sha256Hash": "a"},
        {"version": 1},
        {"version": 1, "sha256Hash": 1},
        {"version": 1, "sha256Hash": "a" * 64},
        "x",
    ],
)
async def test_invalid_persisted_query_is_rejected(send, persisted):
    _, _, result = await send(body={"query": LIST, "extensions": {"persistedQuery": persisted}})

    assert codes(result)[0].startswith("BAD_")
    assert "data" not in result


def many(count, text):
    return " ".join(text.format(i) for i in range(count))


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("{ getBadges { nodes { " + "a " * 900 + "} } }", id="one field often"),
        pytest.param("{ getBadges { nodes { " + many(600, "a{0}: id") + " } } }", id="many aliases"),
        pytest.param("{ " + many(11, "a{0}: getBadge {{ id }}") + " }", id="many roots"),
        pytest.param("{ getBadge " + "{ a " * 30 + "}" * 30 + " }", id="deep"),
        pytest.param(
            "{ getBadges { ...f0 } } "
            + many(20, "fragment f{0} on BadgeConnection {{ ...f{0}x ...f{0}x }}")
            + many(20, "fragment f{0}x on BadgeConnection {{ totalItems }}"),
            id="unknown fragments",
        ),
        pytest.param(
            "{ getBadges { ...f0 } } "
            + " ".join(f"fragment f{i} on BadgeConnection {{ ...f{i + 1} ...f{i + 1} }}" for i in range(12))
            + " fragment f12 on BadgeConnection { totalItems }",
            id="fragments of fragments",
        ),
        pytest.param(
            "{ getBadges { ...a } } fragment a on BadgeConnection { ...b } fragment b on BadgeConnection { ...a }",
            id="fragments in a ring",
        ),
        pytest.param("{ getBadge { id } } " + "#" * 20_000, id="many characters"),
        pytest.param('{"""' + '\\"""\n' * 3000, id="a text without end"),
        pytest.param("{ getBadge(badgeId: " + "[" * 1000 + "]" * 1000 + ") { id } }", id="deep lists"),
        pytest.param("{ " + "getBadge @skip(if: true) " * 300 + "}", id="many directives"),
        pytest.param(
            "{ "
            + many(10, "a{0}: getBadges(first: 100) {{ nodes {{ " + many(40, "b{0}: id").replace("{", "{{") + " }} }}")
            + " }",
            id="costly",
        ),
        pytest.param(
            "{ __schema { types { " + many(20, "a{0}: fields {{ type {{ fields {{ ...names }} }} }}") + " } } }"
            " fragment names on __Field { " + many(15, "b{0}: name") + " }",
            id="costly introspection",
        ),
    ],
)
async def test_hostile_document_is_rejected(send, query):
    status, _, result = await send(body={"query": query})

    assert status == 200
    assert "data" not in result
    assert codes(result)[0] in {"COMPLEXITY_LIMIT", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("{ getBadges { nodes { " + "id " * 11 + "} } }", id="one field often"),
        pytest.param("{ getBadges { nodes { " + many(501, "a{0}: id") + " } } }", id="many fields"),
        pytest.param("{ " + many(11, "a{0}: getBadge {{ id }}") + " }", id="many roots"),
        pytest.param("{ getBadge(badgeId: " + "{a: " * 600 + "1" + "}" * 600 + ") { id } }", id="values in values"),
        pytest.param('{ getBadge(badgeId: "' + "{" * 600 + '") { ... { id } } }', id="brackets in a text are no depth"),
        pytest.param("{ " + "... { " * 40 + "getBadge { id }" + " }" * 40 + " }", id="nested fragments are no depth"),
    ],
)
async def test_each_limit_is_enforced_separately(send, query):
    status, _, result = await send(body={"query": query})
    is_refused = "... {" not in query

    assert (status, "data" in result) == (200, not is_refused)
    assert (codes(result) if is_refused else []) == ["COMPLEXITY_LIMIT"] * is_refused


async def test_large_page_with_all_fields_is_within_the_limits(send):
    query = """{ getBadges(first: 100) { totalItems pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { cursor node { id title status earned picture { id url alt title width height mimeType }
        earningCriteria { ... on BadgeEarningCriteriaSocialConnection { threshold currentThreshold period } } } } } }"""

    assert "errors" not in (await send(body={"query": query}))[2]


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        ("first: 1, last: 1", "providing both first and last is not supported", "BAD_USER_INPUT"),
        ('first: 1, before: "x"', "using first with before is not supported", "BAD_USER_INPUT"),
        ('last: 1, after: "x"', "using last with after is not supported", "BAD_USER_INPUT"),
        ('after: "x"', "first is required when after is set", "BAD_USER_INPUT"),
        ('before: "x"', "last is required when before is set", "BAD_USER_INPUT"),
        ('after: "x", before: "y"', "providing both after and before is not supported", "BAD_USER_INPUT"),
        ("first: 0", "first must be a positive integer when provided", "BAD_USER_INPUT"),
        ("last: -1", "last must be a positive integer when provided", "BAD_USER_INPUT"),
        ("first: 101", "first may not be larger than 100", "BAD_USER_INPUT"),
        ('first: 1, after: "x"', "invalid cursor 'x'", "INVALID_CURSOR"),
    ],
)
async def test_contradictory_page_arguments_are_field_errors(send, arguments, message, code):
    status, _, result = await send(body={"query": f"{{ getBadges({arguments}) {{ totalItems }} }}"})

    assert (status, result["data"]) == (200, None)
    assert result["errors"][0] | {"locations": 0} == {
        "message": message,
        "locations": 0,
        "path": ["getBadges"],
        "extensions": {"code": code},
    }


async def test_long_date_format_is_a_field_error(send, give):
    await give(1, {1: 1})
    query = f'{{ getBadge(badgeId: "enrolled") {{ id earned(format: "{"Y" * 65}") }} }}'
    _, _, result = await send(body={"query": query})

    assert result["data"] == {"getBadge": {"id": "enrolled", "earned": None}}
    assert codes(result) == ["BAD_USER_INPUT"]


@pytest.fixture
def client_with_resolver(services, aiohttp_client, application, make_context):
    """Makes this API with another resolver for `getBadge`; returns what sends it a query."""

    async def made(resolver):
        await make_context(USER)
        bound = bind(SDL, GETTERS, dict(ROOTS) | {"getBadge": resolver})
        documents = DocumentCache(bound)

        async def graphql(request):
            return await transport.execute_request(
                request, documents, make_context=context.make_context, check_access=context.access_error
            )

        app = web.Application()
        app[SERVICES] = services
        mount(app, [graphql_api.API._replace(routes=[Route("POST", "/graphql", "graphql", graphql)])])
        client = await aiohttp_client(app)
        head = {"Authorization": application, "Opigno-Client-UUID": USER}
        return lambda: client.post("/graphql", json={"query": "{ getBadge { id } }"}, headers=head)

    return made


async def test_unexpected_error_is_logged_and_returned_without_details(client_with_resolver, services):
    async def fail(_context, _arguments, _requested):
        raise ZeroDivisionError("a secret")

    result = await (await (await client_with_resolver(fail))()).json()
    services.observer.flush()

    assert result["errors"][0]["message"] == INTERNAL_ERROR
    assert codes(result) == ["INTERNAL_SERVER_ERROR"]
    assert "ZeroDivisionError: a secret" in services.observer.stream.getvalue()


async def test_execution_is_cancelled_after_the_timeout(client_with_resolver, monkeypatch):
    async def wait(_context, _arguments, _requested):
        await asyncio.Event().wait()

    monkeypatch.setattr(execution, "TIMEOUT_SECONDS", 0.01)
    response = await (await client_with_resolver(wait))()

    assert codes(await response.json()) == ["TIMEOUT"]


def test_every_error_has_a_status_and_code():
    def family(kind):
        for each in kind.__subclasses__():
            yield each
            yield from family(each)

    kinds = [kind for kind in family(LaurelError) if kind.__module__ == "service.errors"]
    assert len(kinds) > 15
    assert all(describe(kind.__new__(kind))[0] < 506 for kind in kinds)
