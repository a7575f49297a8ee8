"""Texts are saved against the version that was seen, and everything that they ever were stays to be read."""

import datetime

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.localization import coverage, fallbacks, strings
from service.core.localization.explain import explain
from service.core.localization.fallbacks import Fallbacks
from service.core.publishing import drafts, publish, schedules
from service.core.publishing.snapshot import SnapshotStore
from service.errors import Conflict, InvalidField, NotFound
from tests.factories import achievement, draft

NAME = "achievement/1/name"
FRENCH = {"fr-FR": {NAME: "Nom 1"}}


@pytest.fixture
async def title(connection) -> int:
    """Title 1 with two achievements in English and one French name; nothing is published."""
    new = draft(1, (achievement(1), achievement(2)), texts=FRENCH)
    await publish.import_draft(connection, new, is_whole=True, file="test")
    return 1


@pytest.fixture
def save(connection, title):
    """Saves a French name of achievement 1 as Ana; `expected` is the version that she saw."""

    async def saved(text, expected, **changes):
        return await strings.save(
            connection, title, NAME, "fr-FR", **({"text": text, "expected": expected, "actor": "Ana"} | changes)
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
    written = await strings.save(connection, title, NAME, "de-DE", text="Name eins", expected=0, actor="Uwe")

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
    reviewed = await strings.review(connection, 1, NAME, "fr-FR", approve=True, expected=3, actor="Rita")
    assert reviewed.overridden() == overridden.overridden()


async def test_a_changed_source_makes_translations_stale_until_they_are_looked_at(connection, title, save):
    await strings.save(connection, title, NAME, "en-US", text="Another name", expected=1, actor="Dev")

    assert (await french(connection)).is_stale
    assert [one.key for one in (await strings.list_strings(connection, title, "fr-FR", filter="stale")).strings] == [
        NAME
    ]
    await save("Un autre nom", 1)
    assert not (await french(connection)).is_stale


async def test_a_changed_state_of_the_source_makes_nothing_stale(connection, title):
    await strings.review(connection, title, NAME, "en-US", approve=True, expected=1, actor="Rita")

    assert not (await french(connection)).is_stale


async def test_an_old_revision_comes_back_as_what_it_translated(connection, title, save):
    await strings.save(connection, title, NAME, "en-US", text="Another name", expected=1, actor="Dev")
    await save("Un autre nom", 1)

    restored = await strings.restore(connection, title, NAME, "fr-FR", version=1, expected=2, actor="Rita")

    assert (restored.text, restored.version, restored.is_stale) == ("Nom 1", 3, True)
    assert [(one.version, one.text, one.origin, one.actor) for one in await strings.history(connection, 1, NAME, "fr-FR")] == [
        (3, "Nom 1", "restore", "Rita"),
        (2, "Un autre nom", "edit", "Ana"),
        (1, "Nom 1", "import", "laurel"),
    ]  # fmt: skip
    with pytest.raises(NotFound):
        await strings.restore(connection, title, NAME, "fr-FR", version=9, expected=3, actor="Rita")


async def test_what_is_taken_away_leaves_its_history_and_its_numbers(connection, title):
    before = await drafts.draft_of(connection, title)
    after = msgspec.structs.replace(before, texts={"en-US": before.texts["en-US"]})
    author = drafts.Author(actor="Dev", origin="admin")
    await drafts.write_draft(connection, after, publish.diff_drafts(before, after), author=author)

    gone = await french(connection)
    again = await strings.save(connection, title, NAME, "fr-FR", text="Encore", expected=gone.version, actor="Ana")

    assert (gone.state, gone.version) == ("missing", 2)
    assert again.version == 3
    assert [one.text for one in await strings.history(connection, title, NAME, "fr-FR")] == ["Encore", None, "Nom 1"]


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
            saved = await strings.save(connection, title, NAME, "fr-FR", text=text, expected=seen[editor], actor=editor)
        except Conflict:
            assert (await french(connection)).version > seen[editor]
        else:
            assert seen[editor] == start + len(accepted)  # what was saved over had been seen
            accepted.append(text)
            seen[editor] = saved.version

    history = await strings.history(connection, title, NAME, "fr-FR", count=len(accepted))
    assert [one.text for one in reversed(history)] == accepted
    assert (await french(connection)).version == start + len(accepted)


async def test_only_what_is_ready_is_published_and_the_rest_stays_as_it_is_served(connection, pool, title, save):
    await publish.publish(connection, title)
    await save("Une suggestion", 1, state="needs_review")
    await strings.save(
        connection, title, NAME, "de-DE", text="Vorschlag", expected=0, actor="Uwe", state="needs_review"
    )
    await strings.save(connection, title, "title/name", "fr-FR", text="Jeu", expected=0, actor="Ana")

    _, changes = await publish.publish(connection, title)

    assert changes.texts == {("fr-FR", "title/name"): (None, "Jeu")}
    assert (await served(pool))["fr-FR"] == {NAME: "Nom 1", "title/name": "Jeu"}
    assert "de-DE" not in await served(pool)


async def test_a_title_may_publish_approved_texts_alone(connection, pool, title, save):
    await publish.publish(connection, title)
    await strings.set_publish_from(connection, title, "approved")
    await save("Traduit", 1)
    await publish.publish(connection, title)
    assert (await served(pool))["fr-FR"][NAME] == "Nom 1"

    await strings.review(connection, title, NAME, "fr-FR", approve=True, expected=2, actor="Rita")
    release, changes = await publish.publish(connection, title, actor="Rita", note="Approved French")

    assert changes.texts == {("fr-FR", NAME): ("Nom 1", "Traduit")}
    [newest, *_] = await publish.list_releases(connection, title)
    assert (newest.release, newest.actor, newest.note, newest.is_served) == (release, "Rita", "Approved French", True)


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
    await publish.import_draft(connection, new, is_whole=True, file="test")

    missing = await strings.list_strings(connection, title, "en-US", filter="missing")

    assert "achievement/3/name" in [one.key for one in missing.strings]
    with pytest.raises(NotFound, match="has no text of the key"):
        await strings.get_string(connection, title, "achievement/9/name", "en-US")


async def test_coverage_counts_each_locale(connection, title, save):
    await publish.publish(connection, title)
    await save("Nom deux", 1, state="approved")

    found = await coverage.of_title(connection, title)

    french = next(one for one in found.locales if one.locale == "fr-FR")
    assert (found.strings, found.missing(french)) == (7, 6)
    assert (french.published, french.translated, french.approved, french.needs_review) == (1, 0, 1, 0)
    assert (found.name, found.release) == ("Title 1", 1)


async def test_a_scheduled_publish_happens_once_when_its_time_has_come(connection, pool, title):
    now = datetime.datetime.now(datetime.UTC)
    due = await schedules.schedule(
        connection, title, due_at=now - datetime.timedelta(hours=1), actor="Ana", note="Launch"
    )
    await schedules.schedule(connection, title, due_at=now + datetime.timedelta(hours=1), actor="Ana")

    await schedules.run_due(pool)
    await schedules.run_due(pool)

    later, done = await schedules.of_title(connection, title)
    assert (done.schedule_id, done.status, done.release) == (due.schedule_id, "published", 1)
    assert later.status == "waiting"
    assert [(one.actor, one.note) for one in await publish.list_releases(connection, title)] == [("Ana", "Launch")]
    await schedules.cancel(connection, title, later.schedule_id)
    with pytest.raises(NotFound):
        await schedules.cancel(connection, title, later.schedule_id)


async def test_a_scheduled_publish_that_breaks_a_rule_says_so_and_changes_nothing(connection, pool):
    broken = draft(2, (achievement(1),))
    del broken.texts["en-US"][NAME]
    await publish.import_draft(connection, broken, is_whole=True, file="test")
    await schedules.schedule(connection, 2, due_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), actor="Ana")

    await schedules.run_due(pool)

    [one] = await schedules.of_title(connection, 2)
    assert (one.status, one.release) == ("refused", None)
    assert NAME in one.problem
    assert await publish.list_releases(connection, 2) == []


