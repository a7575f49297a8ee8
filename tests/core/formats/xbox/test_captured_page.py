import json

import pytest

from service import ticks
from service.core.catalog.model import Window
from service.core.formats.xbox.captured_page import ImportedProgress, read_definitions, read_progress


def definitions(data):
    return read_definitions(data, file="page.json", locale="en-US")


def test_page_becomes_a_draft_of_its_title(make_page, make_item):
    [draft] = definitions(make_page(make_item(id="10"), make_item(id="9")))

    assert (draft.title.title_id, draft.title.version, draft.title.platform) == (3051199919, "abc", "Durango")
    assert [achievement.public_id for achievement in draft.achievements] == ["9", "10"]
    assert draft.achievements[0].gamerscore == 10
    assert draft.texts["en-US"]["title/name"] == "Saltglass"
    assert draft.texts["en-US"]["achievement/9/locked_description"] == "Light 250 street lamps."


def test_locale_of_the_draft_is_canonical(make_page, make_item):
    [draft] = read_definitions(make_page(make_item()), file="page.json", locale="FR_fr")

    assert (draft.title.default_locale, list(draft.texts)) == ("fr-FR", ["fr-FR"])


def test_two_titles_on_a_page_are_two_drafts(make_page, make_item):
    other = make_item(titleAssociations=[{"name": "Other", "id": 7}])

    assert [draft.title.title_id for draft in definitions(make_page(make_item(), other))] == [3051199919, 7]


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda item: json.dumps({"achievement": item}).encode(), id="the documented answer of one"),
        pytest.param(
            lambda item: json.dumps({"achievement": item, "achievements": [item]}).encode(),
            id="the answer with both keys",
        ),
        pytest.param(
            lambda item: b"\xef\xbb\xbf" + json.dumps({"achievements": [item]}).encode(), id="a byte order mark"
        ),
        pytest.param(
            lambda item: b"HTTP/1.1 200 OK\r\na: b,\r\n\r\n" + json.dumps({"achievements": [item]}).encode(),
            id="a captured answer",
        ),
    ],
)
def test_page_may_be_json_or_an_http_response(make_item, wrap):
    [draft] = definitions(wrap(make_item()))

    assert [achievement.number for achievement in draft.achievements] == [3]


def test_members_that_mocks_and_samples_lack_have_defaults(make_page, make_item):
    """XSAPI's mocks and Microsoft's printed samples."""
    requirement = {"id": "12345678-1234-1234-1234-123456789111", "target": "100", "operationType": "sum"}
    item = make_item(
        platforms=...,
        platform="D",
        progression={"requirements": [requirement]},
        timeWindow={"startDate": "2013-02-01T00:00:00.1Z", "endDate": "2100-07-01T00:00:00Z"},
        rewards=[{"value": "1", "type": "InApp", "valueType": "String"}],
    )

    [draft] = definitions(make_page(item))

    [achievement] = draft.achievements
    assert achievement.platforms == ("D",)
    assert (achievement.requirements[0].operation, achievement.requirements[0].value_type) == ("Sum", "Integer")
    assert achievement.rewards[0].media is None
    assert achievement.window == Window(
        opens_at=ticks.parse("2013-02-01T00:00:00.1Z"), closes_at=ticks.parse("2100-07-01T00:00:00Z"), fraction_digits=1
    )


def test_requirements_may_be_null(make_page, make_item):
    [draft] = definitions(make_page(make_item(progression={"requirements": None})))

    assert draft.achievements[0].requirements == ()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        pytest.param({"id": 3}, "u32", id="a number for an id"),
        pytest.param({"id": "03"}, "u32", id="an id with a leading zero"),
        pytest.param({"id": "4294967296"}, "u32", id="an id of 33 bits"),
        pytest.param({"name": "a\ud800b"}, "control-character", id="half a surrogate pair"),
        pytest.param({"name": "a\0b"}, "control-character", id="NUL"),
        pytest.param({"name": None}, "missing-member", id="no name"),
        pytest.param({"isSecret": "false"}, "wrong-type", id="text for a truth"),
        pytest.param({"mediaAssets": []}, "no-picture", id="no picture"),
        pytest.param({"platforms": ...}, "missing-member", id="no platform"),
        pytest.param({"titleAssociations": []}, "missing-member", id="no title"),
        pytest.param({"titleAssociations": [{"name": "a", "id": "7"}]}, "wrong-type", id="a title id as text"),
        pytest.param(
            {"rewards": [*[{"type": "Art", "value": "a", "valueType": "String"}] * 2]}, "two-rewards", id="two"
        ),
        pytest.param({"estimatedTime": "1.06:12:14"}, "duration", id="more than a day"),
        pytest.param({"timeWindow": {"startDate": "2013-02-30T00:00:00Z", "endDate": "x"}}, "time", id="no such day"),
        pytest.param({"progression": None}, "missing-member", id="no progression"),
        pytest.param({"achievementType": "persistent"}, "unknown-word", id="a word in another case"),
    ],
)
def test_invalid_member_is_an_error(make_page, make_item, rules_of, changes, rule):
    assert rule in rules_of(definitions, make_page(make_item(**changes)))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        pytest.param({}, "duplicate-number", id="an id twice"),
        pytest.param(
            {"id": "4", "serviceConfigId": "00000000-0000-0000-0000-000000000001"}, "two-scids", id="two scids"
        ),
        pytest.param(
            {"id": "4", "titleAssociations": [{"name": "Other", "id": 3051199919, "version": "abc"}]},
            "two-title-names",
            id="two names",
        ),
    ],
)
def test_achievements_with_contradicting_titles_are_errors(make_page, make_item, rules_of, changes, rule):
    assert rules_of(definitions, make_page(make_item(), make_item(**changes))) == [rule]


