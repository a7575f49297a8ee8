"""Parts of an OpenAPI document that come from routes."""

import pytest

from service.http.openapi import path_parameters, path_template, query_parameter


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/metrics", "/metrics"),
        ("/titles/{title:[0-9]+}/issuer", "/titles/{title}/issuer"),
        ("/titles/{title:[0-9]{1,10}}/status/{list:[0-9]{1,10}}", "/titles/{title}/status/{list}"),
        ("/users/{id:(?!xuid[(]).+}/streak", "/users/{id}/streak"),
    ],
)
def test_path_template_has_no_regular_expressions(path, template):
    assert path_template(path) == template


def test_path_parameter_without_a_schema_is_a_text():
    parameters = path_parameters("/titles/{title}/{key}", {"title": {"type": "integer"}})

    assert [(parameter["name"], parameter["schema"]["type"]) for parameter in parameters] == [
        ("title", "integer"),
        ("key", "string"),
    ]


@pytest.mark.parametrize(("description", "is_required"), [("Required. The first day.", True), ("A day.", False)])
def test_query_parameter_is_required_if_its_description_says_so(description, is_required):
    assert query_parameter("day", {"type": "string"}, description)["required"] is is_required
