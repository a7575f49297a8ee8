"""Following tokens gives every item once, in the order of the first page, whatever is unlocked or published meanwhile."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from service import ticks
from service.core.auth.principal import OPERATOR
from service.core.catalog.model import Achievement, Window
from service.core.publishing.publish import roll_back
from service.http.services import Services
from tests.api.xbox.paging.pages import Name, names, token_of
from tests.factories import OTHER, achievement, authorization

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


class Unlock(NamedTuple):
    """The player unlocks an achievement; indexes wrap around."""

    title: int
    achievement: int
    at: int


class Publish(NamedTuple):
    """These achievements are changed or added, and the title is published."""

    title: int
    achievements: tuple[Achievement, ...]


class Rollback(NamedTuple):
    """The title is rolled back to its first release."""

    title: int


Change = Unlock | Publish | Rollback


class Plan(NamedTuple):
    """Titles, the player's unlocks, and how pages are read. Page sizes and changes between pages are used cyclically."""

    titles: Sequence[tuple[Achievement, ...]]
    unlocks: Sequence[Unlock]
    by_title_id: bool
    with_own_title: bool
    kind: str | None
    sizes: Sequence[int]
    between_pages: Sequence[Sequence[Change]]


TIMES = st.sampled_from(
    [0, LONG_AGO, LONG_AGO + 1, ticks.parse("2020-02-29T23:59:59.9999999Z")]
)  # few, so that some are equal
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
    unique_by=lambda achievement: achievement.number,
    min_size=1,
    max_size=7,
).map(tuple)
INDEXES = st.integers(0, 8)  # of a title or of an achievement in it, wrapping around
UNLOCKS = st.builds(Unlock, INDEXES, INDEXES, TIMES)
PLANS = st.builds(
    Plan,
    titles=st.lists(ACHIEVEMENTS, min_size=1, max_size=3),
    unlocks=st.lists(UNLOCKS, max_size=8),
    by_title_id=st.booleans(),
    with_own_title=st.booleans(),
    kind=st.sampled_from([None, "Persistent", "Challenge", "Challenge,Persistent"]),
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    between_pages=st.lists(
        st.lists(
            st.one_of(UNLOCKS, st.builds(Publish, INDEXES, ACHIEVEMENTS), st.builds(Rollback, INDEXES)), max_size=3
        ),
        min_size=1,
        max_size=4,
    ),
)
_title_ids = itertools.count(2**31 - 20, 3)  # different for every example, some below and some above 2³¹
_players = itertools.count(int(OTHER) + 1)


class World:
    """Applies a plan to the service, and keeps the expected state beside it."""

    def __init__(self, plan: Plan, make_title: Any, give: Any, pool: Any, services: Services) -> None:
        self.plan = plan
        self.player = str(next(_players))
        self.title_ids = [next(_title_ids) for _ in plan.titles]
        self.published: dict[int, dict[int, Achievement]] = {title_id: {} for title_id in self.title_ids}
        self.unlocked: dict[Name, int] = {}
        self._make_title, self._give, self._pool, self._services = make_title, give, pool, services

    async def begin(self) -> None:
        """Apply what precedes the first page."""
        for title, achievements in enumerate(self.plan.titles):
            await self.apply(Publish(title, achievements))
        for unlock in self.plan.unlocks:
            await self.apply(unlock)

    async def apply(self, what: Change) -> None:
        """Apply a change, to the expected state and in the service."""
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
        """The title of the player's token."""
        return self.title_ids[0] if self.plan.with_own_title else None

    def query(self, order: str, chosen: Mapping[str, str]) -> dict[str, str]:
        """The query of the list."""
        query = {"orderBy": order, **chosen}
        if self.plan.by_title_id:
            query["titleId"] = ",".join(str(title_id) for title_id in reversed(self.title_ids))
        if self.plan.kind is not None:
            query["types"] = self.plan.kind
        return query

    def expected(self, order: str, chosen: Mapping[str, str]) -> list[Name]:
        """The whole list before any change between pages, by the rules of the Xbox document."""
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
async def test_following_tokens_gives_every_item_once_in_order_despite_changes(  # noqa: PLR0917  (fixtures)
    ask, make_title, give, pool, services, order, only, plan
):
    """Unlocks, publishes, rollbacks, other languages and page sizes between two pages.

    No item of the first page's list is missing, moved or repeated. New items only appear where that is possible:
    unlocked later, under unlockedOnly in another order than UnlockTime; or in a title that joined the player's own.
    """
    world = World(plan, make_title, give, pool, services)
    await world.begin()
    own = {"player": world.player, "headers": {"Authorization": authorization(world.player, title_id=world.own_title)}}
    query = world.query(order, FILTERS[only])
    expected = world.expected(order, FILTERS[only])
    unlocked_before = dict(world.unlocked)

    whole = await ask(**own, **query, maxItems=1000)
    joined: list[Name] = []
    token = ""
    changes, sizes, languages = (itertools.cycle(each) for each in (plan.between_pages, plan.sizes, LANGUAGES))
    while token is not None:
        own["headers"]["Accept-Language"] = next(languages)
        page = await ask(**own, **query, maxItems=next(sizes), continuationToken=token)
        joined += names(page)
        token = token_of(page)
        for change in next(changes):
            await world.apply(change)

    assert names(whole) == expected
    assert whole["pagingInfo"] == {"continuationToken": None, "totalRecords": len(expected)}
    assert len(set(joined)) == len(joined)
    assert [name for name in joined if name in expected] == expected
    titles_before = {title_id for title_id, _ in unlocked_before} | {world.own_title}
    for title_id, number in set(joined) - set(expected):
        has_joined = not plan.by_title_id and title_id not in titles_before
        is_unlocked_later = (title_id, number) in world.unlocked.keys() - unlocked_before.keys()
        assert has_joined or (only == "unlocked" and order != "UnlockTime" and is_unlocked_later)
