"""Pages join up: following tokens gives every item once, in the order of one big page, whatever happens meanwhile."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import pytest
import yarl
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from service import ticks
from service.core.auth.principal import OPERATOR
from service.core.catalog.model import Achievement, Window
from service.core.progress.continuation import ContinuationTokens
from service.core.progress.reader import ProgressReader
from service.core.publishing.drafts import import_draft
from service.core.publishing.publish import roll_back
from service.core.publishing.snapshot import SnapshotStore
from service.http.services import Services
from service.server.app import make_application, make_services
from tests.factories import OTHER, PLAYER, achievement, authorization, draft, publish_draft

ORDERS = ("Unordered", "Title", "UnlockTime", "EndingSoon")
FILTERS: Mapping[str, Mapping[str, str]] = {
    "all": {},
    "unlocked": {"unlockedOnly": "true"},
    "possible": {"possibleOnly": "true"},
    "persistent": {"types": "Persistent"},
    "unlocked challenges": {"types": "Challenge", "unlockedOnly": "true"},
    "possible challenges": {"types": "Challenge", "possibleOnly": "true"},
}
LANGUAGES = ("en-US", "fr-FR", "de", "*;q=0", "")
LONG_AGO = ticks.parse("1999-01-01T00:00:00Z")

Name = tuple[int, int]
"""A title id and an achievement's number."""


@pytest.fixture
def services(services: Services) -> Services:
    """The tags in a token are a byte each: with a key that is always the same, which of them differ is no chance."""
    return msgspec.structs.replace(services, continuation_tokens=ContinuationTokens(b"the same in every run"))


def names(page: Mapping[str, Any]) -> list[Name]:
    """What is on a page, in order."""
    return [(item["titleAssociations"][0]["id"], int(item["id"])) for item in page["achievements"]]


def ids(page: Mapping[str, Any]) -> list[int]:
    """What is on a page of one title, in order."""
    return [number for _, number in names(page)]


def token_of(page: Mapping[str, Any]) -> str | None:
    """Where a page says that the next one begins."""
    token: str | None = page["pagingInfo"]["continuationToken"]
    return token


async def follow(ask: Any, token: str | None = None, **query: Any) -> list[dict[str, Any]]:
    """All pages of a list, from its beginning or from a token."""
    pages = []
    for _ in range(100):
        page = await ask(**query, **({} if token is None else {"continuationToken": token}))
        pages.append(page)
        token = token_of(page)
        if token is None:
            return pages
    raise AssertionError("these pages never end")


# Any list, while anything happens


class Unlock(NamedTuple):
    """The player unlocks something; indexes count round."""

    title: int
    achievement: int
    at: int


class Publish(NamedTuple):
    """These achievements change or are new, and a release is served."""

    title: int
    achievements: tuple[Achievement, ...]


class Rollback(NamedTuple):
    """The title's first release is served again."""

    title: int


Happening = Unlock | Publish | Rollback


class Plan(NamedTuple):
    """Titles, what the player has in them, and a walk. What is between pages is used in turn, over and over."""

    titles: Sequence[tuple[Achievement, ...]]
    unlocks: Sequence[Unlock]
    by_title_id: bool
    with_own_title: bool
    kind: str | None
    sizes: Sequence[int]
    meanwhile: Sequence[Sequence[Happening]]


