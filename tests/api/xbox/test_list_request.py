"""The query string of lists: what each parameter selects, in the spellings that real clients send."""

import urllib.parse

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from service import ticks
from service.api.xbox import list_request
from service.core.catalog.model import Window
from service.core.progress.paging import Order
from service.errors import InvalidParameter
from tests.factories import PLAYER, achievement


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


def ids(page) -> list[int]:
    """The achievement numbers on a page."""
    return [int(item["id"]) for item in page["achievements"]]


def total(page) -> int:
    """The length of the whole list."""
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
async def test_filters_select_items_and_change_the_total(ask_raw, query_string, expected):
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
async def test_order_by_orders_items(ask_raw, query_string, expected):
    _, page = await ask_raw(f"titleId=1&{query_string}")

    assert ids(page) == expected


async def test_items_are_ordered_by_display_order_then_number(ask, make_title):
    """Ids are text on the wire, yet 10 comes after 9."""
    orders = {9: 0, 10: 0, 100: 0, 2**32 - 1: 0, 2**31: 0, 1: 3, 2: 2}
    made = tuple(achievement(number, display_order=order) for number, order in orders.items())
    title_id = await make_title(achievements=made)

    assert ids(await ask(titleId=title_id)) == [9, 10, 100, 2**31, 2**32 - 1, 2, 1]


async def test_titles_are_ordered_by_id(ask, make_title, give):
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
async def test_possible_only_shows_no_progress(ask):
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
async def test_max_items_limits_the_page(ask_raw, make_title, query_string, count):
    await make_title(achievements=40)

    status, page = await ask_raw(f"titleId=1&{query_string}")

    assert status == 200
    assert ids(page) == [*range(1, count + 1)]
    assert total(page) == 40


@pytest.mark.parametrize(
    ("max_items", "count"), [(999, 999), (1000, 1000), (1001, 1000), (2000, 1000), (2**31 - 1, 1000)]
)
def test_page_holds_at_most_1000_items(max_items, count):
    assert list_request.parse_list_query(f"maxItems={max_items}", own_title=None).count == count


@pytest.mark.parametrize("skipped", ["5", "6", "9000", "2147483647"])
@pytest.mark.usefixtures("title")
async def test_skipping_past_the_end_gives_an_empty_page(ask_raw, skipped):
    status, page = await ask_raw(f"titleId=1&skipItems={skipped}")

    assert status == 200
    assert page == {"achievements": [], "pagingInfo": {"continuationToken": None, "totalRecords": 5}}


@pytest.mark.parametrize("titles", ["77", "77,78", "4294967295"])
@pytest.mark.usefixtures("title")
async def test_unknown_title_gives_an_empty_page(ask_raw, titles):
    status, page = await ask_raw(f"titleId={titles}")

    assert status == 200
    assert page == {"achievements": [], "pagingInfo": {"continuationToken": None, "totalRecords": 0}}


@pytest.mark.parametrize("titles", ["1,77", "77,1", "1,1", "1%2C1", "%201,%201", "01", "00000000001"])
@pytest.mark.usefixtures("title")
async def test_order_repetition_and_unknown_titles_do_not_matter(ask_raw, titles):
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
async def test_names_and_values_are_read_in_any_case_and_unknown_names_ignored(ask_raw, query_string):
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
async def test_path_is_read_in_the_spellings_of_clients(ask_raw, path):
    status, page = await ask_raw(path=path)

    assert (status, ids(page)) == (200, [1, 2, 3, 4, 5])


@pytest.mark.usefixtures("title")
async def test_path_with_trailing_slash_may_have_a_query(ask_raw):
    status, page = await ask_raw(path=f"/users/xuid({PLAYER})/history/titles/?titleId=1")

    assert (status, [title["titleId"] for title in page["titles"]]) == (200, [1])


async def test_largest_xuid_is_a_player(ask_raw):
    largest = str(2**64 - 1)

    status, page = await ask_raw(path=f"/users/xuid({largest})/achievements", player=largest)

    assert (status, ids(page)) == (200, [])


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
QUERIES = st.lists(PAIRS, max_size=6, unique_by=lambda pair: pair[0])


def parse_or_error(query_string: str) -> list_request.ListQuery | str:
    """The parsed query, or the message of the error."""
    try:
        return list_request.parse_list_query(query_string, own_title=7)
    except InvalidParameter as error:
        return str(error)


@examples(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.lists(st.tuples(st.sampled_from([*PARAMETERS]), st.text())).map(urllib.parse.urlencode)))
def test_any_text_is_parsed_or_rejected(text):
    query = parse_or_error(text)

    if isinstance(query, list_request.ListQuery):
        assert 1 <= query.count <= list_request.MAX_PAGE
        assert query.skip >= 0
        assert query.spec.order in Order
        assert not (query.spec.unlocked_only and query.spec.possible_only)
        assert (query.spec.own_title is None) == bool(query.spec.titles)


@examples(max_examples=100, deadline=None)
@given(QUERIES, st.randoms(use_true_random=False))
def test_case_and_order_of_parameters_do_not_matter(query, random):
    again = [(random.choice([name, name.lower(), name.upper()]), value) for name, value in query]
    random.shuffle(again)
    again = [(name, value if "A" * 32 in value else random.choice([value, value.lower()])) for name, value in again]
    before, after = parse_or_error(urllib.parse.urlencode(query)), parse_or_error(urllib.parse.urlencode(again))

    assert isinstance(before, str) == isinstance(after, str)
    if not isinstance(before, str):
        assert before == after
