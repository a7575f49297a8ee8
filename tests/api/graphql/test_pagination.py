"""Cursors and pages: every badge once, forwards and backwards, in every order, also if badges are earned meanwhile."""

import gql
import pytest
from gql.transport.aiohttp import AIOHTTPTransport
from hypothesis import given, settings
from hypothesis import strategies as st

from service.api.graphql.pagination import Cursors, PageArguments, slice_page
from service.errors import ExpiredToken, InvalidToken
from tests.api.graphql.conftest import USER
from tests.factories import counted, metric

FORWARD = """query ($first: Int, $after: Cursor, $key: BadgeSortKey, $reverse: Boolean, $status: BadgeStatus) {
  getBadges(first: $first, after: $after, sortKey: $key, reverse: $reverse, status: $status) {
    totalItems edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
BACKWARD = """query ($last: Int, $before: Cursor, $key: BadgeSortKey, $reverse: Boolean) {
  getBadges(last: $last, before: $before, sortKey: $key, reverse: $reverse) {
    edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
CURSORS = Cursors(b"key", 1, incarnation="0123abcd")
OTHERS = (
    Cursors(b"other", 1, incarnation="0123abcd"),
    Cursors(b"key", 2, incarnation="0123abcd"),
    Cursors(b"key", 1, incarnation="ffffffff"),
)
WHOLE = "query ($key: BadgeSortKey, $reverse: Boolean) { getBadges(sortKey: $key, reverse: $reverse) { nodes { id } } }"


@pytest.fixture
async def academy(make_title):
    """Title 1 with badges 1 to 23, of few different titles, and one that only its earners see."""
    achievements = [counted(n, n, metric="social-posts", public_id=f"b{n}") for n in range(1, 23)]
    achievements.append(counted(23, 23, metric="social-posts", public_id="b23", status="locked"))
    texts = {f"achievement/{n}/name": f"Titel {n % 3}" for n in range(1, 24)}
    return await make_title(
        1, achievements=tuple(achievements), metrics=(metric("social-posts"),), texts={"de-DE": texts}
    )


@pytest.fixture
async def session(client, application, make_context, give):
    """The public client `gql`, context as a user who has three badges, the one of old among them."""
    await make_context(USER)
    await give(1, {5: 30, 2: 20, 23: 10})
    transport = AIOHTTPTransport(
        str(client.make_url("/graphql")), headers={"Authorization": application, "Opigno-Client-UUID": USER}
    )
    async with gql.Client(transport=transport, fetch_schema_from_transport=True) as made:
        yield made


async def ask(session, query, **variables):
    request = gql.gql(query)
    request.variable_values = variables
    return (await session.execute(request))["getBadges"]


async def walk(session, query, *, size, key, reverse, **more):
    """The ids of each page, forward by `first` or backward by `last`."""
    is_forward = query is FORWARD
    pages, cursor = [], None
    while True:
        place = {"first": size, "after": cursor} if is_forward else {"last": size, "before": cursor}
        page = await ask(session, query, key=key, reverse=reverse, **place, **more)
        pages.append([edge["node"]["id"] for edge in page["edges"]])
        info = page["pageInfo"]
        assert (info["startCursor"], info["endCursor"]) == (page["edges"][0]["cursor"], page["edges"][-1]["cursor"])
        assert info["hasPreviousPage" if is_forward else "hasNextPage"] == (cursor is not None)
        if not info["hasNextPage" if is_forward else "hasPreviousPage"]:
            return pages
        cursor = info["endCursor" if is_forward else "startCursor"]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("key", ["CREATED", "TITLE", "EARNED"])
@pytest.mark.parametrize("size", [1, 4, 23, 100])
async def test_public_client_reads_every_page_forwards_and_backwards(session, size, key, reverse):
    whole = [node["id"] for node in (await ask(session, WHOLE, key=key, reverse=reverse))["nodes"]]
    forward = await walk(session, FORWARD, size=size, key=key, reverse=reverse)
    backward = await walk(session, BACKWARD, size=size, key=key, reverse=reverse)

    assert len(whole) == len(set(whole)) == 23
    assert [badge for page in forward for badge in page] == whole
    assert [badge for page in reversed(backward) for badge in page] == whole
    assert {len(page) for page in forward[:-1]} <= {size}


async def test_sort_keys_order_badges_and_reverse_mirrors_them(session):
    async def listed(key, *, reverse=False):
        return [node["id"] for node in (await ask(session, WHOLE, key=key, reverse=reverse))["nodes"]]

    created, earned, title = [await listed(key) for key in ("CREATED", "EARNED", "TITLE")]

    assert created == [f"b{n}" for n in range(1, 24)]
    assert earned[:3] == ["b23", "b2", "b5"]
    assert earned[3:] == [badge for badge in created if badge not in earned[:3]]
    assert title == sorted(created, key=lambda badge: (f"name {badge[1:]}", int(badge[1:])))
    for key, order in (("CREATED", created), ("EARNED", earned), ("TITLE", title)):
        assert await listed(key, reverse=True) == order[::-1]


@pytest.mark.usefixtures("session")
async def test_titles_are_sorted_in_the_callers_language(ask_badges):
    query = "{ getBadges(sortKey: TITLE, first: 9) { nodes { id title } } }"
    response = await ask_badges(query, headers={"Accept-Language": "de"}, raw=True)
    nodes = (await response.json())["data"]["getBadges"]["nodes"]

    assert [node["title"] for node in nodes] == ["Titel 0"] * 7 + ["Titel 1"] * 2
    assert [node["id"] for node in nodes[:3]] == ["b3", "b6", "b9"]
    assert response.headers["Content-Language"] == "de-DE"


async def test_status_filter_has_its_own_count_and_pages(session):
    earned = await ask(session, FORWARD, first=2, status="EARNED")
    missing = await ask(session, FORWARD, first=100, status="NOT_EARNED")

    assert (earned["totalItems"], earned["pageInfo"]["hasNextPage"]) == (3, True)
    assert (missing["totalItems"], len(missing["edges"])) == (20, 20)


async def test_badge_earned_between_pages_does_not_shift_creation_order(session, give):
    first = await ask(session, FORWARD, first=10)
    await give(1, {11: 40, 1: 50})
    second = await ask(session, FORWARD, first=100, after=first["pageInfo"]["endCursor"])

    assert [edge["node"]["id"] for edge in second["edges"]] == [f"b{n}" for n in range(11, 24)]


async def test_empty_page_has_no_cursors(session):
    last = (await ask(session, FORWARD, first=100))["pageInfo"]["endCursor"]
    page = await ask(session, FORWARD, first=5, after=last)

    assert page["edges"] == []
    assert page["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}


@pytest.mark.usefixtures("session")
async def test_locked_badge_is_shown_only_to_its_earners(ask_badges, make_context):
    other = "00000000-0000-4000-8000-000000000009"
    await make_context(other, player="other")
    query = '{ getBadge(badgeId: "b23") { id status } getBadges { totalItems } }'

    assert (await ask_badges(query))["data"] == {
        "getBadge": {"id": "b23", "status": "EARNED"},
        "getBadges": {"totalItems": 23},
    }
    assert (await ask_badges(query, user=other))["data"] == {"getBadge": None, "getBadges": {"totalItems": 22}}


async def test_cursor_of_another_sort_key_is_rejected(session):
    cursor = (await ask(session, FORWARD, first=1, key="TITLE"))["pageInfo"]["endCursor"]
    with pytest.raises(gql.transport.exceptions.TransportQueryError, match="invalid cursor") as refused:
        await ask(session, FORWARD, first=1, key="CREATED", after=cursor)

    assert refused.value.errors[0]["extensions"]["code"] == "INVALID_CURSOR"


PLACES = st.tuples(st.integers(0, 2**62) | st.text(max_size=120), st.integers(1, 2**32 - 1))
KEYS = st.sampled_from(["CREATED", "TITLE", "EARNED"])


@given(place=PLACES, key=KEYS, now=st.integers(0, 2**40), later=st.integers(0, 24 * 3600))
def test_cursor_is_valid_for_a_day(place, key, now, later):
    text = CURSORS.write(key, place, now=now)

    assert CURSORS.read(text, key, now=now + later) == place
    assert CURSORS.write(key, place, now=now // 3600 * 3600) == text
    with pytest.raises(ExpiredToken, match="expired cursor"):
        CURSORS.read(text, key, now=now + 25 * 3600 + 3600)


@given(place=PLACES, key=KEYS, data=st.data())
def test_altered_or_foreign_cursor_is_rejected(place, key, data):
    text = CURSORS.write(key, place, now=0)
    index = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from([c for c in "AZaz09-_" if c != text[index]]))
    altered = text[:index] + other + text[index + 1 :]
    for reader, wrong in ((CURSORS, text[:index]), *((other, text) for other in OTHERS)):
        with pytest.raises(InvalidToken, match="invalid cursor"):
            reader.read(wrong, key, now=0)
    try:  # the last character of base64 has bits that say nothing
        assert CURSORS.read(altered, key, now=0) == place
        assert index == len(text) - 1
    except InvalidToken:
        pass


@given(st.text(max_size=60))
def test_random_text_is_rejected_as_a_cursor(text):
    with pytest.raises(InvalidToken):
        CURSORS.read(text, "CREATED", now=0)


@settings(max_examples=200)
@given(
    numbers=st.sets(st.integers(1, 40), max_size=20),
    size=st.integers(1, 25),
    is_reversed=st.booleans(),
    cursor=st.none() | st.integers(0, 41),
    is_forward=st.booleans(),
)
def test_page_is_after_or_before_the_cursor(numbers, size, is_reversed, cursor, is_forward):
    """The cursor need not be of an item that is still there."""
    places = [(number, number) for number in sorted(numbers, reverse=is_reversed)]
    place = None if cursor is None else (cursor, cursor)
    asked = (
        PageArguments(first=size, after=place, is_reversed=is_reversed)
        if is_forward
        else PageArguments(last=size, before=place, is_reversed=is_reversed)
    )
    part = slice_page(len(places), asked, places.__getitem__)
    shown = [number for number, _ in places[part.start : part.stop]]

    def is_wanted(number):
        return cursor is None or ((number > cursor) == (is_forward != is_reversed) and number != cursor)

    wanted = [number for number, _ in places if is_wanted(number)]
    assert shown == (wanted[:size] if is_forward else wanted[-size:])
    assert part.has_next_page == bool(shown and (len(wanted) > size if is_forward else cursor is not None))
    assert part.has_previous_page == bool(shown and (cursor is not None if is_forward else len(wanted) > size))