@pytest.mark.parametrize("read", [definitions, lambda data: read_progress(data, file="page.json")])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b'{\n "a": 1,\n}', ("not-json", 3), id="a trailing comma"),
        pytest.param(b'HTTP/1.1 200 OK\n\n{\n "a": 1,\n}', ("not-json", 5), id="the same in a captured answer"),
        pytest.param(b"[" * 100_000, ("not-json", None), id="nested too deeply"),
        pytest.param(b"1" * 5000, ("not-json", None), id="a number of 5000 digits"),
        pytest.param(b'{"a": NaN}', ("not-json", None), id="NaN"),
        pytest.param(b'{"achievements": [], "achievements": [1]}', ("duplicate-member", None), id="a member twice"),
        pytest.param(b'{"a":\n"\xff"}', ("not-text", 2), id="not UTF-8"),
        pytest.param(b" " * 5_300_000, ("too-large", None), id="more than 5 MB"),
        pytest.param(b'{"titles": []}', ("not-a-page", None), id="a list of titles"),
        pytest.param(b"[]", ("not-a-page", None), id="a list"),
        pytest.param(b'{"achievements": []}', ("no-achievements", None), id="no achievements"),
        pytest.param(b'{"achievements": [{"id": 1, "unlocked": true}]}', ("xbox-360", None), id="contract 1"),
    ],
)
def test_file_that_is_not_a_page_is_an_error(errors_of, read, data, expected):
    assert errors_of(read, data) == [expected]


def test_progress_has_unlocks_and_current_values(make_page, make_item):
    def with_progress(number, state, at, *currents):
        requirements = [{"id": "x", "current": current, "target": "1"} for current in currents]
        progression = {"requirements": requirements, "timeUnlocked": at}
        return make_item(id=number, progressState=state, progression=progression)

    page = make_page(
        with_progress("1", "Achieved", "2013-01-17T03:19:00.3087016Z", "3", None),
        with_progress("2", "InProgress", "0001-01-01T00:00:00Z", "1.0624"),
        with_progress("3", "NotStarted", "0001-01-01T00:00:00Z", None),
        with_progress("4", "InProgress", "0001-01-01T00:00:00Z", None),
        with_progress("5", "Achieved", "0001-01-01T00:00:00Z"),
    )

    assert read_progress(page, file="page.json") == [
        ImportedProgress(
            title_id=3051199919,
            unlocked={1: ticks.parse("2013-01-17T03:19:00.3087016Z"), 5: 0},
            currents={1: ("3", None), 2: ("1.0624",)},
        )
    ]


@pytest.mark.parametrize("current", ["", "1e3", "1,5", "١", "1" * 41, 3])
def test_current_value_is_a_decimal_as_text(make_page, make_item, rules_of, current):
    progression = {"requirements": [{"current": current}], "timeUnlocked": "0001-01-01T00:00:00Z"}

    assert rules_of(read_progress, make_page(make_item(progression=progression)), file="page.json") == ["decimal"]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        pytest.param({"progressState": "Invalid"}, "unknown-word", id="no such state"),
        pytest.param(
            {"progressState": "Achieved", "progression": {"timeUnlocked": None}}, "missing-member", id="no time"
        ),
        pytest.param({"progressState": "Achieved", "progression": {"timeUnlocked": "soon"}}, "time", id="not a time"),
    ],
)
def test_invalid_progress_is_an_error(make_page, make_item, rules_of, changes, rule):
    assert rules_of(read_progress, make_page(make_item(**changes)), file="page.json") == [rule]
