"""Invalid query strings and paths: the error names the parameter, what was sent and what is expected."""

import pytest

from tests.factories import OTHER, PLAYER

WHOLE_NUMBER = "a whole number from 0 to 2147483647"


@pytest.fixture
async def title(make_title, give) -> int:
    """Titles 1 and 2, of five and two achievements; the player has unlocked one of title 1."""
    await make_title(1, achievements=5)
    await make_title(2, achievements=2)
    await give(1, {1: 10**17})
    return 1


def ids(page) -> list[int]:
    """The numbers on a page."""
    return [int(item["id"]) for item in page["achievements"]]


@pytest.mark.parametrize(
    ("query_string", "field", "got", "expected"),
    [
        *(
            pytest.param(f"{field}={sent}", field, got, WHOLE_NUMBER, id=f"{field} {sent}")
            for field in ("maxItems", "skipItems")
            for sent, got in {
                "abc": "'abc'",
                "-1": "'-1'",
                "2147483648": "'2147483648'",
                "9" * 30: f"'{'9' * 30}'",
                "": "''",
                "1.0": "'1.0'",
                "1e3": "'1e3'",
                "0x10": "'0x10'",
                "1_0": "'1_0'",
                "%20": "' '",
                "%D9%A3": "'٣'",
                "+5": "' 5'",
                "%2B5": "'+5'",
                "null": "'null'",
                "1,2": "'1,2'",
                "%00": r"'\x00'",
            }.items()
        ),
        pytest.param("maxitems=abc", "maxItems", "'abc'", WHOLE_NUMBER, id="in any case, by its own name"),
        pytest.param("skipItems=-1&continuationToken=3", "skipItems", "'-1'", WHOLE_NUMBER, id="beside a token"),
        *(
            pytest.param(f"titleId={sent}", "titleId", got, "decimal, 1 to 4294967295", id=f"titleId {sent}")
            for sent, got in {
                "abc": "'abc'",
                "": "''",
                "0": "'0'",
                "-1": "'-1'",
                "4294967296": "'4294967296'",
                "1,": "'1,'",
                ",1": "',1'",
                "1;2": "'1;2'",
                "1,,2": "'1,,2'",
                "1,0x2": "'1,0x2'",
                "%D9%A3": "'٣'",
                "1.0": "'1.0'",
                "%2B1": "'+1'",
            }.items()
        ),
        pytest.param(
            "titleId=" + ",".join(str(n) for n in range(1, 102)),
            "titleId",
            "101",
            "at most 100 titles",
            id="101 titles",
        ),
        *(
            pytest.param(f"{field}={sent}", field, got, "true or false", id=f"{field} {sent}")
            for field in ("unlockedOnly", "possibleOnly")
            for sent, got in {"1": "'1'", "": "''", "yes": "'yes'", "true,": "'true,'", "%20true": "' true'"}.items()
        ),
        *(
            pytest.param(f"types={sent}", "types", got, "Persistent, Challenge", id=f"types {sent}")
            for sent, got in {
                "All": "'All'",
                "": "''",
                "Persistent,": "'Persistent,'",
                "Persistent,Other": "'Persistent,Other'",
                "Persistent;Challenge": "'Persistent;Challenge'",
            }.items()
        ),
        *(
            pytest.param(f"orderBy={sent}", "orderBy", got, "UnlockTime or EndingSoon", id=f"orderBy {sent}")
            for sent, got in {"Name": "'Name'", "": "''", "Title,UnlockTime": "'Title,UnlockTime'", "2": "'2'"}.items()
        ),
        pytest.param("unlockedOnly=true&possibleOnly=true", "possibleOnly", "unlockedOnly=true", "false", id="both"),
        pytest.param("maxItems=1&maxItems=2", "maxItems", "'2'", "one value, not '1'", id="twice"),
        pytest.param("orderBy=Title&ORDERBY=UnlockTime", "orderBy", "'UnlockTime'", "'Title'", id="twice in two cases"),
        pytest.param("titleId=1&titleId=2", "titleId", "'2'", "one value, not '1'", id="titleId twice"),
        pytest.param("unlockedOnly=%FF", "query", "", "UTF-8", id="not UTF-8"),
        pytest.param("%FF=1", "query", "", "UTF-8", id="not UTF-8 in a key"),
        pytest.param("future=%C3%28", "query", "", "UTF-8", id="not UTF-8 in what is ignored"),
        pytest.param("&".join(f"a{n}=1" for n in range(65)), "query", "", "at most 64 parameters", id="65 parameters"),
    ],
)
@pytest.mark.usefixtures("title")
async def test_invalid_value_is_rejected_with_field_value_and_expectation(ask_raw, query_string, field, got, expected):
    status, error = await ask_raw(query_string)

    assert (status, error["code"]) == (400, 4000)
    assert error["description"].startswith(f"{field}: expected ")
    assert got in error["description"]
    assert expected in error["description"]


async def test_64_parameters_are_accepted(ask_raw, title):
    status, page = await ask_raw("&".join([f"titleId={title}", *(f"a{n}=1" for n in range(63))]))

    assert (status, ids(page)) == (200, [1, 2, 3, 4, 5])


async def test_100_titles_are_accepted(ask_raw, title):
    status, page = await ask_raw("titleId=" + ",".join(str(n) for n in [*range(1000, 1099), title]))

    assert (status, ids(page)) == (200, [1, 2, 3, 4, 5])


@pytest.mark.parametrize("what", ["achievements", "titleachievements", "history/titles"])
@pytest.mark.usefixtures("title")
async def test_every_list_rejects_invalid_values_alike(ask_raw, what):
    for query_string in ("maxItems=abc", "titleId=", "orderBy=Name", "continuationToken=abc"):
        status, error = await ask_raw(query_string, path=f"/users/xuid({PLAYER})/{what}")

        assert status == 400, query_string
        assert error["description"].startswith(query_string.partition("=")[0])


@pytest.mark.usefixtures("title")
async def test_list_of_titles_ignores_parameters_of_achievements(ask_raw):
    for query_string in ("types=All", "unlockedOnly=true&possibleOnly=true"):
        status, page = await ask_raw(query_string, path=f"/users/xuid({PLAYER})/history/titles")

        assert (status, page["pagingInfo"]["totalRecords"]) == (200, 1)


async def test_error_message_quotes_a_bounded_part_of_the_value(ask_raw):
    status, error = await ask_raw(f"orderBy={'a' * 4000}&{'b' * 1000}=1")

    assert status == 400
    assert len(error["description"]) < 200


@pytest.mark.parametrize(
    "xuid",
    ["undefined", "", "0x1", "-1", "1_2", "1%202", "%D9%A1%D9%A2", str(2**64), "9" * 40, "%00", "%FF", "1,2", "me"],
)
async def test_invalid_xuid_is_rejected_in_json(ask_raw, xuid):
    """The npm client asks for `xuid(undefined)` before its login."""
    status, error = await ask_raw(path=f"/users/xuid({xuid})/achievements")

    assert status == 400
    assert error["description"].startswith("xuid: expected a decimal below 2^64")


async def test_authorization_precedes_validation_of_the_query(ask_raw):
    status, _ = await ask_raw("maxItems=abc", path=f"/users/xuid({OTHER})/achievements")

    assert status == 403