TIMES = st.sampled_from([0, LONG_AGO, LONG_AGO + 1, ticks.parse("2020-02-29T23:59:59.9999999Z")])  # few, so some tie
CLOSINGS = [None, "2001-01-01T00:00:00Z", "2001-01-01T00:00:00.5Z", "2090-01-01T00:00:00Z", "2091-01-01T00:00:00Z"]
WINDOWS = st.sampled_from(CLOSINGS).map(
    lambda text: None if text is None else Window(opens_at=LONG_AGO, closes_at=ticks.parse(text))
)
NUMBERS = st.sampled_from([1, 2, 3, 7, 10, 100, 2**31 - 1, 2**31, 2**32 - 1])
ACHIEVEMENTS = st.lists(
    st.builds(
        achievement,
        NUMBERS,
        display_order=st.integers(0, 2),
        kind=st.sampled_from(["Persistent", "Challenge"]),
        window=WINDOWS,
    ),
    unique_by=lambda one: one.number,
    min_size=1,
    max_size=7,
).map(tuple)
INDEXES = st.integers(0, 8)  # of a title, or of an achievement in it, counted round
UNLOCKS = st.builds(Unlock, INDEXES, INDEXES, TIMES)
PLANS = st.builds(
    Plan,
    titles=st.lists(ACHIEVEMENTS, min_size=1, max_size=3),
    unlocks=st.lists(UNLOCKS, max_size=8),
    by_title_id=st.booleans(),
    with_own_title=st.booleans(),
    kind=st.sampled_from([None, "Persistent", "Challenge", "Challenge,Persistent"]),
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    meanwhile=st.lists(
        st.lists(
            st.one_of(UNLOCKS, st.builds(Publish, INDEXES, ACHIEVEMENTS), st.builds(Rollback, INDEXES)), max_size=3
        ),
        min_size=1,
        max_size=4,
    ),
)
_title_ids = itertools.count(2**31 - 20, 3)  # of every example its own, some below and some above 2³¹
_players = itertools.count(int(OTHER) + 1)


class World:
    """A plan carried out: what there is now, kept beside the service to compare with."""

    def __init__(self, plan: Plan, make_title: Any, give: Any, pool: Any, services: Services) -> None:
        self.plan = plan
        self.player = str(next(_players))
        self.title_ids = [next(_title_ids) for _ in plan.titles]
        self.published: dict[int, dict[int, Achievement]] = {title_id: {} for title_id in self.title_ids}
        self.unlocked: dict[Name, int] = {}
        self._make_title, self._give, self._pool, self._services = make_title, give, pool, services

    async def begin(self) -> None:
        """What there is before the walk."""
        for title, achievements in enumerate(self.plan.titles):
            await self.happen(Publish(title, achievements))
        for unlock in self.plan.unlocks:
            await self.happen(unlock)

    async def happen(self, what: Happening) -> None:
        """Do it, here and in the service."""
        title_id = self.title_ids[what.title % len(self.title_ids)]
        published = self.published[title_id]
        match what:
            case Unlock(_, index, at):
                number = sorted(published)[index % len(published)]
                self.unlocked.setdefault((title_id, number), at)
                await self._give(title_id, {number: at}, player=self.player)
            case Publish(_, achievements):
                french = {"fr-FR": {"title/name": f"Titre {len(achievements)}"}}
                await self._make_title(title_id, achievements=achievements, texts=french)
                published |= {one.number: one for one in achievements}
            case Rollback():
                async with self._pool.transaction() as connection:
                    await roll_back(connection, OPERATOR, title_id, 1)
                await self._services.snapshots.refresh()

    @property
    def own_title(self) -> int | None:
        """The title that the player's token speaks for."""
        return self.title_ids[0] if self.plan.with_own_title else None

    def query(self, order: str, chosen: Mapping[str, str]) -> dict[str, str]:
        """What the list is asked for."""
        query = {"orderBy": order, **chosen}
        if self.plan.by_title_id:
            query["titleId"] = ",".join(str(title_id) for title_id in reversed(self.title_ids))
        if self.plan.kind is not None:
            query["types"] = self.plan.kind
        return query

    def expected(self, order: str, chosen: Mapping[str, str]) -> list[Name]:
        """What the document says that the whole list is, before anything happened."""
        scope = {title_id for title_id, _ in self.unlocked} | {self.own_title}
        found = [
            ((title_id, one.display_order, one.number), one)
            for title_id in self.title_ids
            if self.plan.by_title_id or title_id in scope
            for one in self.published[title_id].values()
            if self.plan.kind in {None, "Challenge,Persistent", one.kind}
            if "unlockedOnly" not in chosen or (title_id, one.number) in self.unlocked
        ]

        def key(entry: tuple[tuple[int, int, int], Achievement]) -> tuple[Any, ...]:
            place, one = entry
            at = self.unlocked.get((place[0], one.number))
            if order == "UnlockTime" and "possibleOnly" not in chosen and at is not None:
                return 0, -at, place[0], one.number
            if order == "EndingSoon" and one.window is None:
                return 1, 0, *place
            if order == "EndingSoon" and one.window is not None:
                has_closed = one.window.closes_at < ticks.parse("2026-01-01T00:00:00Z")
                return 2 if has_closed else 0, one.window.closes_at, *place
            return 3, 0, *place

        return [(place[0], one.number) for place, one in sorted(found, key=key)]


