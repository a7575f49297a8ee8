"""The query string: each parameter's good and bad values, in the spellings that real clients send."""

import urllib.parse

import pytest
import yarl
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from service import ticks
from service.api.xbox import list_request
from service.core.catalog.model import Window
from service.core.progress.paging import Order
from service.errors import InvalidParameter
from tests.factories import OTHER, PLAYER, achievement, authorization

WHOLE_NUMBER = "a whole number from 0 to 2147483647"


@pytest.fixture
async def title(make_title, give) -> int:
    """Title 1: 1 and 4 are persistent, 2 and 5 open challenges, 3 a closed one; 1, 3 and 4 are unlocked."""

    def challenge(number: int, year: int) -> object:
        window = Window(opens_at=0, closes_at=ticks.parse(f"{year}-01-01T00:00:00Z"))
        return achievement(number, kind="Challenge", window=window)

    made = (achievement(1), challenge(2, 2090), challenge(3, 2001), achievement(4), challenge(5, 2080))
    await make_title(1, achievements=made)
    await make_title(2, achievements=2)
    await give(1, {1: 10**17, 3: 3 * 10**17, 4: 2 * 10**17}, currents={2: ("40",)})
    return 1


@pytest.fixture
def ask_raw(client):
    """Asks with a query string, or a whole path, that is sent as it stands; gives status and JSON."""

    async def asked(query_string: str = "", *, path: str = f"/users/xuid({PLAYER})/achievements", player: str = PLAYER):
        url = yarl.URL(f"{path}?{query_string}" if query_string else path, encoded=True)
        headers = {"Authorization": authorization(player), "x-xbl-contract-version": "2"}
        response = await client.get(url, headers=headers)
        assert response.content_type == "application/json"
        return response.status, await response.json()

    return asked


def ids(page) -> list[int]:
    """The numbers on a page."""
    return [int(item["id"]) for item in page["achievements"]]


def total(page) -> int:
    """How long the page says that the whole list is."""
    return page["pagingInfo"]["totalRecords"]


# What each parameter does


@pytest.mark.parametrize(
    ("query_string", "expected"),
    [
        pytest.param("titleId=1", [1, 2, 3, 4, 5], id="everything"),
        pytest.param("titleId=1&types=Persistent", [1, 4], id="persistent"),
        pytest.param("titleId=1&types=Challenge", [2, 3, 5], id="challenges"),
        pytest.param("titleId=1&types=Challenge,Persistent", [1, 2, 3, 4, 5], id="both types"),
        pytest.param("titleId=1&types=Persistent%2C%20persistent", [1, 4], id="one type twice"),
        pytest.param("titleId=1&unlockedOnly=true", [1, 3, 4], id="unlocked, not what is under way"),
        pytest.param("titleId=1&unlockedOnly=false", [1, 2, 3, 4, 5], id="not only unlocked"),
        pytest.param("titleId=1&unlockedOnly=true&types=Challenge", [3], id="unlocked challenges"),
        pytest.param("titleId=2&unlockedOnly=true&types=Challenge", [], id="nothing"),
        pytest.param("titleId=1&possibleOnly=true", [1, 2, 3, 4, 5], id="possible"),
        pytest.param("titleId=1&possibleOnly=true&types=Persistent", [1, 4], id="possible persistent"),
        pytest.param("titleId=1&possibleOnly=false&unlockedOnly=true", [1, 3, 4], id="possibleOnly off"),
    ],
)
@pytest.mark.usefixtures("title")
async def test_filters_choose_and_change_the_count(ask_raw, query_string, expected):
    status, page = await ask_raw(query_string)

    assert status == 200
    assert (ids(page), total(page)) == (expected, len(expected))


@pytest.mark.parametrize(
    ("query_string", "expected"),
    [
        pytest.param("orderBy=Unordered", [1, 2, 3, 4, 5], id="Unordered"),
        pytest.param("orderBy=Title", [1, 2, 3, 4, 5], id="Title"),
        pytest.param("orderBy=UnlockTime", [3, 4, 1, 2, 5], id="UnlockTime: newest first, locked last"),
        pytest.param("orderBy=UnlockTime&unlockedOnly=true", [3, 4, 1], id="recent unlocks"),
        pytest.param(
            "orderBy=UnlockTime&possibleOnly=true", [1, 2, 3, 4, 5], id="nothing is unlocked in what could be"
        ),
        pytest.param("orderBy=EndingSoon", [5, 2, 1, 4, 3], id="EndingSoon: open, without a window, closed"),
        pytest.param("orderBy=EndingSoon&types=Challenge", [5, 2, 3], id="challenges that end soon"),
        pytest.param("orderBy=EndingSoon&unlockedOnly=true", [1, 4, 3], id="unlocked ones"),
    ],
)
@pytest.mark.usefixtures("title")
async def test_orders(ask_raw, query_string, expected):
    _, page = await ask_raw(f"titleId=1&{query_string}")

    assert ids(page) == expected


