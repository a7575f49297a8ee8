"""Rarity: the percentage of a title's players who hold an achievement."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.auth.principal import OPERATOR
from service.core.formats.xbox.captured_page import ImportedProgress
from service.core.progress.import_progress import import_progress
from service.core.progress.rarity import NONE, UNSET, Rarities, Rarity, rarities_of
from service.core.publishing.drafts import import_draft
from tests.factories import achievement, draft


@pytest.mark.parametrize(
    ("players", "holders", "expected"),
    [
        pytest.param(1000, 109, Rarity("Rare", 10.9), id="10.9 is still rare"),
        pytest.param(1000, 110, Rarity("Common", 11.0), id="11 is common"),
        pytest.param(3, 1, Rarity("Common", 33.33), id="two decimals"),
        pytest.param(100_000, 1, Rarity("Rare", 0.0), id="rounded to nothing"),
        pytest.param(7, 7, Rarity("Common", 100.0), id="everyone"),
        pytest.param(7, 9, Rarity("Common", 100.0), id="never more than everyone"),
        pytest.param(7, 0, Rarity("Rare", 0.0), id="nobody any more"),
    ],
)
def test_category_follows_from_the_percentage(players, holders, expected):
    """Microsoft's client library shows 0–10.9 as Rare and 11–100 as Common."""
    assert rarities_of(players, {5: holders}).by_number == {5: expected}


def test_achievement_without_holders_is_rare_or_unset_without_players():
    assert rarities_of(1, {}).others == Rarity("Rare", 0.0)
    assert rarities_of(0, {}) == NONE
    assert rarities_of(0, {5: 1}) == NONE
    assert NONE.others == UNSET == Rarity("Unset", 0.0)


COUNTS = st.dictionaries(st.integers(1, 2**32 - 1), st.integers(0, 10_000), max_size=5)


@given(st.integers(0, 10_000), COUNTS)
def test_percentages_are_within_0_to_100_and_keep_the_order_of_counts(players, holders):
    found = rarities_of(players, holders).by_number

    assert all(0.0 <= rarity.percentage <= 100.0 for rarity in found.values())
    if players:
        assert found.keys() == holders.keys()
        ordered = sorted(holders, key=lambda number: holders[number])
        percentages = [found[number].percentage for number in ordered]
        assert percentages == sorted(percentages)


@given(st.integers(1, 1000), COUNTS, st.integers(1, 1000), COUNTS)
def test_stamp_changes_exactly_with_the_rarities(players, holders, other_players, other_holders):
    first, second = rarities_of(players, holders), rarities_of(other_players, other_holders)

    assert (first.stamp == second.stamp) == (first.by_number == second.by_number)
    assert first.stamp == rarities_of(players, dict(reversed(holders.items()))).stamp
    assert first.stamp != NONE.stamp


async def test_players_and_holders_are_counted_by_title(connection, pool):
    """A player counts once in a title, and so does each of their unlocks."""
    for title_id in (1, 2, 3):
        made = tuple(achievement(number) for number in (1, 2, 2**32 - 1))
        await import_draft(connection, OPERATOR, draft(title_id, made))
    for player, title_id, unlocked in [
        ("1", 1, {1: 5}),
        ("1", 1, {1: 9, 2**32 - 1: 5}),
        ("2", 1, {}),
        ("2", 1, {1: 5}),
        ("3", 1, {}),
        ("4", 1, {}),
        ("1", 2, {2: 5}),
    ]:
        part = ImportedProgress(title_id=title_id, unlocked=unlocked, currents={})
        await import_progress(connection, player=player, progress=[part])
    rarities = Rarities(pool)
    before = rarities.of(1)

    await rarities.refresh()

    assert before == NONE
    assert rarities.of(1).by_number == {1: Rarity("Common", 50.0), 2**32 - 1: Rarity("Common", 25.0)}
    assert rarities.of(2).by_number == {2: Rarity("Common", 100.0)}
    assert rarities.of(3) == NONE
