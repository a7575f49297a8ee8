"""Drafts become releases whole or not at all, and nothing that an import does not name is lost."""

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.auth.principal import OPERATOR
from service.core.publishing.diff import diff_drafts
from service.core.publishing.drafts import draft_of, import_draft
from service.core.publishing.merge import merge_draft
from service.core.publishing.publish import publish_title, roll_back
from service.core.publishing.releases import list_releases
from service.core.publishing.snapshot import SnapshotStore
from service.db.pool import open_pool
from service.errors import InvalidCatalog, NotFound
from tests.factories import achievement, draft, metric


async def imported(connection, new):
    return await import_draft(connection, OPERATOR, new)


async def test_what_was_imported_is_what_is_being_edited(connection):
    new = draft(1, (achievement(1), achievement(2)), texts={"fr-FR": {"title/name": "Un jeu"}})

    changes = await imported(connection, new)

    assert (changes.title_is_new, changes.added, changes.changed) == (True, (1, 2), ())
    assert await draft_of(connection, 1) == new
    assert not await imported(connection, new)


async def test_an_import_loses_nothing_that_it_does_not_name(connection):
    await imported(connection, draft(1, (achievement(1), achievement(2)), texts={"fr-FR": {"title/name": "Un jeu"}}))

    await imported(connection, draft(1, (achievement(2, is_secret=True),)))

    after = await draft_of(connection, 1)
    assert [one.number for one in after.achievements] == [1, 2]
    assert after.texts["fr-FR"] == {"title/name": "Un jeu"}
    assert after.achievements[1].is_secret


def test_what_came_after_launch_and_names_in_stores_stay_unless_they_are_said():
    ours = draft(1, (achievement(1, is_base=False, stores=(("epic", "lamp"), ("steam", "2_1"))),))
    theirs = draft(1, (achievement(1, stores=(("steam", "1_0"), ("xbox", "a"))),))

    [after] = merge_draft(ours, theirs, mode="partial").achievements

    assert not after.is_base
    assert after.stores == (("epic", "lamp"), ("steam", "1_0"), ("xbox", "a"))


def test_a_page_leaves_names_and_orders_that_are_ours():
    ours = draft(1, (achievement(1, public_id="first-light", display_order=7),), text_unit="achievement")

    after = merge_draft(ours, draft(1, (achievement(1, is_secret=True),), kind="LiveApp"), mode="partial")

    assert (after.achievements[0].public_id, after.achievements[0].display_order) == ("first-light", 7)
    assert after.achievements[0].is_secret
    assert (after.title.kind, after.title.text_unit) == ("Game", "achievement")


def test_a_difference_names_what_is_other_and_nothing_else():
    before = draft(1, (achievement(1), achievement(2)))
    after = draft(1, (achievement(1), achievement(2, is_secret=True), achievement(3)), kind="LiveApp")

    changes = diff_drafts(before, after)

    assert (changes.title_changed, changes.added, changes.changed) == (True, (3,), (2,))
    assert {key for _, key in changes.texts} == {f"achievement/3/{field}" for field in FIELDS}
    assert not diff_drafts(after, after)


FIELDS = ("name", "description", "locked_description")


async def test_a_release_that_breaks_a_rule_is_refused_and_nothing_is_served(connection, pool):
    new = draft(1, (achievement(1),))
    del new.texts["en-US"]["achievement/1/name"]
    await imported(connection, new)

    with pytest.raises(InvalidCatalog) as refusal:
        await publish_title(connection, OPERATOR, 1)

    assert [(one.rule, one.key) for one in refusal.value.diagnostics] == [("missing-text", "achievement/1/name")]
    releases = SnapshotStore(pool)
    await releases.refresh()
    assert releases.current.titles == {}


async def test_publishing_twice_without_a_change_makes_one_release(connection):
    await imported(connection, draft(1, (achievement(1),)))

    first = await publish_title(connection, OPERATOR, 1)
    second = await publish_title(connection, OPERATOR, 1)

    assert (first.release, second.release) == (1, 1)
    assert first.changes
    assert not second.changes


