"""Compiled queries return the same bytes as graphql-core's executor, or leave the query to it."""

import asyncio
import pathlib
from collections import Counter
from typing import Any, ClassVar

import graphql
import hypothesis_graphql
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.api import graphql as graphql_api
from service.api.graphql.engine.document import parse_document
from service.api.graphql.engine.document_cache import DocumentCache
from service.api.graphql.engine.errors import FallbackToExecutor, InvalidRequest
from service.api.graphql.engine.execution import GraphQLRequest, Operation
from service.api.graphql.engine.response_templates import Templates
from service.api.graphql.engine.schema import PerPlayerFields, bind

SDL = pathlib.Path(graphql_api.__file__).with_name("schema.graphql").read_text(encoding="utf-8")
CURSOR = graphql.StringValueNode(value="c")


class Value:
    """Any object; attributes that it lacks are null."""

    def __init__(self, graphql_type: str = "", **fields: Any) -> None:
        self.graphql_type = graphql_type
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


class Path:
    """A criterion about a learning path."""

    graphql_type: ClassVar = "BadgeEarningCriteriaLpPassed"
    learning_path_id = "knots"


PICTURE = Value(id="p", url="https://images.example.com/p.png", alt="P", title=None, width=1, height=None)
CRITERIA = [
    Path(),
    Value("BadgeEarningCriteriaSocialConnection", threshold=3, current_threshold=2, period=None),
    Value("BadgeEarningCriteriaSocialEngagement", threshold=3, current_threshold=2**31),  # no Int
    Value("BadgeEarningCriteriaRegisteredFor", threshold=None, current_threshold=1),  # a null where none may be
]
BADGES = [
    Value(id=f"b{i}", title=f"Badge {i}", picture=PICTURE, status=status, earning_criteria=criterion)
    for i, (status, criterion) in enumerate(zip(["EARNED", "NOT_EARNED", "EARNED", "ODD"], CRITERIA, strict=True))
]


def page(badges_shown):
    edges = [Value(cursor=f"c{i}", node=badge) for i, badge in enumerate(badges_shown)]
    info = Value(has_next_page=True, has_previous_page=False, start_cursor=None, end_cursor="c")
    return Value(edges=edges, nodes=badges_shown, page_info=info, total_items=len(badges_shown))


async def get_badge(_context, arguments, _requested):
    if arguments.get("badgeId") == "20":
        raise LookupError("no such badge")
    return BADGES[len(arguments.get("userContextId") or "") % 4] if arguments.get("badgeId") else None


async def get_badges(_context, arguments, _requested):
    shown = BADGES[: (arguments.get("first") or 4) % 5]
    return page(shown[::-1] if arguments.get("reverse") else shown)


async def get_user_context(_context, arguments, _requested):
    return Value(id="1", uuid=arguments["uuid"], display_name="Ada", is_active=True, scope=["AUTHENTICATED"])


async def set_user_context(_context, _arguments, _requested):
    return Value(errors=[], response=None)


def earned(badge, arguments, context):
    if arguments["format"] == "knots":
        raise ValueError(context)
    return None if badge.status == "NOT_EARNED" else f"{badge.id} {arguments['format']}"


def status(badge, _arguments, _context):
    return badge.status


def current_threshold(badge, _arguments, _context):
    return badge.earning_criteria.current_threshold


PER_PLAYER = PerPlayerFields(
    of="Badge",
    key=lambda badge: badge.id,
    fields={
        ("Badge", "status"): status,
        ("Badge", "earned"): earned,
        ("BadgeEarningCriteriaSocialConnection", "currentThreshold"): current_threshold,
        ("BadgeEarningCriteriaSocialEngagement", "currentThreshold"): current_threshold,
        ("BadgeEarningCriteriaRegisteredFor", "currentThreshold"): current_threshold,
    },
)
GETTERS = {"Badge": {"earned": earned}}
ROOTS = {
    "getBadge": get_badge,
    "getBadges": get_badges,
    "getUserContext": get_user_context,
    "setUserContext": set_user_context,
}
BOUND = bind(SDL, GETTERS, ROOTS, PER_PLAYER)
WITHOUT_TEMPLATES = bind(SDL, GETTERS, ROOTS)


DOCUMENTS = DocumentCache(BOUND)


async def run_executor(document, variables, documents=DOCUMENTS):
    prepared, coerced = await prepare(document, variables)
    request = GraphQLRequest(None, variables=variables)
    operation = Operation(documents, document, document.operation(None), request, coerced)
    result = await operation._run_executor(prepared, "context", {})
    errors = [error.formatted for error in result.errors or ()]
    return msgspec.json.encode({"data": result.data} | ({"errors": errors} if errors else {})), bool(errors)


def parse(text, bound=BOUND, templates=None):
    return parse_document(bound, text, Templates(max_bytes=1_000_000) if templates is None else templates)


async def prepare(document, variables):
    operation = document.operation(None)
    coerced = graphql.get_variable_values(BOUND.schema, operation.variable_definitions or (), variables)
    return await document.prepare(operation, coerced, DOCUMENTS.thread), coerced


async def run_compiled(document, variables):
    """The response of the compiled query; None if it is left to graphql-core."""
    prepared, coerced = await prepare(document, variables)
    if prepared.compiled is None:
        return None
    try:
        return msgspec.json.encode({"data": await prepared.compiled.run("context", coerced)})
    except FallbackToExecutor:
        return None


