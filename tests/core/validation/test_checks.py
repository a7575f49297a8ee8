import pytest

from service.core.catalog.model import Achievement, Draft, MediaAsset, Title
from service.core.validation import text_checks, title_checks
from service.core.validation.checks import STORE_LIMITS, check_string, check_title


def severity_by_rule(text, *, locale="fr-FR", source="Light the lamp", limit=None, advised=None):
    limits = {} if limit is None else {"k": limit}
    advised_limits = {} if advised is None else {"k": advised}
    diagnostics = check_string(
        text, key="k", locale=locale, source=source, source_locale="en-US", limits=limits, advised=advised_limits
    )
    return {diagnostic.rule: diagnostic.severity for diagnostic in diagnostics}


@pytest.mark.parametrize(
    ("text", "options", "rule"),
    [
        pytest.param("", {}, "empty", id="no text"),
        pytest.param(" \n", {}, "blank-text", id="a text of white space"),
        pytest.param("a\x07", {}, "control-character", id="a bell"),
        pytest.param("x" * 4001, {}, "too-long", id="more than any text may have"),
        pytest.param("Allumez", {"source": None}, "source-missing", id="a translation of nothing"),
        pytest.param("é" * 10 + "e\u0301", {"limit": 10}, "over-limit", id="a character too many, composed"),
        pytest.param("{n} lampe", {"source": "{count} lamps"}, "placeholders-differ", id="another placeholder"),
        pytest.param("%s lampes", {"source": "%d lamps"}, "placeholders-differ", id="another conversion"),
        pytest.param("{n} {n}", {"source": "{n} times"}, "placeholders-differ", id="a placeholder twice"),
        pytest.param("<i>a</i>", {"source": "<b>a</b>"}, "markup-differs", id="another tag"),
        pytest.param("<b>a", {"source": "<b>a</b>"}, "markup-unbalanced", id="a tag that stays open"),
        pytest.param("</b>a<b>", {"source": "<b>a</b>"}, "markup-unbalanced", id="tags the wrong way round"),
    ],
)
def test_text_that_would_break_the_display_is_an_error(text, options, rule):
    assert severity_by_rule(text, **options)[rule] == "error"


@pytest.mark.parametrize(
    ("text", "options", "rule"),
    [
        pytest.param("x" * 11, {"advised": 10}, "over-advice", id="more than is shown"),
        pytest.param("x" * 10, {"limit": 11}, "near-limit", id="over 90 % of the limit"),
        pytest.param("x" * 8, {"limit": 11, "locale": "en-US", "source": None}, "near-limit", id="a source over 70 %"),
        pytest.param("Light the lamp", {}, "same-as-source", id="the source again"),
        pytest.param(" Allumez", {}, "outer-space", id="a space before"),
        pytest.param("Allumez  la", {}, "double-space", id="two spaces"),
        pytest.param("Allumez\nla", {}, "newlines-differ", id="a line more"),
        pytest.param("Allumez.", {}, "end-punctuation", id="a full stop more"),
        pytest.param("点亮", {"source": "Light it!", "locale": "zh-Hans"}, "end-punctuation", id="no mark in Chinese"),
        pytest.param("Bravo !", {"source": "Well done!"}, "french-space", id="a space that may break in French"),
        pytest.param("Bravo!", {"source": "Well done!"}, "french-space", id="no space in French"),
        pytest.param("« Lampe »", {"source": "“Lamp”"}, "french-space", id="quotation marks in French"),
        pytest.param("205 lampes", {"source": "250 lamps"}, "numbers-differ", id="another number"),
        pytest.param("https://a.example/x", {"source": "https://a.example/y"}, "urls-differ", id="another address"),
        pytest.param("la la lampe", {}, "repeated-word", id="a word twice"),
        pytest.param("\u202elampe", {}, "bidi-unbalanced", id="an override that stays open"),
        pytest.param("lampe\u2069", {}, "bidi-unbalanced", id="an isolate that was not opened"),
    ],
)
def test_suspicious_text_is_a_warning(text, options, rule):
    assert severity_by_rule(text, **options)[rule] == "warning"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        pytest.param("Allumez la lampe", {}, id="a translation"),
        pytest.param("é" * 9 + "e\u0301", {"limit": 20}, id="composed characters"),
        pytest.param("100\u00a0% prêt", {"source": "100% done"}, id="a percent sign is no placeholder"),
        pytest.param(
            "%2$s und %1$d", {"source": "%1$d and %2$s", "locale": "de-DE"}, id="placeholders in another order"
        ),
        pytest.param("3 < 4 > 2", {"source": "3 < 4 > 2 now"}, id="signs that are no tags"),
        pytest.param("a<br>b", {"source": "c<br>d"}, id="a tag that is never closed"),
        pytest.param("1\u00a0000,5 km", {"source": "1,000.5 miles"}, id="a number as the French write it"),
        pytest.param("٢٥٠ مصباح", {"source": "250 lamps", "locale": "ar-SA"}, id="a number in Arabic digits"),
        pytest.param("点亮它。", {"source": "Light it.", "locale": "zh-Hans"}, id="a Chinese full stop"),
        pytest.param("Άναψες το φως;", {"source": "Did you light it?", "locale": "el-GR"}, id="a Greek question"),
        pytest.param("هل أضأته؟", {"source": "Did you light it?", "locale": "ar-SA"}, id="an Arabic question"),
        pytest.param("จุดไฟ", {"source": "Light it.", "locale": "th-TH"}, id="Thai has no full stop"),
        pytest.param("Bravo\u202f!", {"source": "Well done!"}, id="a narrow no-break space in French"),
        pytest.param("Bravo!", {"source": "Well done!", "locale": "fr-CA"}, id="no space in Canada"),
        pytest.param(
            "Voyez https://a.example/?b=c", {"source": "See https://a.example/?b=c"}, id="marks in an address"
        ),
        pytest.param("nous nous voyons", {}, id="French says nous twice"),
        pytest.param("Light the lamp", {"locale": "en-GB"}, id="the same in the same language"),
        pytest.param("\u2067مصباح\u2069", {"locale": "ar-SA"}, id="an isolate that is closed"),
        pytest.param(" a", {"source": " b"}, id="a space that the source has too"),
        pytest.param("250", {"source": "250"}, id="nothing to translate"),
        pytest.param("Light the lamp", {"locale": "en-US", "source": None}, id="a text of the default locale"),
    ],
)
def test_correct_text_has_no_diagnostics(text, options):
    assert severity_by_rule(text, **options) == {}


