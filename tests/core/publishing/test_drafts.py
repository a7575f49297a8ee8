"""Imports are merged into the draft of a title, or rejected as a whole."""

import pytest

from service.core.auth.principal import OPERATOR
from service.core.publishing.drafts import draft_of, import_draft
from service.errors import InvalidCatalog
from tests.factories import achievement, draft, metric


async def imported(connection, new):
    return await import_draft(connection, OPERATOR, new)


async def test_imported_draft_can_be_read_back(connection):
    new = draft(1, (achievement(1), achievement(2)), texts={"fr-FR": {"title/name": "Un jeu"}})

    changes = await imported(connection, new)

    assert (changes.title_is_new, changes.added, changes.changed) == (True, (1, 2), ())
    assert await draft_of(connection, 1) == new
    assert not await imported(connection, new)


async def test_import_keeps_achievements_and_texts_that_it_does_not_name(connection):
    await imported(connection, draft(1, (achievement(1), achievement(2)), texts={"fr-FR": {"title/name": "Un jeu"}}))

    await imported(connection, draft(1, (achievement(2, is_secret=True),)))

    after = await draft_of(connection, 1)
    assert [item.number for item in after.achievements] == [1, 2]
    assert after.texts["fr-FR"] == {"title/name": "Un jeu"}
    assert after.achievements[1].is_secret


async def test_import_keeps_metrics_that_it_does_not_name(connection):
    def counting(*keys):
        return draft(1, (achievement(1),), metrics=tuple(metric(key) for key in keys))

    await import_draft(connection, OPERATOR, counting("words", "steps"))
    await import_draft(connection, OPERATOR, counting("steps", "lamps"))

    after = await draft_of(connection, 1)
    assert [item.key for item in after.title.metrics] == ["words", "steps", "lamps"]


async def test_scid_names_one_title(connection):
    scid = "00000000-0000-0000-0000-0000000000ff"
    await imported(connection, draft(1, (achievement(1),), scid=scid))

    with pytest.raises(InvalidCatalog, match="is of title 1 already"):
        await imported(connection, draft(2, (achievement(1),), scid=scid))


async def test_public_id_names_one_achievement(connection):
    await imported(connection, draft(1, (achievement(1, public_id="dawn"),)))

    with pytest.raises(InvalidCatalog, match=r"'dawn'.*duplicate-public-id"):
        await imported(connection, draft(1, (achievement(2, public_id="dawn"),)))


async def test_public_ids_may_be_swapped(connection):
    await imported(connection, draft(1, (achievement(1, public_id="dawn"), achievement(2, public_id="dusk"))))

    changes = await imported(connection, draft(1, (achievement(1, public_id="dusk"), achievement(2, public_id="dawn"))))

    assert changes.changed == (1, 2)
    after = await draft_of(connection, 1)
    assert [item.public_id for item in after.achievements] == ["dusk", "dawn"]


async def test_rejected_import_changes_nothing(connection):
    before = draft(2, (achievement(1, public_id="dawn"),))
    await imported(connection, draft(1, (achievement(1),)))
    await imported(connection, before)

    with pytest.raises(InvalidCatalog) as rejection:
        await imported(
            connection,
            draft(2, (achievement(2, public_id="dawn"), achievement(3)), scid=f"{0:08}-0000-0000-0000-{1:012}"),
        )

    assert {error.rule for error in rejection.value.diagnostics} == {
        "scid-names-one-title",
        "duplicate-public-id",
    }
    assert await draft_of(connection, 2) == before
