"""The word diff of two texts loses nothing of either."""

from hypothesis import given
from hypothesis import strategies as st

from service.api.workbench.word_diff import Piece, word_diff

TEXTS = st.text(st.sampled_from("ab é\n.'<"), max_size=60)


@given(TEXTS, TEXTS)
def test_diff_contains_both_texts(before, after):
    pieces = word_diff(before, after)

    assert "".join(piece.text for piece in pieces if piece.kind != "added") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == after


def test_changed_word_is_one_piece():
    assert word_diff("Light the lamp", "Light a lamp") == [
        Piece("same", "Light "),
        Piece("removed", "the"),
        Piece("added", "a"),
        Piece("same", " lamp"),
    ]


def test_very_long_text_is_compared_as_a_whole():
    assert word_diff("a " * 2000, "b") == [Piece("removed", "a " * 2000), Piece("added", "b")]


def test_two_long_texts_are_compared_as_a_whole():
    """The time to compare repeated words grows with the cube of their number."""
    before, after = (" ".join("b" if i % step else "a" for i in range(1000)) for step in (3, 2))

    assert word_diff(before, after) == [Piece("removed", before), Piece("added", after)]
