"""The reference says what the code does: generated parts are current and complete, tables written by hand too."""

from collections.abc import Iterator
from typing import get_args

import pytest

from service import errors
from service.api.xbox import errors as xbox_errors
from service.core.formats.registry import EXPORT_FORMATS, IMPORT_FORMATS
from service.core.localization.strings import State
from service.core.validation import checks, text_checks, title_checks
from tests.docs import generate, pages
from tests.docs.generate import APIS, PART

REFERENCE = pages.ROOT / "docs/reference"
ONLY_OF_EDITING = (errors.Conflict, errors.InvalidCatalog, errors.PreconditionRequired)  # no Xbox route raises them
ALL_PARTS = {match[2] for path in generate.pages() for match in PART.finditer(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("path", generate.pages(), ids=lambda path: path.name)
def test_generated_parts_are_current(path):
    """`make reference` writes them."""
    text = path.read_text(encoding="utf-8")

    assert text == generate.generated(text)


def test_every_command_api_setting_and_metric_is_in_the_reference():
    commands = {f"command {name}" for name, _ in generate.commands()}
    listed = {name for part in ALL_PARTS if part.startswith("routes ") for name in part.split()[1:]}

    assert {part for part in ALL_PARTS if part.startswith("command ")} == commands
    assert listed == APIS.keys()
    assert {"settings", "metrics", "ops", "schema"} <= ALL_PARTS


def test_every_route_has_a_summary():
    assert [request for name in APIS for request, summary in generate.routes(name) if not summary] == []


def test_every_route_below_v1_is_there_without_it():
    paths = {f"{route.method} {generate.path_of(route)}" for api in APIS.values() for route in api.routes}

    assert {path.replace(" /v1/", " /") for path in paths} <= paths


def test_every_xbox_error_is_listed_with_its_status_and_code():
    instances = [
        kind.__new__(kind) for kind in _subclasses(errors.LaurelError) if not issubclass(kind, ONLY_OF_EDITING)
    ]
    pairs = {xbox_errors.status_and_code(error) for error in (None, *instances)}
    listed = pages.rows(pages.read(REFERENCE / "xbox.md"), "Errors")

    assert sorted((int(status), int(code)) for status, code, _ in listed) == sorted(pairs)


def _subclasses(kind: type[errors.LaurelError]) -> Iterator[type[errors.LaurelError]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def test_every_check_is_listed_under_its_severity():
    page = pages.read(REFERENCE / "checks.md")
    listed = {
        severity: {rule for rule, _ in pages.rows(page, heading)}
        for severity, heading in (("error", "Errors in a text"), ("warning", "Warnings about a text"))
    }

    assert text_checks.ERRORS.keys() <= listed["error"]
    assert {*text_checks.WARNINGS, *title_checks.WARNINGS} <= listed["warning"]


def test_every_rule_that_is_listed_exists():
    page = pages.read(REFERENCE / "checks.md")
    headings = ("Errors in a text", "Warnings about a text", "Publish rules", "Certification rules")
    listed = {rule for heading in headings for names, _ in pages.rows(page, heading) for rule in names.split(", ")}
    source = "".join(path.read_text(encoding="utf-8") for path in (pages.ROOT / "service").rglob("*.py"))

    assert [rule for rule in sorted(listed) if f'"{rule}"' not in source] == []


def test_the_length_limits_are_those_of_the_code():
    listed = pages.rows(pages.read(REFERENCE / "checks.md"), "Length limits")
    columns = (checks.ADVISED_LIMITS, checks.STORE_LIMITS["xbox"], checks.STORE_LIMITS["google-play"])

    for place, limits in enumerate(columns, start=1):
        assert {row[0]: int(row[place]) for row in listed if row[place]} == limits


def test_every_format_is_listed():
    page = pages.read(REFERENCE / "file-formats.md")

    assert {row[0] for row in pages.rows(page, "Export formats")} == set(EXPORT_FORMATS)
    assert {row[0] for row in pages.rows(page, "Import formats")} == set(IMPORT_FORMATS)


def test_every_state_of_a_text_is_listed():
    listed = pages.rows(pages.read(REFERENCE / "localization.md"), "States")

    assert {state for state, _ in listed} == set(get_args(State))
