"""A diff contains exactly what differs between two drafts."""

from hypothesis import given
from hypothesis import strategies as st

from service.core.publishing.diff import diff_drafts
from tests.core.publishing.random_drafts import DRAFTS
from tests.factories import achievement, draft

FIELDS = ("name", "description", "locked_description")


def test_diff_lists_changed_achievements_and_texts():
    before = draft(1, (achievement(1), achievement(2)))
    after = draft(1, (achievement(1), achievement(2, is_secret=True), achievement(3)), kind="LiveApp")

    changes = diff_drafts(before, after)

    assert (changes.title_changed, changes.added, changes.changed) == (True, (3,), (2,))
    assert {key for _, key in changes.texts} == {f"achievement/3/{field}" for field in FIELDS}
    assert not diff_drafts(after, after)


@given(st.none() | DRAFTS, DRAFTS)
def test_diff_is_empty_exactly_between_equal_drafts(before, after):
    changes = diff_drafts(before, after)

    if before is not None and {item.number for item in before.achievements} <= {
        item.number for item in after.achievements
    }:
        assert bool(changes) == (before != after)  # (removed achievements are not reported)
    assert not diff_drafts(after, after)
    assert changes.title_is_new == (before is None)
    for (locale, key), (old, new) in changes.texts.items():
        assert old != new
        assert after.texts.get(locale, {}).get(key) == new
        assert (before.texts.get(locale, {}).get(key) if before else None) == old