async def test_going_back_serves_the_old_words_and_keeps_the_draft(connection, pool):
    old = draft(1, (achievement(1),))
    await imported(connection, old)
    await publish_title(connection, OPERATOR, 1)
    new = msgspec.structs.replace(old, texts={"en-US": {**old.texts["en-US"], "achievement/1/name": "Better"}})
    await imported(connection, new)
    await publish_title(connection, OPERATOR, 1)

    await roll_back(connection, OPERATOR, 1, 1)

    releases = SnapshotStore(pool)
    await releases.refresh()
    assert releases.current.titles[1].texts_at(0, ("en-US",)).name == "Name 1"
    assert await draft_of(connection, 1) == new
    assert [(one.release, one.is_served) for one in await list_releases(connection, 1)] == [
        (2, False),
        (1, True),
    ]


async def test_there_is_no_going_back_to_what_never_was(connection):
    await imported(connection, draft(1, (achievement(1),)))

    with pytest.raises(NotFound):
        await roll_back(connection, OPERATOR, 1, 9)


async def test_one_scid_is_of_one_title(connection):
    scid = "00000000-0000-0000-0000-0000000000ff"
    await imported(connection, draft(1, (achievement(1),), scid=scid))

    with pytest.raises(InvalidCatalog, match="is of title 1 already"):
        await imported(connection, draft(2, (achievement(1),), scid=scid))


async def test_one_public_id_is_of_one_achievement(connection):
    await imported(connection, draft(1, (achievement(1, public_id="dawn"),)))

    with pytest.raises(InvalidCatalog, match="'dawn' is of achievement 1 already"):
        await imported(connection, draft(1, (achievement(2, public_id="dawn"),)))


async def test_public_ids_may_change_places(connection):
    await imported(connection, draft(1, (achievement(1, public_id="dawn"), achievement(2, public_id="dusk"))))

    changes = await imported(connection, draft(1, (achievement(1, public_id="dusk"), achievement(2, public_id="dawn"))))

    assert changes.changed == (1, 2)
    after = await draft_of(connection, 1)
    assert [one.public_id for one in after.achievements] == ["dusk", "dawn"]


async def test_an_import_that_is_refused_changes_nothing(connection):
    before = draft(2, (achievement(1, public_id="dawn"),))
    await imported(connection, draft(1, (achievement(1),)))
    await imported(connection, before)

    with pytest.raises(InvalidCatalog) as refusal:
        await imported(
            connection,
            draft(2, (achievement(2, public_id="dawn"), achievement(3)), scid=f"{0:08}-0000-0000-0000-{1:012}"),
        )

    assert {one.rule for one in refusal.value.diagnostics} == {
        "scid-names-one-title",
        "public-id-names-one-achievement",
    }
    assert await draft_of(connection, 2) == before


async def test_a_release_that_is_refused_leaves_the_one_before_in_service(connection, pool):
    await imported(connection, draft(1, (achievement(1),)))
    await publish_title(connection, OPERATOR, 1)
    broken = draft(1, (achievement(2),))
    del broken.texts["en-US"]["achievement/2/name"]
    await imported(connection, broken)

    with pytest.raises(InvalidCatalog):
        await publish_title(connection, OPERATOR, 1)

    releases = SnapshotStore(pool)
    await releases.refresh()
    assert [one.number for one in releases.current.titles[1].achievements] == [1]
    assert [one.release for one in await list_releases(connection, 1)] == [1]


async def test_nothing_is_published_of_a_title_that_is_not_there(connection):
    with pytest.raises(NotFound, match="there is no title 9"):
        await publish_title(connection, OPERATOR, 9)


async def test_a_release_after_going_back_has_a_number_of_its_own(connection):
    """It says what players will see changed, which is more than what was edited."""
    for count in (1, 2):
        await imported(connection, draft(1, tuple(achievement(number) for number in range(1, count + 1))))
        await publish_title(connection, OPERATOR, 1)
    await roll_back(connection, OPERATOR, 1, 1)

    result = await publish_title(connection, OPERATOR, 1)

    assert (result.release, result.changes.added) == (3, (2,))
    assert [(one.release, one.is_served) for one in await list_releases(connection, 1)] == [
        (3, True),
        (2, False),
        (1, False),
    ]


