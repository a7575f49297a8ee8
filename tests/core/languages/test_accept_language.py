"""Parsing Accept-Language: valid members count, invalid ones are skipped, and nothing is an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.languages.accept_language import MAX_RANGE, MAX_RANGES, Preference, parse_accept_language

RANGES = st.from_regex(r"\A[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,3}\Z")
FIELDS = st.one_of(st.text(), st.text(alphabet="enfrz*-_;,=q.019 \t", max_size=80))


@pytest.mark.parametrize(
    ("field", "ranges", "refused"),
    [
        pytest.param("", [], [], id="nothing is asked for"),
        pytest.param("fr-CA, fr;q=0.8, en;q=0.9", ["fr-CA", "en", "fr"], [], id="weights order"),
        pytest.param("fr, de, en", ["fr", "de", "en"], [], id="the list orders what weighs the same"),
        pytest.param("fr-ML,fr,zh-hans,zh,en-us,en", ["fr-ML", "fr", "zh-hans", "zh", "en-us", "en"], [], id="XSAPI"),
        pytest.param("@@@, fr;q=2, de;q=abc, it;q, es", ["es"], [], id="bad members are skipped"),
        pytest.param("fr;q=1.0000, en;q=0.6666, de;q=0.66667", ["fr", "de", "en"], [], id="any number of decimals"),
        pytest.param(f"fr, en;q=0.{'0' * 400}1", ["fr", "en"], [], id="a tiny weight does not refuse"),
        pytest.param("en, fr;q=0, *;q=0.0", ["en"], ["fr", "*"], id="a weight of 0 refuses"),
        pytest.param("en_gb;Q=0.5 , pt_BR", ["pt-BR", "en-gb"], [], id="underscores, a capital Q"),
        pytest.param("en;q=0.2, fr;q=0.5, EN;q=0.9", ["EN", "fr"], [], id="twice listed: the highest weight"),
        pytest.param("en;q=0, fr, EN;q=0.1", ["fr", "EN"], [], id="wanted somewhere is not refused"),
        pytest.param("de;level=1;q=0.1, fr;q=0.9;level=1, en;x=y", ["en", "fr", "de"], [], id="other parameters"),
    ],
)
def test_invalid_members_are_skipped(field, ranges, refused):
    assert parse_accept_language(field) == Preference(tuple(ranges), tuple(refused))


def test_field_is_read_up_to_16_kb():
    """A member that is cut in two at the limit is dropped, and its first part is not parsed."""
    padding = "fr," + " " * (16 * 1024 - 8)

    assert parse_accept_language(f"{padding}pt-BR").ranges == ("fr", "pt-BR")
    assert parse_accept_language(f"{padding}pt-BR,de").ranges == ("fr", "pt-BR")
    assert parse_accept_language(f"{padding} pt-BR,de").ranges == ("fr",)
    assert parse_accept_language("fr," * 40_000).ranges == ("fr",)
    assert parse_accept_language("x" * 100_000).ranges == ()


def test_256_distinct_ranges_are_read():
    names = [f"a{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(300)]

    assert parse_accept_language(",".join(names)).ranges == tuple(names[:MAX_RANGES])


def test_range_over_64_characters_is_skipped():
    name = "en" + "-abcdefgh" * 6 + "-abcdefg"

    assert len(name) == MAX_RANGE
    assert parse_accept_language(name).ranges == (name,)
    assert parse_accept_language(f"{name}h, fr").ranges == ("fr",)


@given(FIELDS)
def test_any_text_can_be_parsed(field):
    preference = parse_accept_language(field)

    everything = [name.lower() for name in preference.ranges + preference.refused]
    assert len(everything) == len(set(everything)) <= MAX_RANGES
    assert all(len(name) <= MAX_RANGE for name in everything)


@given(st.lists(RANGES, unique_by=str.lower, max_size=25))
def test_equal_weights_keep_their_order(ranges):
    assert parse_accept_language(", ".join(ranges)).ranges == tuple(ranges)


@given(st.lists(RANGES, unique_by=str.lower, min_size=1, max_size=25), st.randoms(use_true_random=False))
def test_weights_order_ranges_wherever_they_are_listed(ranges, random):
    members = [f"{name};q={0.999 - position / 1000:.3f}" for position, name in enumerate(ranges)]
    random.shuffle(members)

    assert parse_accept_language(",".join(members)).ranges == tuple(ranges)
