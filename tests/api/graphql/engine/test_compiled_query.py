"""A compiled plan says what graphql-core says, byte for byte, errors included, whatever is asked."""

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
from service.api.graphql.engine import response_templates
from service.api.graphql.engine.compiled_query import FallbackToExecutor
from service.api.graphql.engine.document import Document
from service.api.graphql.engine.schema import Execution, PerPlayerFields, bind

SDL = pathlib.Path(graphql_api.__file__).with_name("schema.graphql").read_text(encoding="utf-8")
CURSOR = graphql.StringValueNode(value="c")


class Value:
    """Anything with attributes; those that it lacks are null."""

    def __init__(self, graphql_type: str = "", **fields: Any) -> None:
        self.graphql_type = graphql_type
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


class Path:
    """A criterion of a path."""

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


async def get_badge(_context, arguments, _asked):
    if arguments.get("badgeId") == "20":
        raise LookupError("no such badge")
    return BADGES[len(arguments.get("userContextId") or "") % 4] if arguments.get("badgeId") else None


async def get_badges(_context, arguments, _asked):
    shown = BADGES[: (arguments.get("first") or 4) % 5]
    return page(shown[::-1] if arguments.get("reverse") else shown)


async def get_user_context(_context, arguments, _asked):
    return Value(id="1", uuid=arguments["uuid"], display_name="Ada", is_active=True, scope=["AUTHENTICATED"])


async def set_user_context(_context, _arguments, _asked):
    return Value(errors=[], response=None)


def earned(badge, arguments, context):
    if arguments["format"] == "knots":
        raise ValueError(context)
    return None if badge.status == "NOT_EARNED" else f"{badge.id} {arguments['format']}"


def status(badge, _arguments, _context):
    return badge.status


def current(badge, _arguments, _context):
    return badge.earning_criteria.current_threshold


OWN = PerPlayerFields(
    of="Badge",
    key=lambda badge: badge.id,
    fields={
        ("Badge", "status"): status,
        ("Badge", "earned"): earned,
        ("BadgeEarningCriteriaSocialConnection", "currentThreshold"): current,
        ("BadgeEarningCriteriaSocialEngagement", "currentThreshold"): current,
        ("BadgeEarningCriteriaRegisteredFor", "currentThreshold"): current,
    },
)
GETTERS = {"Badge": {"earned": earned}}
ROOTS = {
    "getBadge": get_badge,
    "getBadges": get_badges,
    "getUserContext": get_user_context,
    "setUserContext": set_user_context,
}
BOUND = bind(SDL, GETTERS, ROOTS, OWN)
WITHOUT_TEMPLATES = bind(SDL, GETTERS, ROOTS)


async def by_graphql_core(document, variables):
    result = graphql.execute(BOUND.schema, document.node, context_value=Execution("context"), variable_values=variables)
    result = result if isinstance(result, graphql.ExecutionResult) else await result
    errors = [error.formatted for error in result.errors or ()]
    return msgspec.json.encode({"data": result.data} | ({"errors": errors} if errors else {})), bool(errors)


async def by_plan(document, variables):
    """What the plan says; None where it leaves it to graphql-core."""
    operation = document.operation(None)
    coerced = graphql.get_variable_values(BOUND.schema, operation.variable_definitions or (), variables)
    found = document.plan(operation, coerced)
    if found is None:
        return None
    try:
        return msgspec.json.encode({"data": await found.run("context", coerced)})
    except FallbackToExecutor:
        return None


def test_whatever_is_asked_a_plan_says_the_same_or_leaves_it_to_graphql_core():
    seen = Counter()

    async def compare(text):
        document = Document(BOUND, text)
        if document.errors:
            seen["too large"] += 1
            return
        expected, has_errors = await by_graphql_core(document, {})
        said = await by_plan(document, {})
        seen["left" if said is None else "planned"] += 1
        assert said in (None, expected)
        assert await by_plan(document, {}) == said, "by the templates that are there now"
        assert await by_plan(Document(WITHOUT_TEMPLATES, text), {}) == said, "without templates"
        assert said is not None or has_errors or "__" in text

    with asyncio.Runner() as runner:

        @settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
        @given(text=hypothesis_graphql.queries(SDL, custom_scalars={"Cursor": st.just(CURSOR)}))
        def fuzz(text):
            runner.run(compare(text))

        fuzz()

    assert seen["planned"] + seen["left"] >= 500, seen
    assert min(seen["planned"], seen["left"]) >= 10, seen


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


