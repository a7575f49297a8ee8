"""Drafts become releases whole or not at all, and nothing that an import does not name is lost."""

import msgspec
import pytest

from service.core import publishing
from service.core.publishing import difference, merged
from service.core.releases import Releases
from service.errors import BadCatalogue, NotFound
from tests.making import achievement, draft


async def imported(connection, new, *, is_whole=True):
    return await publishing.import_draft(connection, new, is_whole=is_whole, file="test")


async def test_what_was_imported_is_what_is_being_edited(connection):
    new = draft(1, (achievement(1), achievement(2)), texts={"fr-FR": {"title/name": "Un jeu"}})

    changes = await imported(connection, new)

    assert (changes.title_is_new, changes.added, changes.changed) == (True, (1, 2), ())
    assert await publishing.draft_of(connection, 1) == new
    assert not await imported(connection, new)


async def test_an_import_loses_nothing_that_it_does_not_name(connection):
    await imported(connection, draft(1, (achievement(1), achievement(2)), texts={"fr-FR": {"title/name": "Un jeu"}}))

    await imported(connection, draft(1, (achievement(2, is_secret=True),)))

    after = await publishing.draft_of(connection, 1)
    assert [one.number for one in after.achievements] == [1, 2]
    assert after.texts["fr-FR"] == {"title/name": "Un jeu"}
    assert after.achievements[1].is_secret


def test_a_page_leaves_names_and_orders_that_are_ours():
    ours = draft(1, (achievement(1, public_id="first-light", display_order=7),), text_unit="achievement")

    after = merged(ours, draft(1, (achievement(1, is_secret=True),), kind="LiveApp"), is_whole=False)

    assert (after.achievements[0].public_id, after.achievements[0].display_order) == ("first-light", 7)
    assert after.achievements[0].is_secret
    assert (after.title.kind, after.title.text_unit) == ("Game", "achievement")


def test_a_difference_names_what_is_other_and_nothing_else():
    before = draft(1, (achievement(1), achievement(2)))
    after = draft(1, (achievement(1), achievement(2, is_secret=True), achievement(3)), kind="LiveApp")

    changes = difference(before, after)

    assert (changes.title_changed, changes.added, changes.changed) == (True, (3,), (2,))
    assert {key for _, key in changes.texts} == {f"achievement/3/{field}" for field in FIELDS}
    assert not difference(after, after)


FIELDS = ("name", "description", "locked_description")


async def test_a_release_that_breaks_a_rule_is_refused_and_nothing_is_served(connection, pool):
    new = draft(1, (achievement(1),))
    del new.texts["en-US"]["achievement/1/name"]
    await imported(connection, new)

    with pytest.raises(BadCatalogue) as refusal:
        await publishing.publish(connection, 1)

    assert [(one.rule, one.key) for one in refusal.value.problems] == [("missing-text", "achievement/1/name")]
    releases = Releases(pool)
    await releases.refresh()
    assert releases.current.titles == {}


async def test_publishing_twice_without_a_change_makes_one_release(connection):
    await imported(connection, draft(1, (achievement(1),)))

    first, changes = await publishing.publish(connection, 1)
    second, nothing = await publishing.publish(connection, 1)

    assert (first, second) == (1, 1)
    assert changes
    assert not nothing


async def test_going_back_serves_the_old_words_and_keeps_the_draft(connection, pool):
    old = draft(1, (achievement(1),))
    await imported(connection, old)
    await publishing.publish(connection, 1)
    new = msgspec.structs.replace(old, texts={"en-US": {**old.texts["en-US"], "achievement/1/name": "Better"}})
    await imported(connection, new)
    await publishing.publish(connection, 1)

    await publishing.rollback(connection, 1, 1)

    releases = Releases(pool)
    await releases.refresh()
    assert releases.current.titles[1].words(0, ("en-US",)).name == "Name 1"
    assert await publishing.draft_of(connection, 1) == new
    assert [(one.release, one.is_served) for one in await publishing.releases_of(connection, 1)] == [
        (2, False),
        (1, True),
    ]


async def test_there_is_no_going_back_to_what_never_was(connection):
    await imported(connection, draft(1, (achievement(1),)))

    with pytest.raises(NotFound):
        await publishing.rollback(connection, 1, 9)


async def test_one_scid_is_of_one_title(connection):
    scid = "00000000-0000-0000-0000-0000000000ff"
    await imported(connection, draft(1, (achievement(1),), scid=scid))

    with pytest.raises(BadCatalogue, match="is of title 1 already"):
        await imported(connection, draft(2, (achievement(1),), scid=scid))


async def test_one_public_id_is_of_one_achievement(connection):
    await imported(connection, draft(1, (achievement(1, public_id="dawn"),)))

    with pytest.raises(BadCatalogue, match="'dawn' is of achievement 1 already"):
        await imported(connection, draft(1, (achievement(2, public_id="dawn"),)))