async def test_numbers_are_ordered_as_numbers_after_the_display_order(ask, make_title):
    """Ids are text on the wire, yet 10 comes after 9."""
    orders = {9: 0, 10: 0, 100: 0, 2**32 - 1: 0, 2**31: 0, 1: 3, 2: 2}
    made = tuple(achievement(number, display_order=order) for number, order in orders.items())
    title_id = await make_title(achievements=made)

    assert ids(await ask(titleId=title_id)) == [9, 10, 100, 2**31, 2**32 - 1, 2, 1]


async def test_several_titles_come_in_the_order_of_their_ids(ask, make_title, give):
    """And of unlocks at the same time the smaller title and the smaller number come first."""
    for title_id in (9, 10, 2**31):
        await make_title(title_id, achievements=2)
        await give(title_id, {2: 10**17, 1: 10**17})

    def places(page):
        return [(item["titleAssociations"][0]["id"], int(item["id"])) for item in page["achievements"]]

    expected = [(title_id, number) for title_id in (9, 10, 2**31) for number in (1, 2)]
    for order in ("Unordered", "Title", "UnlockTime", "EndingSoon"):
        assert places(await ask(titleId=f"{2**31},10,9", orderBy=order)) == expected


@pytest.mark.usefixtures("title")
async def test_what_is_possible_shows_nothing_of_the_player(ask):
    page = await ask(titleId=1, possibleOnly="true")

    assert {item["progressState"] for item in page["achievements"]} == {"NotStarted"}
    for item in page["achievements"]:
        assert item["progression"]["timeUnlocked"] == "0001-01-01T00:00:00.0000000Z"
        assert {requirement["current"] for requirement in item["progression"]["requirements"]} == {None}
    assert [*page["achievements"][0]] == [*(await ask(titleId=1))["achievements"][0]]


@pytest.mark.parametrize(
    ("query_string", "count"),
    [
        pytest.param("", 32, id="the default"),
        pytest.param("maxItems=0", 32, id="0 is the default"),
        pytest.param("maxItems=1", 1, id="1"),
        pytest.param("maxItems=100", 40, id="more than there are"),
        pytest.param("maxItems=1000", 40, id="1000, as unlockers ask"),
        pytest.param("maxItems=10000", 40, id="more than the service gives"),
        pytest.param("maxItems=2147483647", 40, id="int32"),
    ],
)
async def test_max_items_is_how_many_a_page_holds(ask_raw, make_title, query_string, count):
    await make_title(achievements=40)

    status, page = await ask_raw(f"titleId=1&{query_string}")

    assert status == 200
    assert ids(page) == [*range(1, count + 1)]
    assert total(page) == 40


@pytest.mark.parametrize(("asked", "count"), [(999, 999), (1000, 1000), (1001, 1000), (2000, 1000), (2**31 - 1, 1000)])
def test_a_page_holds_at_most_1000(asked, count):
    assert list_request.parse_list_query(f"maxItems={asked}", own_title=None).count == count


@pytest.mark.parametrize("skipped", ["5", "6", "9000", "2147483647"])
@pytest.mark.usefixtures("title")
async def test_skipping_past_the_end_is_an_empty_page(ask_raw, skipped):
    status, page = await ask_raw(f"titleId=1&skipItems={skipped}")

    assert status == 200
    assert page == {"achievements": [], "pagingInfo": {"continuationToken": None, "totalRecords": 5}}


@pytest.mark.parametrize("titles", ["77", "77,78", "4294967295"])
@pytest.mark.usefixtures("title")
async def test_a_title_that_nobody_knows_is_an_empty_page(ask_raw, titles):
    status, page = await ask_raw(f"titleId={titles}")

    assert status == 200
    assert page == {"achievements": [], "pagingInfo": {"continuationToken": None, "totalRecords": 0}}


@pytest.mark.parametrize("titles", ["1,77", "77,1", "1,1", "1%2C1", "%201,%201", "01"])
@pytest.mark.usefixtures("title")
async def test_titles_are_a_list_without_order_repetition_or_unknown_ones(ask_raw, titles):
    status, page = await ask_raw(f"titleId={titles}")

    assert status == 200
    assert ids(page) == [1, 2, 3, 4, 5]


# Spellings


