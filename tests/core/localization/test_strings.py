"""Texts are saved against the version that was seen, and everything that they ever were stays to be read."""

import datetime

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.auth.principal import OPERATOR, operator
from service.core.localization import coverage, editing, fallbacks, strings
from service.core.localization.explain import explain
from service.core.localization.fallbacks import Fallbacks
from service.core.publishing import drafts, schedules
from service.core.publishing.diff import diff_drafts
from service.core.publishing.draft_status import set_publish_from
from service.core.publishing.drafts import import_draft
from service.core.publishing.publish import publish_title
from service.core.publishing.releases import list_releases
from service.core.publishing.snapshot import SnapshotStore
from service.errors import Conflict, InvalidField, NotFound
from tests.factories import achievement, draft, publish_draft

NAME = "achievement/1/name"
ANA, DEV, RITA, UWE = (operator(name) for name in ("Ana", "Dev", "Rita", "Uwe"))
FRENCH = {"fr-FR": {NAME: "Nom 1"}}


@pytest.fixture
async def title(connection) -> int:
    """Title 1 with two achievements in English and one French name; nothing is published."""
    new = draft(1, (achievement(1), achievement(2)), texts=FRENCH)
    await import_draft(connection, OPERATOR, new)
    return 1


@pytest.fixture
def save(connection, title):
    """Saves a French name of achievement 1 as Ana, who saw the string at a version."""

    async def saved(text, expected_version, **options):
        return await editing.save_string(
            connection, ANA, title, NAME, "fr-FR", text=text, expected_version=expected_version, **options
        )

    return saved


async def french(connection, title_id=1):
    return await strings.get_string(connection, title_id, NAME, "fr-FR")


async def served(pool):
    releases = SnapshotStore(pool)
    await releases.refresh()
    return {locale: dict(found) for locale, found in releases.current.titles[1].texts.items()}


async def test_a_string_is_shown_with_all_that_a_translator_needs(connection, save):
    await save("Meilleur", 1)

    string = await strings.get_string(connection, 1, NAME, "fr-FR", other="en-US")

    assert (string.source, string.text, string.other) == ("Name 1", "Meilleur", "Name 1")
    assert (string.state, string.version, string.limit, string.actor) == ("translated", 2, 44, "Ana")
    assert not string.is_stale


async def test_what_is_missing_can_be_read_and_written(connection, title):
    missing = await strings.get_string(connection, title, NAME, "de-DE")
    written = await editing.save_string(connection, UWE, title, NAME, "de-DE", text="Name eins", expected_version=0)

    assert (missing.state, missing.version, missing.text) == ("missing", 0, None)
    assert (written.state, written.version, written.text) == ("translated", 1, "Name eins")


async def test_who_comes_second_is_told_what_is_there_now(connection, save):
    await save("Le premier", 1)

    with pytest.raises(Conflict) as conflict:
        await save("Le second", 1)

    assert (conflict.value.current.text, conflict.value.current.version) == ("Le premier", 2)
    assert (await french(connection)).text == "Le premier"


async def test_a_text_that_breaks_a_rule_is_refused(connection, save):
    for wrong in ("", "a\0b", " "):
        with pytest.raises(InvalidField, match=r"^text: "):
            await save(wrong, 1)

    assert (await french(connection)).version == 1


async def test_a_warning_stays_until_somebody_takes_it_upon_themselves(connection, save):
    warned = await save("Name 1", 1)
    overridden = await save("Name 1", 2, reasons={"same-as-source": "it is a name", "no-such-rule": "why not"})

    assert warned.remarks == ["same-as-source"]
    assert overridden.remarks == []
    assert overridden.overridden() == {"same-as-source": strings.Override("Ana", "it is a name")}
    reviewed = await editing.review_string(connection, RITA, 1, NAME, "fr-FR", approve=True, expected_version=3)
    assert reviewed.overridden() == overridden.overridden()


async def test_a_changed_source_makes_translations_stale_until_they_are_looked_at(connection, title, save):
    await editing.save_string(connection, DEV, title, NAME, "en-US", text="Another name", expected_version=1)

    assert (await french(connection)).is_stale
    assert [one.key for one in (await strings.list_strings(connection, title, "fr-FR", filter="stale")).strings] == [
        NAME
    ]
    await save("Un autre nom", 1)
    assert not (await french(connection)).is_stale


async def test_a_changed_state_of_the_source_makes_nothing_stale(connection, title):
    await editing.review_string(connection, RITA, title, NAME, "en-US", approve=True, expected_version=1)

    assert not (await french(connection)).is_stale


