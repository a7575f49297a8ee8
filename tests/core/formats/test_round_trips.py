"""Export and import every format: importing an export changes nothing."""

import pathlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.catalog import model
from service.core.catalog.model import Achievement, Draft, MediaAsset, Reward, Title
from service.core.formats import read
from service.core.formats.entry import publishable_texts
from service.core.formats.registry import EXPORT_FORMATS
from service.core.formats.stores.store_ids import only_description
from service.core.formats.toml_catalog import read_toml
from service.core.formats.write import export
from service.core.formats.xbox import partner_center, partner_center_draft
from service.core.publishing.diff import diff_drafts
from service.core.publishing.merge import merge_draft
from tests.core.conftest import PRODUCT, SCID, TOML

SAMPLES = pathlib.Path(__file__).parents[4] / "shared/data/l10n/formats"
STORES = [name for name in EXPORT_FORMATS if name not in {"toml", "zip"}]

odd = st.sampled_from(
    [*"<>&\"'\\=+-@,;{}%$/`#|", "\n", "\u2028", "\u0301", "\u202e", "\u00a0", "ا", "א", "😀", "]]>", "&amp;", "\\n"]
)
words = st.lists(
    odd | st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=12
)
text = words.map("".join).filter(str.strip)


@st.composite
def titles(draw: st.DrawFn) -> Draft:
    """A title that every store accepts, with any texts in five locales."""
    numbers = draw(st.lists(st.integers(1, 70), min_size=1, max_size=3, unique=True).map(sorted))
    achievements = tuple(
        Achievement(
            number=number,
            public_id=f"a{number}",
            product_id=PRODUCT,
            platforms=("XboxOne",),
            media=(MediaAsset(name="a.png", kind="Icon", url=f"https://images.example/{number}.png"),),
            rewards=(Reward(kind="Gamerscore", value=str(draw(st.integers(1, 40)) * 5), value_type="Int"),),
            is_secret=draw(st.booleans()),
            is_base=draw(st.booleans()),
        )
        for number in numbers
    )
    keys = [key for item in achievements for key in item.text_keys()]
    others = ["string/Presence_1", "string/steam/STAT_1_NAME", "string/epic/a0/flavorText"]
    names = draw(st.lists(text, min_size=len(numbers), max_size=len(numbers), unique=True))
    default = {key: draw(text) for key in (model.TITLE_NAME, *keys, *others)}
    default |= {
        model.achievement_key(item.number, "name"): name for item, name in zip(achievements, names, strict=True)
    }
    texts = {"en-US": default}
    for locale in ("fr-FR", "ar-SA", "zh-Hans", "es-MX"):
        texts[locale] = {key: draw(text) for key in default if draw(st.booleans())}
    title = Title(title_id=7, scid=SCID, default_locale="en-US")
    return Draft(
        title=title, achievements=achievements, texts={locale: result for locale, result in texts.items() if result}
    )


def imported(files: dict[str, bytes], draft: Draft, name: str) -> Draft:
    """The draft after an import of these files, as the command imports them."""
    if name == "po":
        files = {path: data for path, data in files.items() if not path.endswith(".pot")}
    if not files:
        return draft
    parsed = read.read(files, draft=draft)
    assert parsed.diagnostics == ()
    texts, wrong, unwise = publishable_texts(parsed.entries, draft, file="f")
    assert (wrong, unwise) == ([], [])
    return merge_draft(draft, msgspec.structs.replace(draft, achievements=(), texts=texts), mode="partial")


