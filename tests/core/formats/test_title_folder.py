import msgspec
import pytest

from service.core.formats.title_folder import read_title_folder, title_files, write_files
from service.core.formats.toml_catalog import read_toml


@pytest.fixture
def folder(tmp_path, valid_files):
    """A title in English and French."""
    (tmp_path / "title.toml").write_bytes(valid_files["toml"])
    french = tmp_path / "locales" / "fr_FR" / "LC_MESSAGES"
    french.mkdir(parents=True)
    (french / "title-3051199919.po").write_bytes(valid_files["po"])
    return tmp_path


def read(folder):
    return read_title_folder(folder / "title.toml", folder / "locales")


def test_title_is_read_in_all_its_locales(folder):
    draft, warnings = read(folder)

    assert draft.texts["fr-FR"] == {"title/name": "Verre de sel", "achievement/8/name": "Allumeur"}
    assert draft.texts["en-US"]["title/name"] == "Saltglass"
    assert warnings == []


def test_files_of_other_titles_and_the_template_are_ignored(folder):
    for name in ("fr_FR/LC_MESSAGES/title-7.po", "templates/LC_MESSAGES/title-3051199919.po"):
        path = folder / "locales" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("broken")

    assert sorted(read(folder)[0].texts) == ["en-US", "fr-FR"]


def test_stale_text_is_left_out_with_a_warning(folder):
    path = folder / "locales/fr_FR/LC_MESSAGES/title-3051199919.po"
    path.write_text(path.read_text().replace("Lamplighter", "Lamp Lover"))

    draft, warnings = read(folder)

    assert draft.texts["fr-FR"] == {"title/name": "Verre de sel"}
    assert [(diagnostic.rule, diagnostic.file) for diagnostic in warnings] == [("stale", str(path))]


def test_written_folder_reads_back_unchanged(folder):
    draft, _ = read(folder)
    draft = msgspec.structs.replace(draft, texts={**draft.texts, "zh-Hant-TW": {"title/name": "鹽鏡"}, "de-DE": {}})

    written = write_files(title_files(draft), folder / "new")

    assert [str(path.relative_to(folder / "new")) for path in written] == [
        "title-3051199919.toml",
        "locales/templates/LC_MESSAGES/title-3051199919.pot",
        "locales/fr_FR/LC_MESSAGES/title-3051199919.po",
        "locales/zh_Hant_TW/LC_MESSAGES/title-3051199919.po",
        "crowdin.yml",
        ".tx/config",
    ]
    texts = {locale: result for locale, result in draft.texts.items() if result}
    again = read_title_folder(folder / "new" / "title-3051199919.toml", folder / "new" / "locales")
    assert again == (msgspec.structs.replace(draft, texts=texts), [])


def test_errors_of_all_files_are_raised_together(folder, rules_of):
    (folder / "title.toml").write_bytes((folder / "title.toml").read_bytes().replace(b"number = 8", b"number = -8"))
    po = folder / "locales/fr_FR/LC_MESSAGES/title-3051199919.po"
    po.write_text(po.read_text() + '\nmsgctxt "a\n')

    assert rules_of(read, folder) == ["u32", "unterminated-string"]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        pytest.param("de_DE", "other-language", id="a folder of another language than its file"),
        pytest.param("fr-FR", "duplicate-locale", id="two folders of one locale"),
        pytest.param("en_US", "default-locale", id="the default locale"),
        pytest.param("fr!", "locale", id="a folder that is no locale"),
    ],
)
def test_folder_name_must_be_the_locale_of_its_file(folder, rules_of, valid_files, name, rule):
    path = folder / "locales" / name / "LC_MESSAGES"
    path.mkdir(parents=True)
    (path / "title-3051199919.po").write_bytes(valid_files["po"])

    assert rules_of(read, folder) == [rule]


def test_title_without_translations_is_read(folder, valid_files):
    draft, _ = read_title_folder(folder / "title.toml", folder / "nowhere")

    assert draft == read_toml(valid_files["toml"], file="title.toml")


def test_unreadable_file_is_an_error(folder, rules_of):
    assert rules_of(read_title_folder, folder / "nothing.toml", folder / "locales") == ["unreadable"]
