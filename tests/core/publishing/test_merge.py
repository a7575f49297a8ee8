"""A merge keeps what an import does not name, and a partial import changes no settings that it does not know."""

from hypothesis import given
from hypothesis import strategies as st

from service.core.publishing.merge import merge_draft
from tests.core.publishing.random_drafts import DRAFTS
from tests.factories import achievement, draft


def test_partial_import_keeps_base_flags_and_store_ids():
    existing = draft(1, (achievement(1, is_base=False, stores=(("epic", "lamp"), ("steam", "2_1"))),))
    imported = draft(1, (achievement(1, stores=(("steam", "1_0"), ("xbox", "a"))),))

    [after] = merge_draft(existing, imported, mode="partial").achievements

    assert not after.is_base
    assert after.stores == (("epic", "lamp"), ("steam", "1_0"), ("xbox", "a"))


def test_partial_import_keeps_public_ids_order_and_settings():
    existing = draft(1, (achievement(1, public_id="first-light", display_order=7),), text_unit="achievement")

    after = merge_draft(existing, draft(1, (achievement(1, is_secret=True),), kind="LiveApp"), mode="partial")

    assert (after.achievements[0].public_id, after.achievements[0].display_order) == ("first-light", 7)
    assert after.achievements[0].is_secret
    assert (after.title.kind, after.title.text_unit) == ("Game", "achievement")


@given(DRAFTS, DRAFTS, st.sampled_from(["complete", "partial"]))
def test_merge_is_idempotent_and_keeps_what_is_not_named(before, new, mode):
    after = merge_draft(before, new, mode=mode)

    assert merge_draft(after, new, mode=mode) == after
    assert merge_draft(None, new, mode=mode) == new
    by_number = {item.number: item for item in before.achievements}
    named = {item.number: item for item in new.achievements}
    assert [item.number for item in after.achievements] == sorted(by_number | named)
    for item in after.achievements:
        assert item.is_secret == (by_number | named)[item.number].is_secret
        is_kept = item.number in by_number and mode == "partial"
        expected = by_number[item.number] if is_kept else (by_number | named)[item.number]
        assert item.display_order == expected.display_order
    for locale in {*before.texts, *new.texts}:
        assert after.texts[locale] == {**before.texts.get(locale, {}), **new.texts.get(locale, {})}
