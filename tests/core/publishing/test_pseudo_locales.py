import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.publishing.pseudo_locales import accented, mirrored, with_pseudo
from service.core.validation import tokens

texts = st.lists(
    st.sampled_from(["Light", " ", "lamps", "{count}", "%1$s", "<b>", "</b>", "https://a.example/b", "\n", "é", "."]),
    min_size=1,
).map("".join)


def test_accented_text_has_accents_brackets_and_a_third_more_length():
    assert accented("Light the lamp.") == "[Ļîĝĥţ ţĥé ļåɱþ. one t]"


def test_mirrored_words_run_from_right_to_left():
    assert mirrored("Light {n} lamps\nnow") == (
        "\u200f\u202eLight\u202c\u200f {n} \u200f\u202elamps\u202c\u200f\n\u200f\u202enow\u202c\u200f"
    )


@pytest.mark.parametrize("make", [accented, mirrored])
@given(text=texts)
def test_placeholders_and_markup_stay_unchanged(make, text):
    made = make(text)

    assert "".join(piece for piece, _ in tokens.pieces(text)) == text
    for find in (tokens.placeholders, tokens.tags):
        assert find(made) == find(text)
    assert made.count("\n") == text.count("\n")
    assert tokens.is_bidi_balanced(made)


@given(text=texts)
def test_accented_text_is_a_third_longer(text):
    assert len(accented(text)) >= 1.35 * len(text)


def test_own_texts_in_a_pseudo_locale_are_kept():
    found = with_pseudo({"de": {"a": "Lampe"}, "en-XA": {"a": "own"}}, default_locale="de")

    assert (found["en-XA"], found["de"], list(found)) == ({"a": "own"}, {"a": "Lampe"}, ["de", "en-XA", "ar-XB"])
