"""An import is staged with a report of its changes, and applied exactly as reported or not at all."""

import pytest

from service.core.auth.principal import OPERATOR, Principal, grants_of, operator
from service.core.formats import po
from service.core.formats.entry import Entry
from service.core.localization import editing, imports, strings
from service.core.localization.import_batches import list_lines
from service.core.localization.import_report import ExistingText, compare
from service.core.publishing import drafts
from service.core.publishing.drafts import import_draft
from service.errors import Conflict, InvalidCatalog, PermissionDenied
from tests.factories import achievement, draft

NAME, LOCKED = "achievement/1/name", "achievement/1/locked_description"
ANA, RITA, UWE = (operator(name) for name in ("Ana", "Rita", "Uwe"))
HEAD = 'msgid ""\nmsgstr ""\n"Language: {}\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'


def french(*entries: tuple[str, str, str], fuzzy: bool = False, language: str = "fr_FR") -> dict[str, bytes]:
    """A PO file of these strings: key, source, translation."""
    flags = "#, fuzzy\n" if fuzzy else ""
    body = "".join(f'\n{flags}msgctxt "{key}"\nmsgid "{source}"\nmsgstr "{text}"\n' for key, source, text in entries)
    return {"fr.po": (HEAD.format(language) + body).encode()}


@pytest.fixture
async def title(connection) -> int:
    """Title 1 in English, with a French name."""
    new = draft(1, (achievement(1), achievement(2)), texts={"fr-FR": {NAME: "Nom 1"}})
    await import_draft(connection, OPERATOR, new)
    return 1


@pytest.fixture
def stage(pool, title):
    """Stages files as Ana; gives the batch."""

    async def stage(files, principal=ANA, **options):
        return await imports.stage_import(pool, principal, title, files, imports.ImportOptions(**options))

    return stage


@pytest.fixture
def lines(connection):
    """Reads the lines of a batch's report."""

    async def lines(batch):
        return await list_lines(connection, batch, range(100))

    return lines


@pytest.fixture
def kinds(lines):
    """Reads key → kind of each line of a batch's report."""

    async def kinds(batch) -> dict[str, str]:
        return {line.key: line.kind for line in await lines(batch)}

    return kinds


async def test_import_without_the_rights_stores_no_batch(connection, stage):
    grants = grants_of([{"titles": "*", "locales": ["de"], "can": ["translate"]}])
    with pytest.raises(PermissionDenied, match="translate"):
        await stage(french((NAME, "Name 1", "Autre")), Principal(players=(), expires_at=0, name="Bo", grants=grants))

    assert await connection.fetchval("SELECT count(*) FROM import_batch") == 0


async def test_report_announces_each_change_and_writes_nothing(connection, stage, lines, kinds):
    batch = await stage(
        french(
            (NAME, "Name 1", "Meilleur nom"),
            (LOCKED, "Locked 1", "Fermé"),
            ("achievement/2/name", "An older name", "Vieux nom"),
            ("achievement/9/name", "Name 9", "Nom 9"),
        )
    )

    assert await kinds(batch) == {
        NAME: "changed",
        LOCKED: "new",
        "achievement/2/name": "stale",
        "achievement/9/name": "unknown",
    }
    assert batch.report.counts == {"fr-FR": {"changed": 1, "new": 1, "stale": 1, "unknown": 1}}
    assert [line.line for line in await lines(batch)] == [6, 10, 14, 18]
    assert (await strings.get_string(connection, 1, NAME, "fr-FR")).text == "Nom 1"


async def test_applying_writes_the_reported_changes_with_author_and_batch(connection, stage, pool):
    batch = await stage(french((NAME, "Name 1", "Meilleur"), ("achievement/2/name", "An older name", "Vieux")))

    done = await imports.apply_import(pool, RITA, 1, batch.batch_id, expected_version=batch.catalog_version)

    name, stale = [await strings.get_string(connection, 1, key, "fr-FR") for key in (NAME, "achievement/2/name")]
    assert (name.text, name.state, name.is_stale) == ("Meilleur", "translated", False)
    assert (stale.text, stale.state, stale.is_stale) == ("Vieux", "needs_review", True)
    [newest, _] = await strings.list_revisions(connection, 1, NAME, "fr-FR")
    assert (newest.origin, newest.actor, newest.batch_id) == ("import", "Rita", batch.batch_id)
    assert done.applied_by == "Rita"