HARD = {
    "markup": '<b a="1">x</b> &amp; ]]> <!-- -->',
    "quotes and backslashes": "\"\\\" '' \\n \\",
    "lines": "a\nb\u2028c",
    "formulas": "=1+1",
    "escape_formula formulas": "''=1+1",
    "separators": 'a,b;c"',
    "outer spaces": " \u00a0a ",
    "from right to left": "\u202eمصباح\u202c",
    "emoji": "👩\u200d🚀 é e\u0301",
    "comments and braces": "// { } /* # %s {0}",
}


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("words", HARD.values(), ids=HARD)
def test_difficult_texts_are_imported_unchanged(draft, name, words):
    points = Reward(kind="Gamerscore", value="5", value_type="Int")
    achievements = tuple(msgspec.structs.replace(item, rewards=(points,)) for item in draft.achievements)
    keys = [key for item in achievements for key in item.text_keys()]
    texts = {"en-US": {key: f"{words}{key}{words}" for key in keys}, "fr-FR": dict.fromkeys(keys, words)}
    hard = msgspec.structs.replace(draft, achievements=achievements, texts=texts)
    result = export(hard, name)
    key = "achievement/8/name"
    lost = msgspec.structs.replace(hard, texts={**texts, "fr-FR": {}})

    assert not diff_drafts(hard, imported(result.files, hard, name))
    assert imported(result.files, lost, name).texts["fr-FR"][key] == words


@pytest.mark.parametrize("name", STORES)
@given(draft=titles())
@settings(max_examples=30, deadline=None)
def test_importing_an_export_changes_nothing(name, draft):
    result = export(draft, name)

    assert not diff_drafts(draft, imported(result.files, draft, name))
    assert export(draft, name) == result


HELD = {
    "po": ("title/", "achievement/", "string/"),
    "csv": ("title/", "achievement/", "string/"),
    "xbox": ("achievement/", "string/Presence"),
    "steam": ("achievement/", "string/steam/"),
    "google-play": ("achievement/",),
    "epic": ("achievement/", "string/epic/"),
}
"""The beginnings of the text keys that a format can hold; Steam and Google Play have only one description."""


@pytest.mark.parametrize("name", STORES)
@given(draft=titles())
@settings(max_examples=15, deadline=None)
def test_export_restores_every_text_that_the_format_can_hold(name, draft):
    """Importing the export into a title without translations restores them, and changes nothing else."""
    left_out = set()
    if name in {"steam", "google-play"}:
        texts = {item.number: {*item.text_keys()} - {f"achievement/{item.number}/name"} for item in draft.achievements}
        left_out = {key for item in draft.achievements for key in texts[item.number] - {only_description(draft, item)}}
    default = draft.texts["en-US"]
    lost = msgspec.structs.replace(draft, texts={**{locale: {} for locale in draft.texts}, "en-US": default})

    back = imported(export(draft, name).files, lost, name)

    assert back.texts == {
        locale: texts
        if locale == "en-US"
        else {key: result for key, result in texts.items() if key.startswith(HELD[name]) and key not in left_out}
        for locale, texts in draft.texts.items()
    }


@given(draft=titles())
@settings(max_examples=30, deadline=None)
def test_partner_center_files_restore_the_whole_title(draft):
    """Both files restore the title, and keep the values that they do not hold."""
    result = export(draft, "xbox").files

    joined = partner_center_draft.build_draft(
        partner_center.read_localization(result["localization.xml"], file="l"),
        partner_center.read_achievements2017(result["achievements2017.xml"], file="a"),
        file="a",
        title_id=7,
        scid=SCID,
        product_id=PRODUCT,
    )

    assert not diff_drafts(draft, merge_draft(draft, partner_center_draft.keep_known(joined, draft), mode="partial"))
    assert [item.is_base for item in joined.achievements] == [item.is_base for item in draft.achievements]
    assert export(joined, "xbox").files == result


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
@pytest.mark.parametrize(
    ("folder", "files"),
    [
        ("xbox", ["localization.xml", "achievements2017.xml"]),
        ("steam", ["loc_all.vdf"]),
        ("epic", ["achievementLocalizations.csv"]),
    ],
)
def test_file_of_a_store_survives_import_export_import(folder, files):
    draft = read_toml(TOML.encode(), file="title.toml")
    their_files = {name: (SAMPLES / folder / name).read_bytes() for name in files}

    first = imported(their_files, draft, folder)
    again = imported(export(first, folder).files, first, folder)

    assert diff_drafts(draft, first).texts
    assert not diff_drafts(first, again)
