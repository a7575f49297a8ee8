"""`laurel catalog`: import, check, export, publish and roll back a title."""

import json
import shutil

import pytest

from tests.cli.conftest import PO, TITLE, TOML


def test_title_is_imported_checked_and_published(command):
    imported = command("catalog", "import", "title.toml")
    assert imported.stdout == "title 7: title new; achievements 1 new, 0 changed; texts 5 new or changed\n"
    assert imported.stderr == "import 1/1: " + imported.stderr.removeprefix("import 1/1: ")

    assert command("catalog", "check", "--title", 7).stdout.startswith("errors: 0, ")
    dry = command("catalog", "publish", "--title", 7, "--dry-run")
    assert dry.stdout.endswith("dry run: nothing was changed\n")
    assert command("catalog", "publish", "--title", 7).stdout.endswith("title 7: release 1 is published\n")
    again = command("catalog", "publish", "--title", 7)
    assert again.stdout == "title 7: nothing changes\ntitle 7: release 1 is published\n"
    assert command("catalog", "import", "title.toml").stdout == "title 7: nothing changes\n"


def test_rollback_serves_an_earlier_release(command, files):
    command("catalog", "import", "title.toml", "--publish")
    (files / "title.toml").write_text(TOML.replace("First Light", "First Dark"), encoding="utf-8")
    shutil.rmtree(files / "locales")
    second = command("catalog", "import", "title.toml", "--publish")
    assert "'First Light' -> 'First Dark'" in second.stdout
    assert "release 2 is published" in second.stdout

    command("catalog", "rollback", "--title", 7, "--release", 1)
    listed = command("catalog", "rollback", "--title", 7).stdout.splitlines()

    assert [("1" in line, "is served" in line) for line in listed][-1] == (True, True)
    assert sum("is served" in line for line in listed) == 1
    failed = command("catalog", "rollback", "--title", 7, "--release", 3, status=1)
    assert failed.stderr == "laurel: there is no release 3 of title 7\n"


def test_dry_run_prints_the_diff_and_changes_nothing(command, contents):
    shown = command("catalog", "import", "title.toml", "--dry-run", "--publish")

    assert "title 7: title new" in shown.stdout
    assert shown.stdout.endswith("dry run: nothing was changed\n")
    assert contents(7) is None


def test_dry_run_of_a_publish_counts_who_would_unlock_what(command, files):
    counted = (
        'id = "00000000-0000-0000-0000-000000000001"\ntarget = "10"\nmeasure = { aggregate = "sum", metric = "lamps" }'
    )
    text = f'{TOML}\n[[achievements.requirements]]\n{counted}\n\n[[metrics]]\nkey = "lamps"\nname = "Lamps"\n'
    (files / "title.toml").write_text(text, encoding="utf-8")
    command("catalog", "import", "title.toml")

    shown = command("catalog", "publish", "--title", 7, "--dry-run")

    assert shown.stdout.endswith(
        "of 0 players there, for what they have reached already:\n"
        "  0 would unlock achievement 1\n"
        "dry run: nothing was changed\n"
    )
    assert "no release of title 7" in command("catalog", "rollback", "--title", 7, status=1).stderr


def test_importing_an_export_changes_nothing(command, contents, tmp_path):
    command("catalog", "import", "page.json")
    before = contents(TITLE)

    again = command("catalog", "import", tmp_path / "contents" / f"title-{TITLE}.toml")

    assert again.stdout == f"title {TITLE}: nothing changes\n"
    assert contents(TITLE) == before


@pytest.mark.parametrize("kind", ["po", "xbox", "steam", "epic", "csv"])
def test_text_changed_in_an_exported_file_is_the_only_change_on_import(command, tmp_path, kind):
    """In every format, with the French name changed in the file."""
    command("catalog", "import", "title.toml")
    command("catalog", "export", "--title", 7, "--format", kind, "--to", tmp_path / "out")
    [path] = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and "Première lueur" in path.read_text()]
    path.write_text(path.read_text().replace("Première lueur", "Aube"))

    result = command("catalog", "import", path, "--title", 7)

    assert result.stdout.splitlines() == [
        "title 7: texts 1 new or changed, 0 removed",
        "  fr-FR achievement/1/name: 'Première lueur' -> 'Aube'",
    ]


FRENCH = """\
msgid ""
msgstr ""
"Language: fr_FR\\n"
"Content-Type: text/plain; charset=UTF-8\\n"

msgctxt "achievement/1/description"
msgid "Lit the lighthouse a year ago."
msgstr "Phare allumé."

#, fuzzy
msgctxt "achievement/1/locked_description"
msgid "Light the lighthouse."
msgstr "Allumez-le."

msgctxt "achievement/9/name"
msgid "Ninth"
msgstr "Neuvième"
"""