@pytest.mark.parametrize("only", ["all", "unlocked", "possible"])
@pytest.mark.parametrize("order", ORDERS)
@examples(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=PLANS)
async def test_a_walk_gives_every_item_once_in_order_whatever_happens_meanwhile(  # noqa: PLR0917  (fixtures)
    ask, make_title, give, pool, services, order, only, plan
):
    """Unlocks, publishes, rollbacks, other languages and page sizes between two pages.

    Nothing of the first moment is missing, moved or repeated. What is new shows only where it can without that:
    unlocked later, under unlockedOnly in another order than UnlockTime; or in a title that joined the player's own.
    """
    world = World(plan, make_title, give, pool, services)
    await world.begin()
    own = {"player": world.player, "headers": {"Authorization": authorization(world.player, title_id=world.own_title)}}
    query = world.query(order, FILTERS[only])
    expected = world.expected(order, FILTERS[only])
    unlocked_before = dict(world.unlocked)

    whole = await ask(**own, **query, maxItems=1000)
    walked: list[Name] = []
    token = ""
    happenings, sizes, languages = (itertools.cycle(each) for each in (plan.meanwhile, plan.sizes, LANGUAGES))
    while token is not None:
        own["headers"]["Accept-Language"] = next(languages)
        page = await ask(**own, **query, maxItems=next(sizes), continuationToken=token)
        walked += names(page)
        token = token_of(page)
        for happening in next(happenings):
            await world.happen(happening)

    assert names(whole) == expected
    assert whole["pagingInfo"] == {"continuationToken": None, "totalRecords": len(expected)}
    assert len(set(walked)) == len(walked)
    assert [name for name in walked if name in expected] == expected
    titles_before = {title_id for title_id, _ in unlocked_before} | {world.own_title}
    for title_id, number in set(walked) - set(expected):
        has_joined = not plan.by_title_id and title_id not in titles_before
        is_unlocked_later = (title_id, number) in world.unlocked.keys() - unlocked_before.keys()
        assert has_joined or (only == "unlocked" and order != "UnlockTime" and is_unlocked_later)


# One list, every filter × order × page size


@pytest.fixture
async def titles(make_title, give) -> str:
    """Two titles with orders, kinds, windows and unlocks that all differ; gives their ids as a list."""

    def closing(year: int) -> Window:
        return Window(opens_at=LONG_AGO, closes_at=ticks.parse(f"{year}-01-01T00:00:00Z"))

    changes: dict[int, dict[str, Any]] = {
        2: {"kind": "Challenge", "window": closing(2090)},
        3: {"display_order": 9},
        5: {"kind": "Challenge", "window": closing(2005)},
        6: {"kind": "Challenge", "window": closing(2080)},
        8: {"kind": "Challenge", "display_order": 1},
        11: {"window": closing(2001)},
    }
    made = tuple(achievement(number, **changes.get(number, {})) for number in range(1, 13))
    await make_title(7, achievements=made)
    await make_title(2**32 - 1, achievements=made[:4])
    await give(7, {3: LONG_AGO, 8: LONG_AGO + 5, 12: LONG_AGO})
    await give(2**32 - 1, {2: LONG_AGO + 5, 1: LONG_AGO + 9})
    return "7,4294967295"


@pytest.mark.parametrize("only", FILTERS)
@pytest.mark.parametrize("order", ORDERS)
async def test_pages_of_every_size_join_up(ask, titles, order, only):
    for scope in ({"titleId": titles}, {"titleId": 7}, {}):
        query = {**scope, "orderBy": order, **FILTERS[only]}
        whole = await ask(**query, maxItems=1000)
        everything = whole["achievements"]
        for size in (1, 2, 5, 32):
            pages = await follow(ask, maxItems=size, **query)

            assert [item for page in pages for item in page["achievements"]] == everything
            assert all(len(page["achievements"]) == size for page in pages[:-1])
            assert {page["pagingInfo"]["totalRecords"] for page in pages} == {len(everything)}