async def test_same_file_twice_is_one_batch_and_no_change_once_applied(connection, stage, pool):
    file = french((NAME, "Name 1", "Meilleur"))
    first, same = await stage(file), await stage(file)
    assert first.batch_id == same.batch_id
    await imports.apply_import(pool, ANA, 1, first.batch_id, expected_version=first.catalog_version)
    again = await imports.apply_import(pool, UWE, 1, first.batch_id, expected_version=first.catalog_version)

    later = await stage(file)

    assert again.applied_by == "Ana"
    assert later.batch_id != first.batch_id
    assert later.report.counts == {"fr-FR": {"unchanged": 1}}
    assert len(await strings.list_revisions(connection, 1, NAME, "fr-FR")) == 2


async def test_edit_after_the_report_rejects_the_whole_import(connection, stage, pool):
    batch = await stage(french((NAME, "Name 1", "Meilleur"), (LOCKED, "Locked 1", "Fermé")))
    await editing.save_string(connection, UWE, 1, "achievement/2/name", "fr-FR", text="Nom 2", expected_version=0)

    with pytest.raises(Conflict) as conflict:
        await imports.apply_import(pool, ANA, 1, batch.batch_id, expected_version=batch.catalog_version)

    assert conflict.value.current == batch.catalog_version + 1
    assert (await strings.get_string(connection, 1, LOCKED, "fr-FR")).state == "missing"


async def test_error_in_a_text_rejects_the_whole_import(connection, stage, pool, kinds):
    batch = await stage(french((NAME, "Name 1", "Meilleur"), (LOCKED, "Locked 1", "x" * 101)))

    assert (await kinds(batch))[LOCKED] == "error"
    with pytest.raises(InvalidCatalog, match="over-limit"):
        await imports.apply_import(pool, ANA, 1, batch.batch_id, expected_version=batch.catalog_version)
    assert (await strings.get_string(connection, 1, NAME, "fr-FR")).text == "Nom 1"


async def test_unreadable_file_is_reported_with_line_numbers(stage, lines):
    batch = await stage({"fr.po": HEAD.format("fr").encode() + b'\nmsgctxt "a\nmsgid "b"\n'})

    assert batch.report.has_errors
    assert {line.kind for line in await lines(batch)} == {"error"}
    assert (await lines(batch))[0].line == 6


async def test_approved_text_is_kept_unless_overwriting_is_requested(connection, stage, kinds):
    await editing.review_string(connection, RITA, 1, NAME, "fr-FR", approve=True, expected_version=1)
    file = french((NAME, "Name 1", "Meilleur"))

    assert await kinds(await stage(file)) == {NAME: "kept"}
    assert await kinds(await stage(file, overwrite_approved=True)) == {NAME: "changed"}


async def test_text_that_needs_review_never_replaces_a_better_one(stage, kinds):
    assert await kinds(await stage(french((NAME, "Name 1", "Peut-être"), fuzzy=True))) == {NAME: "kept"}
    assert await kinds(await stage(french((NAME, "Another source", "Peut-être")))) == {NAME: "kept"}


async def test_replace_locale_deletes_what_the_file_lacks(connection, stage, pool, kinds):
    batch = await stage(french((LOCKED, "Locked 1", "Fermé")), mode="replace-locale")
    await imports.apply_import(pool, ANA, 1, batch.batch_id, expected_version=batch.catalog_version)

    assert await kinds(batch) == {LOCKED: "new", NAME: "removed"}
    assert (await strings.get_string(connection, 1, NAME, "fr-FR")).state == "missing"
    assert (await strings.get_string(connection, 1, NAME, "en-US")).text == "Name 1"