async def test_an_old_revision_comes_back_as_what_it_translated(connection, title, save):
    await editing.save_string(connection, DEV, title, NAME, "en-US", text="Another name", expected_version=1)
    await save("Un autre nom", 1)

    restored = await editing.restore_string(connection, RITA, title, NAME, "fr-FR", version=1, expected_version=2)

    assert (restored.text, restored.version, restored.is_stale) == ("Nom 1", 3, True)
    assert [(one.version, one.text, one.origin, one.actor) for one in await strings.list_revisions(connection, 1, NAME, "fr-FR")] == [
        (3, "Nom 1", "restore", "Rita"),
        (2, "Un autre nom", "edit", "Ana"),
        (1, "Nom 1", "import", "laurel"),
    ]  # fmt: skip
    with pytest.raises(NotFound):
        await editing.restore_string(connection, RITA, title, NAME, "fr-FR", version=9, expected_version=3)


async def test_what_is_taken_away_leaves_its_history_and_its_numbers(connection, title):
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
    assert [one.text for one in await strings.list_revisions(connection, title, NAME, "fr-FR")] == [
        "Encore",
        None,
        "Nom 1",
    ]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.tuples(st.sampled_from(["Ana", "Uwe"]), st.booleans()), max_size=20))
async def test_no_acknowledged_text_is_lost_however_two_editors_take_turns(connection, title, turns):
    """Each looks at the string or saves over what they saw last; what was accepted is the history, in order."""
    start = (await french(connection)).version
    seen, accepted = dict.fromkeys(("Ana", "Uwe"), start), []
    for number, (editor, looks) in enumerate(turns):
        if looks:
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
            assert seen[editor] == start + len(accepted)  # what was saved over had been seen
            accepted.append(text)
            seen[editor] = saved.version

    history = await strings.list_revisions(connection, title, NAME, "fr-FR", count=len(accepted))
    assert [one.text for one in reversed(history)] == accepted
    assert (await french(connection)).version == start + len(accepted)


async def test_only_what_is_ready_is_published_and_the_rest_stays_as_it_is_served(connection, pool, title, save):
    await publish_title(connection, OPERATOR, title)
    await save("Une suggestion", 1, state="needs_review")
    await editing.save_string(
        connection, UWE, title, NAME, "de-DE", text="Vorschlag", expected_version=0, state="needs_review"
    )
    await editing.save_string(connection, ANA, title, "title/name", "fr-FR", text="Jeu", expected_version=0)

    result = await publish_title(connection, OPERATOR, title)

    assert result.changes.texts == {("fr-FR", "title/name"): (None, "Jeu")}
    assert (await served(pool))["fr-FR"] == {NAME: "Nom 1", "title/name": "Jeu"}
    assert "de-DE" not in await served(pool)


async def test_a_title_may_publish_approved_texts_alone(connection, pool, title, save):
    await publish_title(connection, OPERATOR, title)
    await set_publish_from(connection, OPERATOR, title, "approved")
    await save("Traduit", 1)
    await publish_title(connection, OPERATOR, title)
    assert (await served(pool))["fr-FR"][NAME] == "Nom 1"

    await editing.review_string(connection, RITA, title, NAME, "fr-FR", approve=True, expected_version=2)
    result = await publish_title(connection, RITA, title, note="Approved French")

    assert result.changes.texts == {("fr-FR", NAME): ("Nom 1", "Traduit")}
    [newest, *_] = await list_releases(connection, title)
    assert (newest.release, newest.actor, newest.note, newest.is_served) == (
        result.release,
        "Rita",
        "Approved French",
        True,
    )


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        pytest.param({"filter": "missing"}, 6, id="missing"),
        pytest.param({"filter": "needs_review"}, 0, id="needs review"),
        pytest.param({"filter": "translated"}, 1, id="translated"),
        pytest.param({"filter": "problems"}, 0, id="problems"),
        pytest.param({"filter": "unpublished"}, 1, id="differs from what is served"),
        pytest.param({"q": "NOM"}, 1, id="in the text, in any case"),
        pytest.param({"q": "locked 2"}, 1, id="in the source"),
        pytest.param({"q": "achievement/2/"}, 3, id="in the key"),
        pytest.param({"q": "%"}, 0, id="no pattern"),
    ],
)
async def test_a_list_shows_what_is_asked_for(connection, title, changes, keys):
    assert len((await strings.list_strings(connection, title, "fr-FR", **changes)).strings) == keys


async def test_pages_of_strings_join_up(connection, title):
    found, after = [], ""
    while after is not None:
        page = await strings.list_strings(connection, title, "fr-FR", after=after, count=2)
        found += [one.key for one in page.strings]
        after = page.after

    assert found == sorted(found)
    assert len(found) == 7