@pytest.mark.parametrize(
    "query_string",
    [
        "TITLEID=1&TYPES=CHALLENGE&ORDERBY=ENDINGSOON&MAXITEMS=2&SKIPITEMS=1&UNLOCKEDONLY=FALSE&POSSIBLEONLY=FALSE",
        "titleid=1&types=challenge&orderby=endingsoon&maxitems=2&skipitems=1&unlockedonly=false&possibleonly=False",
        "titleId=1&types=Challenge&orderBy=Endingsoon&maxItems=02&skipItems=%31",
        "titleId=1&titleId=1&types=Challenge&orderBy=EndingSoon&ORDERBY=EndingSoon&maxItems=2&skipItems=1",
        "&&titleId=1&types=Challenge&&orderBy=EndingSoon&maxItems=2&skipItems=1&",
        "titleId=1&types=Challenge&orderBy=EndingSoon&maxItems=2&skipItems=1&continuationToken=0",
        "titleId=1&types=Challenge&orderBy=EndingSoon&maxItems=2&skipItems=1&future=yes&future=no&x&=&%C3%A9=%C3%A9",
        "%74itleId=1&types=%43hallenge&orderBy=EndingSoon&maxItems=2&skipItems=1#titleId=2",
    ],
)
@pytest.mark.usefixtures("title")
async def test_keys_and_values_are_read_in_any_case_and_unknown_keys_are_ignored(ask_raw, query_string):
    status, page = await ask_raw(query_string)

    assert (status, ids(page), total(page)) == (200, [2, 3], 3)


@pytest.mark.parametrize(
    "path",
    [
        f"/users/xuid%28{PLAYER}%29/achievements",
        f"/users/xuid%28{PLAYER}%29/achievements/",
        f"/users/xuid({PLAYER})/achievements/",
        f"/users/xuid({PLAYER})/achievements?",
        f"/users/xuid({PLAYER})/achievements/?",
        f"/users/xuid({PLAYER})/achievements?&",
        f"/users/xuid(000{PLAYER})/achievements",
    ],
)
@pytest.mark.usefixtures("title")
async def test_a_path_is_read_as_clients_write_it(ask_raw, path):
    status, page = await ask_raw(path=path)

    assert (status, ids(page)) == (200, [1, 2, 3, 4, 5])


@pytest.mark.usefixtures("title")
async def test_a_path_that_ends_in_a_slash_has_a_query_too(ask_raw):
    status, page = await ask_raw(path=f"/users/xuid({PLAYER})/history/titles/?titleId=1")

    assert (status, [title["titleId"] for title in page["titles"]]) == (200, [1])


async def test_the_largest_xuid_is_a_player(ask_raw):
    largest = str(2**64 - 1)

    status, page = await ask_raw(path=f"/users/xuid({largest})/achievements", player=largest)

    assert (status, ids(page)) == (200, [])


# What will not do


