"""A string is saved, reviewed and restored over the version that was seen, and every revision stays readable."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.auth.principal import operator
from service.core.localization import editing, strings
from service.core.publishing import drafts
from service.core.publishing.diff import diff_drafts
from service.errors import Conflict, InvalidField, NotFound

NAME = "achievement/1/name"
ANA, DEV, RITA, UWE = (operator(name) for name in ("Ana", "Dev", "Rita", "Uwe"))


async def french(connection):
    """The French name of achievement 1."""
    return await strings.get_string(connection, 1, NAME, "fr-FR")


async def test_missing_text_is_saved_over_version_0(connection, title):
    missing = await strings.get_string(connection, title, NAME, "de-DE")
    written = await editing.save_string(connection, UWE, title, NAME, "de-DE", text="Name eins", expected_version=0)

    assert (missing.state, missing.version, missing.text) == ("missing", 0, None)
    assert (written.state, written.version, written.text) == ("translated", 1, "Name eins")


async def test_conflict_carries_the_current_string(connection, save):
    await save("Le premier", 1)

    with pytest.raises(Conflict) as conflict:
        await save("Le second", 1)

    assert (conflict.value.current.text, conflict.value.current.version) == ("Le premier", 2)
    assert (await french(connection)).text == "Le premier"


async def test_text_with_an_error_is_rejected(connection, save):
    for text in ("", "a\0b", " "):
        with pytest.raises(InvalidField, match=r"^text: "):
            await save(text, 1)

    assert (await french(connection)).version == 1


async def test_warning_stays_until_it_is_overridden(connection, save):
    warned = await save("Name 1", 1)
    overridden = await save("Name 1", 2, reasons={"same-as-source": "it is a name", "no-such-rule": "why not"})

    assert warned.remarks == ["same-as-source"]
    assert overridden.remarks == []
    assert overridden.overridden() == {"same-as-source": strings.Override("Ana", "it is a name")}
    reviewed = await editing.review_string(connection, RITA, 1, NAME, "fr-FR", approve=True, expected_version=3)
    assert reviewed.overridden() == overridden.overridden()


async def test_saving_the_current_text_as_approved_is_a_review(connection, save):
    await save("Name 1", 1, reasons={"same-as-source": "it is a name"})

    approved = await save("Name 1", 2, state="approved")

    assert approved.overridden() == {"same-as-source": strings.Override("Ana", "it is a name")}
    assert (await strings.list_revisions(connection, 1, NAME, "fr-FR"))[0].origin == "review"


async def test_changed_source_makes_translations_stale_until_they_are_saved(connection, title, save):
    await editing.save_string(connection, DEV, title, NAME, "en-US", text="Another name", expected_version=1)

    assert (await french(connection)).is_stale
    assert [
        string.key for string in (await strings.list_strings(connection, title, "fr-FR", filter="stale")).strings
    ] == [NAME]
    await save("Un autre nom", 1)
    assert not (await french(connection)).is_stale


async def test_review_of_the_source_makes_nothing_stale(connection, title):
    await editing.review_string(connection, RITA, title, NAME, "en-US", approve=True, expected_version=1)

    assert not (await french(connection)).is_stale


async def test_restored_revision_translates_the_source_of_its_time(connection, title, save):
    await editing.save_string(connection, DEV, title, NAME, "en-US", text="Another name", expected_version=1)
    await save("Un autre nom", 1)

    restored = await editing.restore_string(connection, RITA, title, NAME, "fr-FR", version=1, expected_version=2)

    assert (restored.text, restored.version, restored.is_stale) == ("Nom 1", 3, True)
    assert [(old.version, old.text, old.origin, old.actor) for old in await strings.list_revisions(connection, 1, NAME, "fr-FR")] == [
        (3, "Nom 1", "restore", "Rita"),
        (2, "Un autre nom", "edit", "Ana"),
        (1, "Nom 1", "import", "laurel"),
    ]  # fmt: skip
    with pytest.raises(NotFound):
        await editing.restore_string(connection, RITA, title, NAME, "fr-FR", version=9, expected_version=3)


async def test_deleted_text_keeps_its_revisions_and_version(connection, title):
    before = await drafts.draft_of(connection, title)
    after = msgspec.structs.replace(before, texts={"en-US": before.texts["en-US"]})
    author = drafts.Author(actor="Dev", origin="admin")
    await drafts.write_draft(connection, after, diff_drafts(before, after), author=author)

    gone = await french(connection)
    again = await editing.save_string(
        connection, ANA, title, NAME, "fr-FR", text="Encore", expected_version=gone.version
    )

    assert (gone.state, gone.version) == ("missing", 2)
    assert again.version == 3
    assert [old.text for old in await strings.list_revisions(connection, title, NAME, "fr-FR")] == [
        "Encore",
        None,
        "Nom 1",
    ]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.tuples(st.sampled_from(["Ana", "Uwe"]), st.booleans()), max_size=20))
async def test_no_saved_text_is_lost_when_two_editors_take_turns(connection, title, turns):
    """Each reads the string, or saves over the version they read last; the saved texts are the revisions, in order."""
    start = (await french(connection)).version
    seen, accepted = dict.fromkeys(("Ana", "Uwe"), start), []
    for number, (editor, reads) in enumerate(turns):
        if reads:
            seen[editor] = (await french(connection)).version
            continue
        text = f"{editor} {number}"
        try:
            saved = await editing.save_string(
                connection, operator(editor), title, NAME, "fr-FR", text=text, expected_version=seen[editor]
            )
        except Conflict:
            assert (await french(connection)).version > seen[editor]
        else:
            assert seen[editor] == start + len(accepted)  # nobody saved over an unseen version
            accepted.append(text)
            seen[editor] = saved.version

    revisions = await strings.list_revisions(connection, title, NAME, "fr-FR", count=len(accepted))
    assert [old.text for old in reversed(revisions)] == accepted
    assert (await french(connection)).version == start + len(accepted)