async def test_each_string_says_where_it_comes_from(connection, pool, title):
    await publish.publish(connection, title)
    releases = SnapshotStore(pool)
    await releases.refresh()

    found = explain(releases.current.titles[1], "fr", None)

    found_by_key = {one.key: (one.locale, one.locales_without_text) for one in found.strings}
    assert found.chain == ("fr-FR", "en-US")
    assert found_by_key[NAME] == ("fr-FR", ())
    assert found_by_key["title/name"] == ("en-US", ("fr-FR",))


async def test_an_achievement_in_one_language_says_that_another_string_decided(connection, pool):
    new = draft(1, (achievement(1),), texts=FRENCH, text_unit="achievement")
    await publish.import_draft(connection, new, is_whole=True, file="test")
    await publish.publish(connection, 1)
    releases = SnapshotStore(pool)
    await releases.refresh()

    name = next(one for one in explain(releases.current.titles[1], "fr", None).strings if one.key == NAME)

    assert (name.locale, name.locales_without_text, name.is_with_others) == ("en-US", (), True)


async def test_strings_that_fall_back_are_counted_by_answers_and_written_once(connection, pool, title):
    await publish.publish(connection, title)
    releases = SnapshotStore(pool)
    await releases.refresh()
    published, counts = releases.current.titles[1], Fallbacks(pool)

    for chain in (("fr-FR", "en-US"), ("fr-FR", "en-US"), ("en-US",)):
        counts.count(published, chain)
    await counts.flush()
    await counts.flush()

    found = await fallbacks.of_title(connection, title)
    assert {(one.wanted, one.used, one.answers) for one in found} == {("fr-FR", "en-US", 2)}
    assert NAME not in {one.key for one in found}
    assert len(found) == 6


async def test_fallback_counts_are_bounded(pool, connection, title):
    await publish.publish(connection, title)
    releases = SnapshotStore(pool)
    await releases.refresh()
    counts = Fallbacks(pool)

    for number in range(fallbacks.MOST_CHAINS + 5):
        counts.count(releases.current.titles[1], (f"x-{number}", "en-US"))

    assert len(counts._seen) == fallbacks.MOST_CHAINS
