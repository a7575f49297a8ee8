"""The cost of introspection covers what is answered, and lets the queries of tools pass."""

import graphql
import pytest
from graphql import FieldNode, OperationDefinitionNode

from service.api.graphql import SCHEMA
from service.api.graphql.engine.introspection import count_introspection
from service.api.graphql.engine.limits import MAX_COST, fragments_of

STANDARD = graphql.get_introspection_query(
    specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
)


def count(text: str) -> int:
    document = graphql.parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    roots = [root for root in operation.selection_set.selections if isinstance(root, FieldNode)]
    return sum(count_introspection(SCHEMA, root, fragments_of(document)) for root in roots)


def values(data: object) -> int:
    """The number of values in a response, objects included."""
    members = data.values() if isinstance(data, dict) else data
    return sum(
        (not isinstance(data, list)) + (values(member) if isinstance(member, dict | list) else 0) for member in members
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(STANDARD, id="the query of tools"),
        pytest.param("{ __schema { types { name fields { name type { ofType { name } } } } } }", id="fields"),
        pytest.param('{ __type(name: "Badge") { name fields { name args { name } } } }', id="one type"),
        pytest.param(
            "{ __typename a: __schema { queryType { name } ...f } } fragment f on __Schema { directives { name } }",
            id="fragments",
        ),
        pytest.param("{ __schema { types { ... on __Type { enumValues { name } } } } }", id="inline fragments"),
    ],
)
def test_cost_of_introspection_covers_its_values_and_is_within_the_limit(text):
    answered = values(graphql.graphql_sync(SCHEMA, text).data)

    assert answered <= count(text) < MAX_COST