def test_texts_follow_the_rules_of_every_import(command, files):
    """As over REST: texts that need review are imported as such, and a text that the title lacks is left out."""
    command("catalog", "import", "title.toml")
    (files / "fr.po").write_text(FRENCH, encoding="utf-8")

    result = command("catalog", "import", files / "fr.po", "--title", 7)

    assert result.stdout == "title 7: texts 2 new or changed, 0 removed\n"
    warnings = [line.partition("fr.po:")[2] for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert warnings == [
        "6: fr-FR achievement/1/description: needs review: its source has changed since it was translated [stale]",
        "11: fr-FR achievement/1/locked_description: needs review: it is marked fuzzy [fuzzy]",
        "15: fr-FR achievement/9/name: left out: the title has no text of that key [unknown-key]",
    ]


def test_texts_over_a_limit_of_xbox_reject_all_files(command, contents, files):
    command("catalog", "import", "title.toml")
    before = contents(7)
    (files / "de.csv").write_text("key,de-DE\nachievement/1/name,Erstes Licht\n", encoding="utf-8")
    (files / "fr.csv").write_text(f"key,fr-FR\nachievement/1/description,{'x' * 101}\n", encoding="utf-8")

    failed = command("catalog", "import", files / "de.csv", files / "fr.csv", "--title", 7, "--publish", status=1)
    checked = command("catalog", "check", files / "fr.csv", "--title", 7, status=1)

    for result in (failed, checked):
        assert "fr.csv:2: fr-FR achievement/1/description: " in result.stderr
        assert "[over-limit]" in result.stderr
    assert contents(7) == before


def test_replaced_locale_has_only_the_texts_of_the_file(command, files):
    command("catalog", "import", "title.toml")
    (files / "fr.csv").write_text("key,fr-FR\nachievement/1/description,Phare.\n", encoding="utf-8")
    arguments = ("catalog", "import", files / "fr.csv", "--title", 7, "--mode", "replace-locale")

    assert command(*arguments, "--dry-run").stdout.endswith("dry run: nothing was changed\n")
    assert command(*arguments).stdout.splitlines() == [
        "title 7: texts 1 new or changed, 1 removed",
        "  fr-FR achievement/1/name: 'Première lueur' -> None",
    ]


def test_texts_of_a_title_in_the_same_command_are_imported_after_it(command, files):
    (files / "de.csv").write_text("key,de-DE\nachievement/1/name,Erstes Licht\n", encoding="utf-8")

    result = command("catalog", "import", files / "de.csv", "title.toml", "--title", 7, "--publish")

    assert result.stdout.splitlines()[1:] == [
        "title 7: texts 1 new or changed, 0 removed",
        "title 7: release 1 is published",
    ]
    unnamed = command("catalog", "import", files / "de.csv", status=1)
    assert "the file does not name the title of its texts: name it with --title [unknown-title]" in unnamed.stderr
    absent = command("catalog", "import", files / "de.csv", "--title", 8, status=1)
    assert absent.stderr.endswith("laurel: there is no title 8\n")


def test_partner_center_files_change_only_the_fields_that_they_hold(command, tmp_path):
    command("catalog", "import", "title.toml")
    command("catalog", "export", "--title", 7, "--format", "xbox", "--to", tmp_path / "out")
    pair = [tmp_path / "out" / name for name in ("localization.xml", "achievements2017.xml")]

    assert command("catalog", "import", *pair, "--title", 7).stdout == "title 7: nothing changes\n"
    for old, new in (("<IsHidden>false", "<IsHidden>true"), ("<BaseAchievement>true", "<BaseAchievement>false")):
        pair[1].write_text(pair[1].read_text().replace(old, new))
        assert "achievements 0 new, 1 changed; texts 0" in command("catalog", "import", *pair, "--title", 7).stdout


def test_export_can_be_limited_to_the_release_and_to_locales(command, files, tmp_path):
    command("catalog", "import", "title.toml", "--publish")
    (files / "title.toml").write_text(TOML.replace("First Light", "Dawn"))
    (files / "locales/fr_FR/LC_MESSAGES/title-7.po").write_text(PO.replace("First Light", "Dawn"))
    command("catalog", "import", "title.toml")
    export = ("catalog", "export", "--title", 7, "--to", tmp_path, "--format", "csv")

    command(*export)
    assert "achievement/1/name,Dawn,Première lueur\n" in (tmp_path / "title-7.csv").read_text()
    command(*export, "--published", "--locale", "en-US")
    assert "achievement/1/name,First Light\n" in (tmp_path / "title-7.csv").read_text()
    failed = command(*export, "--locale", "xx", status=1)
    assert failed.stderr == "laurel: title 7 has no texts in xx, only in en-US, fr-FR\n"


def test_export_that_a_store_would_reject_is_not_written(command, tmp_path):
    command("catalog", "import", "title.toml")

    failed = command("catalog", "export", "--title", 7, "--format", "google-play", "--to", tmp_path / "out", status=1)
    made = command("catalog", "export", "--title", 7, "--format", "zip", "--to", tmp_path / "out")

    assert "achievement/1: Google Play requires 5 to 200 points in multiples of 5, got 0 [points]" in failed.stderr
    assert made.stderr.startswith("left out: google-play: ")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["title-7.zip"]


def test_check_reports_file_and_line_as_json_and_as_github_annotations(command, files):
    po = files / "locales/fr_FR/LC_MESSAGES/title-7.po"
    po.write_text(po.read_text().replace("Première lueur", "Première  lueur {n}"))

    failed = command("catalog", "check", "title.toml", "--format", "json", status=1)
    annotations = command("catalog", "check", "title.toml", "--format", "github", status=1)

    diagnostics = {diagnostic["rule"]: diagnostic for diagnostic in json.loads(failed.stdout)}
    assert diagnostics["placeholders-differ"] == {
        "file": str(po),
        "line": 6,
        "key": "achievement/1/name",
        "locale": "fr-FR",
        "rule": "placeholders-differ",
        "severity": "error",
        "message": "placeholders: expected none, got {n}",
    }
    assert diagnostics["double-space"]["severity"] == "warning"
    assert f"::error file={po},line=6,title=placeholders-differ::fr-FR achievement/1/name: " in annotations.stdout
    assert failed.stderr.startswith("laurel: errors: 1, warnings: ")


def test_github_annotations_escape_special_characters(command, tmp_path):
    (tmp_path / "100%,a:b.csv").write_text("key\nx\n", encoding="utf-8")

    failed = command("catalog", "check", tmp_path / "100%,a:b.csv", "--format", "github", status=1)

    assert failed.stdout.startswith(f"::error file={tmp_path}/100%25%2Ca%3Ab.csv,")
    assert failed.stdout.count("\n") == 1


def test_check_of_texts_alone_compares_them_with_the_stored_title(command, tmp_path):
    command("catalog", "import", "title.toml")
    (tmp_path / "fr.csv").write_text("key,fr-FR\nachievement/1/name,{n} lueur\n", encoding="utf-8")

    failed = command("catalog", "check", tmp_path / "fr.csv", "--title", 7, "--format", "json", status=1)

    assert {(entry["line"], entry["locale"], entry["rule"]) for entry in json.loads(failed.stdout)} == {
        (2, "fr-FR", "placeholders-differ")
    }
    unnamed = command("catalog", "check", tmp_path / "fr.csv", status=1)
    assert "name it with --title [unknown-title]" in unnamed.stderr


def test_check_with_warnings_fails_only_if_strict(command):
    result = command("catalog", "check", "title.toml", "--format", "json")

    assert {entry["severity"] for entry in json.loads(result.stdout)} == {"warning"}
    command("catalog", "check", "title.toml", "--strict", status=1)


@pytest.mark.parametrize(
    ("broken", "messages"),
    [
        ("broken.toml", ["broken.toml:12:", "[not-toml]"]),
        ("broken.json", ["achievements", "productId", "rewards"]),
        ("half.json", ["half.json"]),
        ("empty", ["empty"]),
        ("no-such-file", ["no-such-file: the file cannot be read: No such file or directory"]),
    ],
)
def test_import_with_one_broken_file_changes_nothing(command, contents, broken, messages):
    failed = command("catalog", "import", "title.toml", broken, "page.json", "--publish", status=1)

    assert all(message in failed.stderr for message in messages), failed.stderr
    assert "Traceback" not in failed.output
    assert contents(7) is contents(TITLE) is None


def test_import_that_violates_a_database_constraint_changes_nothing(command, contents):
    """The second file is valid by itself, but has the scid of the first."""
    failed = command("catalog", "import", "title.toml", "other.toml", status=1)

    assert "scid b5dd9daf-0000-0000-0000-000000000007 is of title 7 already [scid-names-one-title]" in failed.stderr
    assert contents(7) is contents(8) is None


def test_check_of_a_broken_file_prints_one_line_per_error(command):
    failed = command("catalog", "check", "broken.json", status=1)

    problems = [line for line in failed.stderr.splitlines() if line.startswith("error: ")]
    assert len(problems) == 2
    assert failed.stderr.endswith("laurel: errors: 2, warnings: 0\n")
    assert command("catalog", "check", "title.toml").stdout.startswith("errors: 0, ")


def test_release_that_the_database_cannot_store_is_a_usage_error(command, title):
    failed = command("catalog", "rollback", *title, "--release", 2**31, status=2)

    assert "Invalid value for '--release': 2147483648 is not in the range" in failed.stderr


@pytest.mark.parametrize("arguments", [("publish",), ("rollback",), ("rollback", "--release", "1"), ("check",)])
def test_missing_title_is_named_in_the_error(command, arguments):
    failed = command("catalog", arguments[0], "--title", 99, *arguments[1:], status=1)

    assert "title 99" in failed.stderr
    assert "Traceback" not in failed.stderr