async def test_translation_imported_with_its_new_source_is_not_stale(connection):
    new = draft(1, (achievement(1),))
    await import_draft(connection, OPERATOR, new)
    new.texts["en-US"][NAME] = "A new name"

    both = draft(1, (achievement(1),), texts={"en-US": new.texts["en-US"], "fr-FR": {NAME: "Nom"}})
    await import_draft(connection, OPERATOR, both)

    assert not (await strings.get_string(connection, 1, NAME, "fr-FR")).is_stale


async def test_report_as_po_has_the_problems_as_comments(stage, pool):
    batch = await stage(french((NAME, "Name 1", "Meilleur"), ("achievement/9/name", "Name 9", 'Nom \\"9\\"')))

    written = (await imports.export_po(pool, batch, "fr-FR")).data

    assert {entry.key: entry.text for entry in po.read_po(written, file="report.po")} == {
        NAME: "Meilleur",
        "achievement/9/name": 'Nom "9"',
    }
    assert b"#. unknown: the title has no text of that key [unknown-key]" in written
    assert b"#. before: Nom 1" in written


def test_duplicate_string_is_an_error():
    entry = Entry(key=NAME, locale="fr-FR", text="Nom")

    report = compare([entry, entry], draft(1, (achievement(1),)), {})

    assert report.counts == {"fr-FR": {"new": 1, "error": 1}}


def test_translation_without_a_source_is_unknown():
    new = draft(1, (achievement(1),))
    del new.texts["en-US"][NAME]

    report = compare([Entry(key=NAME, locale="fr-FR", text="Nom")], new, {})

    assert [line.rule for line in report.lines] == ["no-source"]


def test_stale_text_may_be_replaced_by_one_that_needs_review():
    existing = {("fr-FR", NAME): ExistingText("Vieux", "approved", is_stale=True)}
    entry = Entry(key=NAME, locale="fr-FR", text="Nom", needs_review=True)

    kept = compare([entry], draft(1, (achievement(1),)), existing)
    forced = compare([entry], draft(1, (achievement(1),)), existing, overwrite_approved=True)

    assert ([line.rule for line in kept.lines], [line.kind for line in forced.lines]) == (["approved"], ["changed"])


async def test_edit_while_an_import_is_made_ready_rejects_the_whole_import(connection, stage, pool):
    batch = await stage(french((NAME, "Name 1", "Meilleur")))

    async def run(function, *arguments):
        await editing.save_string(connection, UWE, 1, NAME, "fr-FR", text="Le mien", expected_version=1)
        return function(*arguments)

    with pytest.raises(Conflict):
        await imports.apply_import(pool, ANA, 1, batch.batch_id, expected_version=batch.catalog_version, run=run)

    assert (await strings.get_string(connection, 1, NAME, "fr-FR")).text == "Le mien"


async def test_import_is_written_in_parts_sources_first(connection, monkeypatch, title):
    monkeypatch.setattr(drafts, "_ROWS", 2)
    header = "key,source,en-US,fr-FR\n"
    keys = [f"achievement/{number}/{field}" for number in (1, 2) for field in ("name", "description")]
    file = header + "".join(f'{key},"New {key}","New {key}","Neuf {key}"\n' for key in keys)

    await imports.import_texts(connection, ANA, title, {"texts.csv": file.encode()}, imports.ImportOptions())

    for key in keys:
        saved = await strings.get_string(connection, 1, key, "fr-FR")
        assert (saved.source, saved.text, saved.is_stale) == (f"New {key}", f"Neuf {key}", False)


async def test_long_report_is_read_in_parts(connection, stage):
    batch = await stage(french((NAME, "Name 1", "Meilleur"), (LOCKED, "Locked 1", "Fermé")))

    parts = [await list_lines(connection, batch, range(first, first + 1)) for first in range(3)]

    assert [[line.key for line in part] for part in parts] == [[NAME], [LOCKED], []]
    assert batch.report.line_count == 2