async def test_skip_items_leaves_out_as_many_as_it_says(ask, titles):
    for order in ORDERS:
        whole = names(await ask(titleId=titles, orderBy=order, maxItems=1000))
        for skipped in range(len(whole) + 2):
            page = await ask(titleId=titles, orderBy=order, skipItems=skipped, maxItems=3)

            assert names(page) == whole[skipped : skipped + 3]
            assert page["pagingInfo"]["totalRecords"] == len(whole)
            assert (token_of(page) is None) == (skipped + 3 >= len(whole))


@pytest.mark.parametrize("order", ORDERS)
async def test_skip_items_counts_from_the_place_of_the_token(ask, titles, order):
    """The document: maxItems "can be combined with skipItems and continuationToken to return a range of items"."""
    query = {"titleId": titles, "orderBy": order}
    whole = names(await ask(**query, maxItems=1000))
    for start in (1, 4, 15):
        token = token_of(await ask(**query, maxItems=start))
        for skipped in (0, 1, 3, len(whole), 2**31 - 1):
            first = start + skipped
            page = await ask(**query, continuationToken=token, skipItems=skipped, maxItems=2)

            assert names(page) == whole[first : first + 2]
            assert page["pagingInfo"]["totalRecords"] == len(whole)
            assert (token_of(page) is None) == (first + 2 >= len(whole))


@pytest.mark.parametrize("order", ORDERS)
async def test_skip_items_counts_from_the_place_of_the_token_in_the_title_history(ask, make_title, give, order):
    for title_id in range(1, 6):
        await make_title(title_id, achievements=1)
        await give(title_id, {1: LONG_AGO + 7 * title_id % 5})
    whole = [title["titleId"] for title in (await ask("history/titles", orderBy=order))["titles"]]
    token = token_of(await ask("history/titles", orderBy=order, maxItems=2))

    for skipped in range(4):
        page = await ask("history/titles", orderBy=order, continuationToken=token, skipItems=skipped, maxItems=1)

        assert [title["titleId"] for title in page["titles"]] == whole[2 + skipped : 3 + skipped]
        assert page["pagingInfo"]["totalRecords"] == 5


# What a walk does not see, and what comes after it


async def test_what_is_unlocked_during_a_walk_by_unlock_time_is_locked_until_the_walk_ends(ask, make_title, give):
    title = await make_title(achievements=6)
    await give(title, {2: 10**17, 4: 2 * 10**17})
    query = {"titleId": title, "orderBy": "UnlockTime", "maxItems": 2}
    first = await ask(**query)

    await give(title, {5: 3 * 10**17})
    rest = await follow(ask, token_of(first), **query)

    assert [ids(page) for page in [first, *rest]] == [[4, 2], [1, 3], [5, 6]]
    assert rest[1]["achievements"][0]["progressState"] == "Achieved"  # its place is of then, its state is of now
    assert ids(await ask(titleId=title, orderBy="UnlockTime")) == [5, 4, 2, 1, 3, 6]


async def test_recent_unlocks_do_not_grow_while_they_are_walked(ask, make_title, give):
    title = await make_title(achievements=6)
    await give(title, {1: 10**17, 2: 2 * 10**17, 3: 3 * 10**17})
    query = {"titleId": title, "orderBy": "UnlockTime", "unlockedOnly": "true", "maxItems": 1}
    first = await ask(**query)

    await give(title, {4: 4 * 10**17, 5: 5})
    rest = await follow(ask, token_of(first), **query)

    assert [ids(page) for page in [first, *rest]] == [[3], [2], [1]]
    assert {page["pagingInfo"]["totalRecords"] for page in rest} == {3}


async def test_what_is_unlocked_behind_the_cursor_waits_and_before_it_shows(ask, make_title, give):
    title = await make_title(achievements=6)
    await give(title, {2: 10**17, 4: 10**17})
    query = {"titleId": title, "unlockedOnly": "true", "maxItems": 1}
    first = await ask(**query)

    await give(title, {1: 10**17, 6: 10**17})
    rest = await follow(ask, token_of(first), **query)

    assert [ids(page) for page in [first, *rest]] == [[2], [4], [6]]