OWN_FIELDS = "fragment own on BadgeEarningCriteriaSocialConnection { threshold currentThreshold }"


@pytest.mark.parametrize("yes", [True, False])
@pytest.mark.parametrize("first", [1, 2, 6])
@pytest.mark.parametrize("no", [True, False, None])
async def test_fragments_directives_aliases_and_variables(yes, first, no):
    document = Document(BOUND, FRAGMENTS)
    variables = {"yes": yes, "first": first, "format": "Y"} | ({} if no is None else {"no": no})
    expected, _ = await by_graphql_core(document, variables)

    assert document.errors == []
    assert await by_plan(document, variables) == expected


async def test_arguments_are_those_of_the_request_and_not_of_the_first_one():
    document = Document(BOUND, 'query ($f: String) { getBadge(badgeId: "a") { earned(format: $f) } }')

    said = [await by_plan(document, {"f": text}) for text in ("a", "b")]
    assert said == [b'{"data":{"getBadge":{"earned":"b0 %s"}}}' % text for text in (b"a", b"b")]


async def test_what_is_the_same_for_all_is_rendered_once_and_what_is_not_every_time():
    document = Document(BOUND, '{ getBadge(badgeId: "a") { title status earningCriteria { ...own } } }' + OWN_FIELDS)
    rendered = []

    class Counted(Value):
        @property
        def title(self):
            rendered.append(self.id)
            return "Knots"

    said = []
    for shown, so_far in (("NOT_EARNED", 1), ("EARNED", 3)):
        criterion = Value("BadgeEarningCriteriaSocialConnection", threshold=3, current_threshold=so_far)
        BADGES.insert(0, Counted(id="counted", status=shown, earning_criteria=criterion))
        try:
            said.append(msgspec.json.decode(await by_plan(document, {}))["data"]["getBadge"])
        finally:
            del BADGES[0]

    assert rendered == ["counted"]
    assert [(badge["status"], badge["earningCriteria"]["currentThreshold"]) for badge in said] == [
        ("NOT_EARNED", 1),
        ("EARNED", 3),
    ]


async def test_templates_stay_within_their_bytes(monkeypatch):
    monkeypatch.setattr(response_templates, "_MOST_BYTES", 500)
    document = Document(BOUND, "{ getBadges { nodes { id title } } }")

    first, again = await by_plan(document, {}), await by_plan(document, {})

    assert first == again
    assert len(document._templates._kept) < len(BADGES)


@pytest.mark.parametrize(
    "text",
    [
        'mutation { setUserContext(uuid: "a", displayName: "b") { errors } }',
        "{ __schema { queryType { name } } }",
        "{ getBadges { totalItems } __typename }",
    ],
)
async def test_what_is_not_a_plain_query_is_left_to_graphql_core(text):
    assert await by_plan(Document(BOUND, text), {}) is None


async def test_a_resolver_hears_what_is_asked_below_it():
    heard = []

    async def listen(_context, _arguments, asked):
        heard.append(asked)

    bound = bind(SDL, {}, dict(BOUND.roots) | {"getBadge": listen})
    document = Document(
        bound, '{ a: getBadge(badgeId: "1") { x: picture { url } ... on Badge { ...f } } } fragment f on Badge { id }'
    )
    operation = document.operation(None)
    variables = graphql.get_variable_values(bound.schema, (), {})
    await document.plan(operation, variables).run(None, variables)
    await graphql.execute(bound.schema, document.node, context_value=Execution(None))

    assert heard == [frozenset({"picture", "picture.url", "id"})] * 2


def test_a_schema_is_bound_whole_or_not_at_all():
    with pytest.raises(LookupError, match="getBadges"):
        bind(SDL, {}, {name: get_badge for name in BOUND.roots if name != "getBadges"})
    with pytest.raises(LookupError, match="Badge has no field"):
        bind(SDL, {"Badge": {"other": earned}}, BOUND.roots)
    with pytest.raises(LookupError, match=r"not own: .*title"):
        bind(SDL, {"Badge": {"title": earned}}, BOUND.roots, OWN)