async def test_the_default_locale_lists_what_has_no_text_yet(connection, title):
    new = draft(1, (achievement(3),))
    del new.texts["en-US"]["achievement/3/name"]
    await import_draft(connection, OPERATOR, new)

    missing = await strings.list_strings(connection, title, "en-US", filter="missing")

    assert "achievement/3/name" in [one.key for one in missing.strings]
    with pytest.raises(NotFound, match="has no text of the key"):
        await strings.get_string(connection, title, "achievement/9/name", "en-US")


async def test_coverage_counts_each_locale(connection, title, save):
    await publish_title(connection, OPERATOR, title)
    await save("Nom deux", 1, state="approved")

    found = await coverage.get_coverage(connection, title)

    french = next(one for one in found.locales if one.locale == "fr-FR")
    assert (found.strings, found.missing(french)) == (7, 6)
    assert (french.published, french.translated, french.approved, french.needs_review) == (1, 0, 1, 0)
    assert (found.name, found.release) == ("Title 1", 1)


async def test_a_scheduled_publish_happens_once_when_its_time_has_come(connection, pool, title):
    now = datetime.datetime.now(datetime.UTC)
    due = await schedules.schedule_publish(
        connection, ANA, title, due_at=now - datetime.timedelta(hours=1), note="Launch"
    )
    await schedules.schedule_publish(connection, ANA, title, due_at=now + datetime.timedelta(hours=1))

    await schedules.run_due(pool)
    await schedules.run_due(pool)

    later, done = await schedules.list_schedules(connection, title)
    assert (done.schedule_id, done.status, done.release) == (due.schedule_id, "published", 1)
    assert later.status == "waiting"
    assert [(one.actor, one.note) for one in await list_releases(connection, title)] == [("Ana", "Launch")]
    await schedules.cancel_schedule(connection, ANA, title, later.schedule_id)
    with pytest.raises(NotFound):
        await schedules.cancel_schedule(connection, ANA, title, later.schedule_id)


async def test_a_scheduled_publish_that_breaks_a_rule_says_so_and_changes_nothing(connection, pool):
    broken = draft(2, (achievement(1),))
    del broken.texts["en-US"][NAME]
    await import_draft(connection, OPERATOR, broken)
    await schedules.schedule_publish(connection, ANA, 2, due_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))

    await schedules.run_due(pool)

    [one] = await schedules.list_schedules(connection, 2)
    assert (one.status, one.release) == ("refused", None)
    assert NAME in one.problem
    assert await list_releases(connection, 2) == []


async def test_each_string_says_where_it_comes_from(connection, pool, title):
    await publish_title(connection, OPERATOR, title)
    releases = SnapshotStore(pool)
    await releases.refresh()

    found = explain(releases.current.titles[1], "fr", None)

    found_by_key = {one.key: (one.locale, one.locales_without_text) for one in found.strings}
    assert found.chain == ("fr-FR", "en-US")
    assert found_by_key[NAME] == ("fr-FR", ())
    assert found_by_key["title/name"] == ("en-US", ("fr-FR",))


async def test_an_achievement_in_one_language_says_that_another_string_decided(connection, pool):
    new = draft(1, (achievement(1),), texts=FRENCH, text_unit="achievement")
    await publish_draft(connection, new)
    releases = SnapshotStore(pool)
    await releases.refresh()

    name = next(one for one in explain(releases.current.titles[1], "fr", None).strings if one.key == NAME)

    assert (name.locale, name.locales_without_text, name.is_with_others) == ("en-US", (), True)


async def test_strings_that_fall_back_are_counted_by_answers_and_written_once(connection, pool, title):
    await publish_title(connection, OPERATOR, title)
    releases = SnapshotStore(pool)
    await releases.refresh()
    published, counts = releases.current.titles[1], Fallbacks(pool)

    for chain in (("fr-FR", "en-US"), ("fr-FR", "en-US"), ("en-US",)):
        counts.count(published, chain)
    await counts.flush()
    await counts.flush()

    found = await fallbacks.list_fallbacks(connection, title)
    assert {(one.wanted, one.used, one.answers) for one in found} == {("fr-FR", "en-US", 2)}
    assert NAME not in {one.key for one in found}
    assert len(found) == 6


async def test_fallback_counts_are_bounded(pool, connection, title):
    await publish_title(connection, OPERATOR, title)
    releases = SnapshotStore(pool)
    await releases.refresh()
    counts = Fallbacks(pool)

    for number in range(fallbacks.MAX_CHAINS + 5):
        counts.count(releases.current.titles[1], (f"x-{number}", "en-US"))

    assert len(counts._seen) == fallbacks.MAX_CHAINS