async def test_a_walk_goes_on_in_the_releases_that_it_began_with(ask, make_title):
    title = await make_title(achievements=4)
    first = await ask(titleId=title, maxItems=2)

    turned = tuple(achievement(number, display_order=9 - number) for number in range(1, 7))
    await make_title(title, achievements=turned)
    rest = await follow(ask, token_of(first), titleId=title, maxItems=2)

    assert [ids(page) for page in rest] == [[3, 4]]
    assert ids(await ask(titleId=title)) == [6, 5, 4, 3, 2, 1]


async def test_a_title_that_is_published_during_a_walk_is_not_in_it(ask, make_title):
    await make_title(5, achievements=3)
    first = await ask(titleId="5,6", maxItems=2)

    await make_title(6, achievements=3)
    rest = await follow(ask, token_of(first), titleId="5,6", maxItems=2)

    assert [names(page) for page in rest] == [[(5, 3)]]
    assert len(names(await ask(titleId="5,6"))) == 6


async def test_a_release_that_comes_while_the_first_page_is_read_is_not_in_the_walk(
    ask, make_title, connection, pool, services
):
    """The first page is of the snapshot that its request began with, and so is its token."""
    title = await make_title(achievements=4)
    newer = SnapshotStore(type(pool)(connection))  # another pool on the same connection: it need not wait for ours
    turned = tuple(achievement(number, display_order=9 - number) for number in range(1, 5))

    async with pool.connection():
        asked = asyncio.create_task(ask(titleId=title, maxItems=2))
        while not services.progress._in_title._running:  # noqa: ASYNC110  (it says nobody when it begins)
            await asyncio.sleep(0)
        await publish_draft(connection, draft(title, turned))
        await newer.refresh()
        services.snapshots.current = newer.current
    first = await asked
    rest = await follow(ask, token_of(first), titleId=title, maxItems=2)

    assert [ids(page) for page in [first, *rest]] == [[1, 2], [3, 4]]


async def test_a_window_that_closes_during_a_walk_does_not_move_its_achievement(ask, make_title, time_machine):
    def closing(number: int) -> Achievement:
        closes_at = ticks.parse(f"2031-01-01T00:00:0{number}Z")
        return achievement(number, window=Window(opens_at=LONG_AGO, closes_at=closes_at))

    title = await make_title(achievements=tuple(closing(number) for number in range(1, 6)))
    query = {"titleId": title, "orderBy": "EndingSoon", "maxItems": 2}
    time_machine.move_to("2031-01-01T00:00:01Z", tick=False)
    first = await ask(**query)

    time_machine.move_to("2031-01-01T00:00:04Z", tick=False)
    rest = await follow(ask, token_of(first), **query)

    assert [ids(page) for page in [first, *rest]] == [[2, 3], [4, 5], [1]]
    assert ids(await ask(titleId=title, orderBy="EndingSoon")) == [5, 1, 2, 3, 4]


async def test_a_cursor_whose_item_was_taken_back_is_told_so(ask, make_title, give, connection):
    title = await make_title(achievements=3)
    await give(title, {1: 10**17, 2: 10**17})
    first = await ask(titleId=title, unlockedOnly="true", maxItems=1)

    await connection.execute("DELETE FROM progress")
    refusal = await ask(titleId=title, unlockedOnly="true", maxItems=1, continuationToken=token_of(first), status=400)

    assert "no longer in this list" in refusal["description"]


# Tokens


@pytest.fixture
async def token(ask, make_title) -> str:
    """Where the second page of title 1 begins."""
    await make_title(1, achievements=5)
    await make_title(2, achievements=5)
    found = token_of(await ask(titleId=1, maxItems=2))
    assert found is not None
    return found


async def test_a_token_is_short_and_needs_no_encoding(client, token):
    """At most 32 of these characters; clients concatenate it into their URL as it is."""
    url = f"/users/xuid({PLAYER})/achievements?titleId=1&maxItems=2&continuationToken={token}"
    headers = {"Authorization": authorization(), "x-xbl-contract-version": "2"}

    response = await client.get(yarl.URL(url, encoded=True), headers=headers)

    assert len(token) <= 32
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    assert ids(await response.json()) == [3, 4]


async def test_the_same_page_has_the_same_token(ask, token):
    assert token_of(await ask(titleId=1, maxItems=2)) == token