@pytest.mark.parametrize(
    ("query_string", "field", "came", "expected"),
    [
        *(
            pytest.param(f"{field}={sent}", field, came, WHOLE_NUMBER, id=f"{field} {sent}")
            for field in ("maxItems", "skipItems")
            for sent, came in {
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
                "null": "'null'",
                "1,2": "'1,2'",
                "%00": r"'\x00'",
            }.items()
        ),
        pytest.param("maxitems=abc", "maxItems", "'abc'", WHOLE_NUMBER, id="in any case, by its own name"),
        pytest.param("skipItems=-1&continuationToken=3", "skipItems", "'-1'", WHOLE_NUMBER, id="beside a token"),
        *(
            pytest.param(f"titleId={sent}", "titleId", came, "decimal, 1 to 4294967295", id=f"titleId {sent}")
            for sent, came in {
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
                "00000000001": "'00000000001'",
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
            pytest.param(f"{field}={sent}", field, came, "true or false", id=f"{field} {sent}")
            for field in ("unlockedOnly", "possibleOnly")
            for sent, came in {"1": "'1'", "": "''", "yes": "'yes'", "true,": "'true,'", "%20true": "' true'"}.items()
        ),
        *(
            pytest.param(f"types={sent}", "types", came, "Persistent, Challenge", id=f"types {sent}")
            for sent, came in {
                "All": "'All'",
                "": "''",
                "Persistent,": "'Persistent,'",
                "Persistent,Other": "'Persistent,Other'",
                "Persistent;Challenge": "'Persistent;Challenge'",
            }.items()
        ),
        *(
            pytest.param(f"orderBy={sent}", "orderBy", came, "UnlockTime or EndingSoon", id=f"orderBy {sent}")
            for sent, came in {"Name": "'Name'", "": "''", "Title,UnlockTime": "'Title,UnlockTime'", "2": "'2'"}.items()
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
async def test_what_cannot_be_read_is_refused_with_the_field_what_came_and_what_would_do(
    ask_raw, query_string, field, came, expected
):
    status, refusal = await ask_raw(query_string)

    assert (status, refusal["code"]) == (400, 4000)
    assert refusal["description"].startswith(f"{field}: expected ")
    assert came in refusal["description"]
    assert expected in refusal["description"]


async def test_64_parameters_are_not_too_many(ask_raw, title):
    status, page = await ask_raw("&".join([f"titleId={title}", *(f"a{n}=1" for n in range(63))]))

    assert (status, ids(page)) == (200, [1, 2, 3, 4, 5])


async def test_100_titles_are_not_too_many(ask_raw, title):
    status, page = await ask_raw("titleId=" + ",".join(str(n) for n in [*range(1000, 1099), title]))

    assert (status, ids(page)) == (200, [1, 2, 3, 4, 5])


@pytest.mark.parametrize("what", ["achievements", "titleachievements", "history/titles"])
@pytest.mark.usefixtures("title")
async def test_every_list_refuses_alike(ask_raw, what):
    for query_string in ("maxItems=abc", "titleId=", "orderBy=Name", "continuationToken=abc"):
        status, refusal = await ask_raw(query_string, path=f"/users/xuid({PLAYER})/{what}")

        assert status == 400, query_string
        assert refusal["description"].startswith(query_string.partition("=")[0])


@pytest.mark.usefixtures("title")
async def test_what_chooses_achievements_means_nothing_to_a_list_of_titles(ask_raw):
    for query_string in ("types=All", "unlockedOnly=true&possibleOnly=true"):
        status, page = await ask_raw(query_string, path=f"/users/xuid({PLAYER})/history/titles")

        assert (status, page["pagingInfo"]["totalRecords"]) == (200, 1)


async def test_a_message_does_not_grow_with_what_came(ask_raw):
    status, refusal = await ask_raw(f"orderBy={'a' * 4000}&{'b' * 1000}=1")

    assert status == 400
    assert len(refusal["description"]) < 200


@pytest.mark.parametrize(
    "xuid",
    ["undefined", "", "0x1", "-1", "1_2", "1%202", "%D9%A1%D9%A2", str(2**64), "9" * 40, "%00", "%FF", "1,2", "me"],
)
async def test_a_xuid_that_is_none_is_refused_in_json(ask_raw, xuid):
    """The npm client asks for `xuid(undefined)` before its login."""
    status, refusal = await ask_raw(path=f"/users/xuid({xuid})/achievements")

    assert status == 400
    assert refusal["description"].startswith("xuid: expected a decimal below 2^64")


async def test_whose_list_it_is_comes_before_what_is_asked_of_it(ask_raw):
    status, _ = await ask_raw("maxItems=abc", path=f"/users/xuid({OTHER})/achievements")

    assert status == 403


# Laws


PARAMETERS = {
    "titleId": ["1", "2,1", "1,2,2", "abc", "0"],
    "types": ["Persistent", "Challenge", "Challenge,Persistent", "x"],
    "orderBy": ["Unordered", "Title", "UnlockTime", "EndingSoon", "x"],
    "unlockedOnly": ["true", "false"],
    "possibleOnly": ["true", "false"],
    "maxItems": ["0", "1", "1000", "5000", "-1"],
    "skipItems": ["0", "7"],
    "continuationToken": ["", "0", "32", "A" * 32],
}
PAIRS = st.sampled_from([(name, value) for name, values in PARAMETERS.items() for value in values])
QUESTIONS = st.lists(PAIRS, max_size=6, unique_by=lambda pair: pair[0])


def read_or_refuse(query_string: str) -> list_request.ListQuery | str:
    """The question, or the message of its refusal."""
    try:
        return list_request.parse_list_query(query_string, own_title=7)
    except InvalidParameter as refusal:
        return str(refusal)


@examples(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.lists(st.tuples(st.sampled_from([*PARAMETERS]), st.text())).map(urllib.parse.urlencode)))
def test_any_text_is_read_or_refused(text):
    found = read_or_refuse(text)

    if isinstance(found, list_request.ListQuery):
        assert 1 <= found.count <= list_request.MAX_PAGE
        assert found.skip >= 0
        assert found.spec.order in Order
        assert not (found.spec.unlocked_only and found.spec.possible_only)
        assert (found.spec.own_title is None) == bool(found.spec.titles)


@examples(max_examples=100, deadline=None)
@given(QUESTIONS, st.randoms(use_true_random=False))
def test_case_and_order_of_the_parameters_do_not_matter(question, random):
    again = [(random.choice([name, name.lower(), name.upper()]), value) for name, value in question]
    random.shuffle(again)
    again = [(name, value if "A" * 32 in value else random.choice([value, value.lower()])) for name, value in again]
    before, after = read_or_refuse(urllib.parse.urlencode(question)), read_or_refuse(urllib.parse.urlencode(again))

    assert isinstance(before, str) == isinstance(after, str)
    if not isinstance(before, str):
        assert before == after
