"""The badges document, table by table: types, fields, arguments and rules, and a query of everything."""

import datetime

import msgspec
import pytest
from graphql import GraphQLNonNull, GraphQLUnionType, print_type

from service import ticks
from service.api.graphql import SCHEMA
from tests.api.graphql.conftest import ADMINISTRATOR, USER
from tests.factories import OTHER

TYPES = {
    "Badge": {
        "id": "ID!",
        "title": "String!",
        "picture": "MediaImage!",
        "status": "BadgeStatus!",
        "earned": "String",
        "earningCriteria": "BadgeEarningCriteria!",
    },
    "BadgeEarningCriteriaLpComplete": {"learningPathId": "ID!"},
    "BadgeEarningCriteriaLpPassed": {"learningPathId": "ID!"},
    "BadgeEarningCriteriaLpEnroll": {"learningPathId": "ID!"},
    "BadgeEarningCriteriaSocialConnection": {"threshold": "Int!", "currentThreshold": "Int!", "period": "Int"},
    "BadgeEarningCriteriaSocialEngagement": {"threshold": "Int!", "currentThreshold": "Int!"},
    "BadgeEarningCriteriaRegisteredFor": {"threshold": "Int!", "currentThreshold": "Int!"},
}
ARGUMENTS = {
    "getBadge": {"badgeId": "ID", "userContextId": "ID"},
    "getBadges": {
        "userContextId": "ID",
        "status": "BadgeStatus",
        "after": "Cursor",
        "before": "Cursor",
        "first": "Int",
        "last": "Int",
        "reverse": "Boolean",
        "sortKey": "BadgeSortKey",
    },
}


@pytest.mark.parametrize("name", TYPES)
def test_type_has_the_fields_of_its_table(name):
    assert {field: str(kind.type) for field, kind in SCHEMA.type_map[name].fields.items()} == TYPES[name]


@pytest.mark.parametrize("name", ARGUMENTS)
def test_query_has_the_arguments_of_its_table_all_optional(name):
    found = SCHEMA.query_type.fields[name].args

    assert {argument: str(kind.type) for argument, kind in found.items()} == ARGUMENTS[name]
    assert not any(isinstance(kind.type, GraphQLNonNull) for kind in found.values())


def test_earning_criteria_are_a_union_of_six_types():
    union = SCHEMA.type_map["BadgeEarningCriteria"]

    assert isinstance(union, GraphQLUnionType)
    assert {member.name for member in union.types} == TYPES.keys() - {"Badge"}


def test_earned_has_the_default_format_of_the_document():
    assert 'format: String = "d/m/Y"' in print_type(SCHEMA.type_map["Badge"])
    assert "EARNED" in SCHEMA.type_map["BadgeStatus"].values


async def test_one_query_returns_every_field_of_a_badge(ask_badges, make_context, give):
    """One earned badge and all criteria, as the document's example readers would ask for them."""
    await make_context(USER)
    at = ticks.from_datetime(datetime.datetime(2026, 3, 9, 12, tzinfo=datetime.UTC))
    await give(1, {2: at})
    result = await ask_badges(
        """{ getBadges { totalItems nodes { id title picture { url } status earned earningCriteria {
            ... on BadgeEarningCriteriaLpComplete { learningPathId }
            ... on BadgeEarningCriteriaLpPassed { learningPathId }
            ... on BadgeEarningCriteriaLpEnroll { learningPathId }
            ... on BadgeEarningCriteriaSocialConnection { threshold currentThreshold period }
            ... on BadgeEarningCriteriaSocialEngagement { threshold currentThreshold }
            ... on BadgeEarningCriteriaRegisteredFor { threshold currentThreshold } } } } }"""
    )
    badges = {badge["id"]: badge for badge in result["data"]["getBadges"]["nodes"]}

    assert result["data"]["getBadges"]["totalItems"] == 7
    assert badges["completed"] == {
        "id": "completed",
        "title": "Name 2",
        "picture": {"url": "https://images.example.com/icon.png"},
        "status": "EARNED",
        "earned": "09/03/2026",
        "earningCriteria": {"learningPathId": "knots"},
    }
    assert (badges["posted"]["status"], badges["posted"]["earned"]) == ("NOT_EARNED", None)
    assert badges["posted"]["earningCriteria"] == {"threshold": 2, "currentThreshold": 0}
    assert badges["quickly-connected"]["earningCriteria"] == {"threshold": 2, "currentThreshold": 0, "period": 3600}
    assert badges["registered"]["earningCriteria"]["threshold"] == 10**8


EVERYTHING = """{ getBadges { nodes { __typename id title status earned
    picture { id url alt title width height mimeType }
    earningCriteria { __typename
        ... on BadgeEarningCriteriaLpComplete { learningPathId }
        ... on BadgeEarningCriteriaLpPassed { learningPathId }
        ... on BadgeEarningCriteriaLpEnroll { learningPathId }
        ... on BadgeEarningCriteriaSocialConnection { threshold currentThreshold period }
        ... on BadgeEarningCriteriaSocialEngagement { threshold currentThreshold }
        ... on BadgeEarningCriteriaRegisteredFor { threshold currentThreshold } } } } }"""


async def test_response_contains_nothing_of_the_user_before(ask_badges, make_context, give, time_machine):
    """One has earned all, the other nothing; either is told the same whoever has asked in these words before."""
    time_machine.move_to(datetime.datetime.now(datetime.UTC), tick=False)  # membership is told in seconds
    await make_context(USER)
    await make_context(ADMINISTRATOR, player=OTHER)
    await give(
        1, dict.fromkeys(range(1, 8), ticks.from_datetime(datetime.datetime(2026, 3, 9, 12, tzinfo=datetime.UTC)))
    )
    answers = {}
    for order, text in enumerate((EVERYTHING, EVERYTHING + " ")):
        for user in (USER, ADMINISTRATOR)[:: -1 if order else 1]:
            nodes = (await ask_badges(text, user=user))["data"]["getBadges"]["nodes"]
            answers.setdefault(user, []).append(nodes)

    assert [len(set(map(msgspec.json.encode, result))) for result in answers.values()] == [1, 1]
    pairs = list(zip(answers[USER][0], answers[ADMINISTRATOR][0], strict=True))
    assert len(pairs) == 7
    for earned, not_earned in pairs:
        assert (earned["status"], not_earned["status"]) == ("EARNED", "NOT_EARNED")
        assert (earned["earned"], not_earned["earned"]) == ("09/03/2026", None)
        criterion, other = earned["earningCriteria"], not_earned["earningCriteria"]
        assert criterion.get("currentThreshold", 1) > other.get("currentThreshold", 0)