async def test_a_list_that_fits_on_its_page_has_no_token(ask, token):  # noqa: ARG001  (the titles are its own)
    assert token_of(await ask(titleId=1, maxItems=5)) is None
    assert token_of(await ask(titleId=1, maxItems=4)) is not None


async def test_a_token_altered_in_any_character_is_refused(ask, token):
    for place in range(len(token)):
        other = "B" if token[place] == "A" else "A"
        altered = token[:place] + other + token[place + 1 :]

        refusal = await ask(titleId=1, maxItems=2, continuationToken=altered, status=400)

        assert refusal["description"].startswith("continuationToken: ")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"player": OTHER}, "another player", id="player"),
        pytest.param({"orderBy": "UnlockTime"}, "another orderBy", id="order"),
        pytest.param({"orderBy": "Title"}, "another orderBy", id="an order that is the same"),
        pytest.param({"titleId": 2}, "another list or filter (titleId", id="title"),
        pytest.param({"titleId": "1,2"}, "another list or filter (titleId", id="one title more"),
        pytest.param({"types": "Persistent"}, "another list or filter (titleId, types", id="types"),
        pytest.param({"unlockedOnly": "true"}, "unlockedOnly", id="unlockedOnly"),
        pytest.param({"possibleOnly": "true"}, "possibleOnly", id="possibleOnly"),
    ],
)
async def test_a_token_of_another_list_is_refused_and_told_which(ask, token, changes, reason):
    refusal = await ask(**({"titleId": 1, "continuationToken": token} | changes), status=400)

    assert "continuationToken: it belongs to another" in refusal["description"]
    assert reason in refusal["description"]
    assert refusal["code"] == refusal["errorCode"] == 4000


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"maxItems": 1}, id="page size"),
        pytest.param({"headers": {"Accept-Language": "fr"}}, id="language"),
        pytest.param({"titleId": "1,01,1"}, id="the same title in other letters"),
        pytest.param({"orderBy": "unordered", "types": "challenge,PERSISTENT"}, id="the same list in other letters"),
    ],
)
async def test_a_token_goes_on_under_another(ask, token, changes):
    page = await ask(**({"titleId": 1, "maxItems": 2, "continuationToken": token} | changes))

    assert ids(page)[0] == 3


@pytest.mark.parametrize("what", ["titleachievements", "history/titles"])
async def test_a_token_of_another_path_is_refused(ask, token, give, what):
    await give(1, {1: 10**17})
    await give(2, {1: 10**17})

    refusal = await ask(what, titleId=1, continuationToken=token, status=400)

    assert refusal["description"].startswith("continuationToken: ")


async def test_a_token_of_the_history_is_refused_by_the_list(ask, token, give):  # noqa: ARG001  (titles)
    await give(1, {1: 10**17})
    await give(2, {1: 10**17})
    of_history = token_of(await ask("history/titles", maxItems=1))

    refusal = await ask(continuationToken=of_history, status=400)

    assert refusal["description"].startswith("continuationToken: ")


@pytest.mark.parametrize(
    "garbage",
    [
        *(
            "abc",
            "-1",
            "+5",
            "3.2",
            "null",
            "undefined",
            "32,2018-03-28T01:28:51.8070000Z",
            "=" * 32,
            "A" * 31,
            "A" * 33,
        ),
        *("A" * 32, "_" * 32, "٣٢", "\x00", " 32", "0x20", "9" * 20, "9" * 32, "é" * 32, "A" * 4000),
    ],
)
async def test_garbage_is_no_token(ask, token, garbage):  # noqa: ARG001  (the titles are its own)
    refusal = await ask(titleId=1, continuationToken=garbage, status=400)

    assert refusal["description"].startswith("continuationToken: ")
    assert len(refusal["description"]) < 200


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        pytest.param("", [1, 2], id="empty"),
        pytest.param("0", [1, 2], id="0"),
        pytest.param("00", [1, 2], id="00"),
        pytest.param("3", [4, 5], id="3"),
        pytest.param("32", [], id="32"),
        pytest.param("2147483647", [], id="int32"),
        pytest.param("9999999999", [], id="more than int32"),
    ],
)
async def test_an_integer_is_an_offset(ask, token, offset, expected):  # noqa: ARG001  (the titles are its own)
    """Node clients begin with 0; tokens of the live service are such numbers."""
    page = await ask(titleId=1, maxItems=2, continuationToken=offset)

    assert ids(page) == expected
    assert page["pagingInfo"]["totalRecords"] == 5