@pytest.fixture
def make_title():
    """A title of two achievements, the second of them a secret, with these texts."""

    def result(**texts):
        achievements = tuple(
            Achievement(
                number=number,
                public_id=str(number),
                product_id="12345678-1234-1234-1234-123456789012",
                platforms=("XboxOne",),
                media=(MediaAsset(name="a", kind="Icon", url="https://images.example/a.png"),),
                is_secret=number == 2,
            )
            for number in (1, 2)
        )
        title = Title(title_id=1, scid="b5dd9daf-0000-0000-0000-000000000000", default_locale="en")
        return Draft(title=title, achievements=achievements, texts=texts)

    return result


def check(draft, **options):
    """The rule, locale and key of each diagnostic."""
    return [(diagnostic.rule, diagnostic.locale, diagnostic.key) for diagnostic in check_title(draft, **options)]


def test_translating_one_source_in_two_ways_is_a_warning(make_title):
    english = {"achievement/1/name": "Lamp", "achievement/2/name": "Lamp"}
    title = make_title(en=english, fr={"achievement/1/name": "Lampe", "achievement/2/name": "Lanterne"}, de=english)

    assert ("translated-two-ways", "fr", "achievement/2/name") in check(title)
    assert [rule for rule, locale, _ in check(title) if locale == "de"] == ["same-as-source"] * 2


def test_locked_description_that_reveals_a_secret_is_a_warning(make_title):
    texts = {
        "title/name": "Harbour",
        "achievement/2/name": "The Keeper",
        "achievement/2/description": "You found who put out the Beacon of the harbour",
        "achievement/2/locked_description": "Look for the beacon of the harbour",
    }
    open_one = {key.replace("/2/", "/1/"): text for key, text in texts.items()}

    [diagnostic] = check_title(make_title(en=texts | open_one))

    assert (diagnostic.rule, diagnostic.key, "beacon" in diagnostic.message, "harbour" in diagnostic.message) == (
        "secret-spoiler",
        "achievement/2/locked_description",
        True,
        False,
    )


def test_translation_without_a_source_is_an_error_in_a_title(make_title):
    assert check(make_title(en={}, fr={"achievement/1/name": "Lampe"})) == [
        ("source-missing", "fr", "achievement/1/name")
    ]


@pytest.mark.parametrize(
    ("key", "characters"), [("description", 100), ("locked_description", 100), ("reward/gamerscore/name", 57)]
)
def test_limits_of_a_store_are_errors_only_for_that_store(make_title, key, characters):
    title = make_title(en={f"achievement/1/{key}": "x" * (characters + 1)})

    assert [rule for rule, *_ in check(title)] == ["over-advice"]
    assert [rule for rule, *_ in check(title, limits=STORE_LIMITS["xbox"])] == ["over-limit"]
    assert check(title, limits={}, advised={}) == []


def test_rule_names_are_unique():
    rules = (*text_checks.ERRORS, *text_checks.WARNINGS, *title_checks.WARNINGS)

    assert len(rules) == len(set(rules))
    assert {"over-limit", "placeholders-differ", "secret-spoiler", "translated-two-ways"} < set(rules)