async def test_a_locale_that_did_not_change_is_stored_once(connection):
    french = {"fr-FR": {"title/name": "Un jeu"}}
    for count in (1, 2, 3):
        made = tuple(achievement(number) for number in range(1, count + 1))
        await imported(connection, draft(1, made, texts=french))
        await publish_title(connection, OPERATOR, 1)

    assert await connection.fetchval("SELECT count(*) FROM release_bundle") == 6
    assert await connection.fetchval("SELECT count(*) FROM bundle") == 4


async def test_titles_may_be_published_at_the_same_time(own_database):
    """Publications are numbered as they take effect, so that whoever follows the numbers misses none."""
    titles = range(1, 9)
    async with await open_pool(own_database, size=6, statement_timeout=None) as pool:
        async with pool.transaction() as connection:
            for title_id in titles:
                await imported(connection, draft(title_id, (achievement(1),)))
        releases = SnapshotStore(pool)

        async def publish_and_refresh(title_id):
            async with pool.transaction() as connection:
                await publish_title(connection, OPERATOR, title_id)
            await releases.refresh()
            assert title_id in releases.current.titles

        await asyncio.gather(*(publish_and_refresh(title_id) for title_id in titles))

    found = releases.current.titles.values()
    assert {one.title_id for one in found} == {*titles}
    assert sorted(one.publication_id for one in found) == [*range(1, 9)]


DRAFTS = st.builds(
    lambda made, texts, kind: msgspec.structs.replace(draft(1, tuple(made), kind=kind), texts=texts),
    st.lists(
        st.builds(achievement, st.integers(1, 4), display_order=st.integers(0, 1), is_secret=st.booleans()),
        unique_by=lambda one: one.number,
        max_size=3,
    ).map(lambda made: sorted(made, key=lambda one: one.number)),
    st.dictionaries(
        st.sampled_from(["en-US", "fr-FR"]),
        st.dictionaries(st.sampled_from(["title/name", "string/1"]), st.sampled_from(["a", "b"]), min_size=1),
    ),
    st.sampled_from(["Game", "LiveApp"]),
)


@given(DRAFTS, DRAFTS, st.sampled_from(["complete", "partial"]))
def test_a_merge_keeps_what_is_not_named_and_doing_it_twice_changes_nothing_more(before, new, mode):
    after = merge_draft(before, new, mode=mode)

    assert merge_draft(after, new, mode=mode) == after
    assert merge_draft(None, new, mode=mode) == new
    by_number = {one.number: one for one in before.achievements}
    named = {one.number: one for one in new.achievements}
    assert [one.number for one in after.achievements] == sorted(by_number | named)
    for one in after.achievements:
        assert one.is_secret == (by_number | named)[one.number].is_secret
        is_ours = one.number in by_number and mode == "partial"
        wanted = by_number[one.number] if is_ours else (by_number | named)[one.number]
        assert one.display_order == wanted.display_order
    for locale in {*before.texts, *new.texts}:
        assert after.texts[locale] == {**before.texts.get(locale, {}), **new.texts.get(locale, {})}


@given(st.none() | DRAFTS, DRAFTS)
def test_a_difference_is_nothing_exactly_between_equals(before, after):
    changes = diff_drafts(before, after)

    if before is not None and {one.number for one in before.achievements} <= {one.number for one in after.achievements}:
        assert bool(changes) == (before != after)  # (an import takes nothing away, so what is gone is not looked for)
    assert not diff_drafts(after, after)
    assert changes.title_is_new == (before is None)
    for (locale, key), (old, new) in changes.texts.items():
        assert old != new
        assert after.texts.get(locale, {}).get(key) == new
        assert (before.texts.get(locale, {}).get(key) if before else None) == old


async def test_an_import_forgets_no_metric_that_only_the_draft_has(connection):
    def counting(*keys):
        return draft(1, (achievement(1),), metrics=tuple(metric(key) for key in keys))

    await import_draft(connection, OPERATOR, counting("words", "steps"))
    await import_draft(connection, OPERATOR, counting("steps", "lamps"))

    after = await draft_of(connection, 1)
    assert [one.key for one in after.title.metrics] == ["words", "steps", "lamps"]