@pytest.mark.usefixtures("token")
async def test_skip_items_counts_from_an_offset_given_as_token(ask):
    assert ids(await ask(titleId=1, maxItems=2, skipItems=1, continuationToken="3")) == [5]


# Several workers


async def test_workers_of_one_database_read_each_others_tokens(pool, settings, services):
    one, two = [await make_services(settings, pool, services.observer) for _ in range(2)]

    assert one.continuation_tokens._key == two.continuation_tokens._key


async def test_a_worker_that_has_not_heard_of_a_release_goes_on_in_it(ask, make_title, pool, services, aiohttp_client):
    """The first page came from a worker that was quicker to see a publish than the one that is asked for the next."""
    title = await make_title(achievements=4)
    turned = tuple(achievement(number, display_order=9 - number) for number in range(1, 7))
    async with pool.transaction() as connection:
        await publish_draft(connection, draft(title, turned))
    quicker = msgspec.structs.replace(services, snapshots=SnapshotStore(pool), progress=ProgressReader(pool))
    await quicker.snapshots.refresh()
    other = await aiohttp_client(make_application(quicker))
    headers = {"Authorization": authorization(), "x-xbl-contract-version": "2"}
    response = await other.get(f"/users/xuid({PLAYER})/achievements?titleId={title}&maxItems=2", headers=headers)
    first = await response.json()

    assert services.snapshots.current.version < quicker.snapshots.current.version
    rest = await follow(ask, token_of(first), titleId=title, maxItems=2)

    assert [ids(page) for page in [first, *rest]] == [[6, 5], [4, 3], [2, 1]]


async def test_a_walk_that_began_on_a_worker_that_was_behind_stays_in_its_release(
    ask, make_title, pool, services, aiohttp_client
):
    title = await make_title(achievements=4)
    first = await ask(titleId=title, maxItems=2)

    await make_title(title, achievements=tuple(achievement(n, display_order=9 - n) for n in range(1, 7)))
    newcomer = msgspec.structs.replace(services, snapshots=SnapshotStore(pool), progress=ProgressReader(pool))
    await newcomer.snapshots.refresh()
    other = await aiohttp_client(make_application(newcomer))
    response = await other.get(
        f"/users/xuid({PLAYER})/achievements?titleId={title}&continuationToken={token_of(first)}",
        headers={"Authorization": authorization(), "x-xbl-contract-version": "2"},
    )

    assert ids(await response.json()) == [3, 4]


# The titles of the player


async def test_without_titles_the_scope_is_what_the_player_has_and_the_tokens_title(ask, make_title, give):
    for title_id in (1, 2, 3):
        await make_title(title_id, achievements=1)
    await give(2, {}, currents={1: ("5",)})
    with_title = {"Authorization": authorization(title_id=3)}

    assert names(await ask()) == [(2, 1)]
    assert names(await ask(headers=with_title)) == [(2, 1), (3, 1)]
    assert names(await ask(titleId=1, headers=with_title)) == [(1, 1)]


async def test_a_title_that_is_not_published_is_not_in_the_scope(ask, pool, give):
    async with pool.transaction() as connection:
        await import_draft(connection, OPERATOR, draft(1, (achievement(1),)))
    await give(1, {1: 10**17})

    page = await ask(headers={"Authorization": authorization(title_id=1)})

    assert page == {"achievements": [], "pagingInfo": {"continuationToken": None, "totalRecords": 0}}


@pytest.mark.parametrize("achievements", [2, 3])
async def test_a_player_with_nothing_gets_the_tokens_title_as_it_is_in_this_database(ask, make_title, achievements):
    """Nothing worked out for one player with nothing is kept for another, in another database."""
    await make_title(1, achievements=achievements)
    player = str(next(_players))

    page = await ask(player=player, headers={"Authorization": authorization(player, title_id=1)})

    assert names(page) == [(1, number) for number in range(1, achievements + 1)]