def test_compiled_query_returns_the_same_as_the_executor_for_random_queries():
    seen = Counter()

    async def compare(text):
        try:
            document = parse(text)
        except InvalidRequest:
            seen["too large"] += 1
            return
        expected, has_errors = await run_executor(document, {})
        response = await run_compiled(document, {})
        seen["left" if response is None else "compiled"] += 1
        assert response in (None, expected)
        assert await run_compiled(document, {}) == response, "with cached templates"
        assert await run_compiled(parse(text, WITHOUT_TEMPLATES), {}) == response, "without templates"
        assert response is not None or has_errors or "__" in text

    with asyncio.Runner() as runner:

        @settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
        @given(text=hypothesis_graphql.queries(SDL, custom_scalars={"Cursor": st.just(CURSOR)}))
        def fuzz(text):
            runner.run(compare(text))

        fuzz()

    assert seen["compiled"] + seen["left"] >= 500, seen
    assert min(seen["compiled"], seen["left"]) >= 10, seen


FRAGMENTS = """
query ($first: Int, $no: Boolean = false, $yes: Boolean!, $format: String) {
  all: getBadges(first: $first) { ...page pageInfo { hasNextPage } nodes { id @include(if: $yes) } }
  getBadges(first: 1) { nodes @skip(if: $yes) { title } ... @include(if: $no) { totalItems } __typename }
  one: getBadge(badgeId: "knots") { same: id same: id ... on Badge { id earned(format: $format) } }
}
fragment page on BadgeConnection { totalItems nodes { ...badge } edges { cursor node { ...badge status } } }
fragment badge on Badge {
  title picture { url width height mimeType }
  earningCriteria {
    __typename
    ... on BadgeEarningCriteriaLpPassed { path: learningPathId }
    ... on BadgeEarningCriteriaSocialConnection { threshold period }
  }
}
"""


CRITERION_FIELDS = "fragment criterion on BadgeEarningCriteriaSocialConnection { threshold currentThreshold }"


@pytest.mark.parametrize("yes", [True, False])
@pytest.mark.parametrize("first", [1, 2, 6])
@pytest.mark.parametrize("no", [True, False, None])
async def test_fragments_directives_aliases_and_variables_are_compiled(yes, first, no):
    document = parse(FRAGMENTS)
    variables = {"yes": yes, "first": first, "format": "Y"} | ({} if no is None else {"no": no})
    expected, _ = await run_executor(document, variables)

    assert await run_compiled(document, variables) == expected


async def test_variables_are_coerced_for_each_request():
    document = parse('query ($f: String) { getBadge(badgeId: "a") { earned(format: $f) } }')

    responses = [await run_compiled(document, {"f": text}) for text in ("a", "b")]
    assert responses == [b'{"data":{"getBadge":{"earned":"b0 %s"}}}' % text for text in (b"a", b"b")]


async def test_shared_fields_are_rendered_once_and_per_player_fields_every_time():
    document = parse('{ getBadge(badgeId: "a") { title status earningCriteria { ...criterion } } }' + CRITERION_FIELDS)
    rendered = []

    class Counted(Value):
        @property
        def title(self):
            rendered.append(self.id)
            return "Knots"

    badges = []
    for shown, count in (("NOT_EARNED", 1), ("EARNED", 3)):
        criterion = Value("BadgeEarningCriteriaSocialConnection", threshold=3, current_threshold=count)
        BADGES.insert(0, Counted(id="counted", status=shown, earning_criteria=criterion))
        try:
            badges.append(msgspec.json.decode(await run_compiled(document, {}))["data"]["getBadge"])
        finally:
            del BADGES[0]

    assert rendered == ["counted"]
    assert [(badge["status"], badge["earningCriteria"]["currentThreshold"]) for badge in badges] == [
        ("NOT_EARNED", 1),
        ("EARNED", 3),
    ]


async def test_templates_are_bounded_in_bytes():
    templates = Templates(max_bytes=3_000)
    document = parse("{ getBadges { nodes { id title } } }", templates=templates)

    first, again = await run_compiled(document, {}), await run_compiled(document, {})

    assert first == again
    assert 0 < templates.currsize <= 3_000


@pytest.mark.parametrize(
    "text",
    [
        'mutation { setUserContext(uuid: "a", displayName: "b") { errors } }',
        "{ __schema { queryType { name } } }",
        "{ getBadges { totalItems } __typename }",
    ],
)
async def test_mutations_and_introspection_are_left_to_the_executor(text):
    assert await run_compiled(parse(text), {}) is None


async def test_resolver_gets_the_requested_fields():
    calls = []

    async def record(_context, _arguments, requested):
        calls.append(requested)

    bound = bind(SDL, {}, dict(BOUND.roots) | {"getBadge": record})
    document = parse(
        '{ a: getBadge(badgeId: "1") { x: picture { url } title @skip(if: true) ... on Badge { ...f } } } '
        "fragment f on Badge { id status @include(if: false) }",
        bound,
    )
    prepared, variables = await prepare(document, {})
    await prepared.compiled.run(None, variables)
    await run_executor(document, {}, DocumentCache(bound))

    assert calls == [frozenset({"picture", "picture.url", "id"})] * 2


def test_binding_rejects_missing_and_unknown_resolvers():
    with pytest.raises(LookupError, match="getBadges"):
        bind(SDL, {}, {name: get_badge for name in BOUND.roots if name != "getBadges"})
    with pytest.raises(LookupError, match="Badge has no field"):
        bind(SDL, {"Badge": {"other": earned}}, BOUND.roots)
    with pytest.raises(LookupError, match=r"not per-player fields: .*title"):
        bind(SDL, {"Badge": {"title": earned}}, BOUND.roots, PER_PLAYER)
