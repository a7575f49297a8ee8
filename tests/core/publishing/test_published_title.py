"""One served release of a title: its catalog order, and each string in the best locale of a chain."""

import itertools
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import ticks
from service.core.catalog.model import Achievement, MediaAsset, Reward, Texts, Window, from_int4, to_int4
from service.core.publishing.published_title import PublishedTitle
from tests.factories import achievement, draft

INT4 = range(-(2**31), 2**31)
ART = Reward(
    kind="Art", value="art", value_type="String", media=MediaAsset(name="a", kind="Art", url="https://example.com/a")
)


def published(*achievements: Achievement, texts: Texts | None = None, **changes) -> PublishedTitle:
    made = draft(1, achievements, **changes)
    texts = {**made.texts, **(texts or {})}
    return PublishedTitle(publication_id=1, release=1, title=made.title, achievements=achievements, texts=texts)


def texts_of(**texts: str) -> Mapping[str, str]:
    """Texts of achievement 1 by the last part of their key."""
    return {f"achievement/1/{key}": text for key, text in texts.items()}


# Numbers


@given(st.integers(0, 2**32 - 1))
def test_int4_conversion_keeps_the_number(number):
    assert to_int4(number) in INT4
    assert from_int4(to_int4(number)) == number
    assert to_int4(number).to_bytes(4, "big", signed=True) == number.to_bytes(4, "big")


@given(st.integers(INT4.start, INT4.stop - 1))
def test_every_int4_is_a_number(stored_number):
    assert to_int4(from_int4(stored_number)) == stored_number


# Order


ACHIEVEMENTS = st.lists(
    st.builds(
        achievement,
        st.integers(1, 2**32 - 1),
        display_order=st.integers(0, 3),
        kind=st.sampled_from(["Persistent", "Challenge"]),
        window=st.one_of(st.none(), st.integers(1, 9).map(lambda end: Window(opens_at=0, closes_at=end))),
    ),
    unique_by=lambda item: item.number,
    max_size=8,
)


@given(ACHIEVEMENTS)
def test_catalog_order_is_by_display_order_then_number(made):
    title = published(*made)

    assert [*title.achievements] == sorted(made, key=lambda item: (item.display_order, item.number))
    for position, item in enumerate(title.achievements):
        assert title.position_of(item.number) == position
        assert title.positions[title.stored_numbers[position]] == position


@given(ACHIEVEMENTS, st.sampled_from([None, "Persistent", "Challenge"]))
def test_achievements_of_a_kind_are_in_catalog_order(made, kind):
    title = published(*made)

    found = [*title.of_kind(kind)]

    assert found == [i for i, item in enumerate(title.achievements) if kind in {None, item.kind}]
    assert [*title.of_kind(kind)] == found


@given(ACHIEVEMENTS, st.integers(0, 10))
def test_last_closing_is_the_latest_closed_window(made, now):
    closed = [item.window.closes_at for item in made if item.window is not None and item.window.closes_at <= now]

    assert published(*made).last_closing(now) == max(closed, default=0)


@pytest.mark.parametrize("number", [0, 2, 2**32, 2**32 + 1, -1])
def test_unknown_number_has_no_position(number):
    assert published(achievement(1), achievement(2**32 - 2)).position_of(number) is None


def test_gamerscore_is_the_sum_of_the_rewards():
    points = Reward(kind="Gamerscore", value="15", value_type="Int")

    assert published(achievement(1), achievement(2, rewards=(points, ART)), achievement(3, rewards=())).gamerscore == 25


# Texts


def test_each_string_uses_its_own_best_locale():
    title = published(
        achievement(1, rewards=(ART,)),
        texts={
            "fr-FR": texts_of(description="Description"),
            "de-DE": texts_of(name="Name", description="Beschreibung", **{"reward/art/name": "Kunst"}),
        },
    )

    words = title.texts_at(0, ("fr-FR", "de-DE", "en-US"))

    assert (words.name, words.description, words.locked_description) == ("Name", "Description", "Locked 1")
    assert words.rewards == (("Kunst", None),)
    assert words.first_locale == 0
    assert title.texts_at(0, ("ja-JP", "de-DE", "en-US")).first_locale == 1


def test_text_unit_achievement_uses_one_locale_for_all_strings():
    """It is the first locale with every string that the default locale has."""
    whole = texts_of(name="Name", description="Beschreibung", locked_description="Gesperrt")
    title = published(
        achievement(1, rewards=(ART,)),
        achievement(2),
        text_unit="achievement",
        texts={
            "fr-FR": texts_of(name="Nom", description="Description"),
            "de-DE": whole | texts_of(**{"reward/art/name": "Kunst"}),
        },
    )

    words = title.texts_at(0, ("fr-FR", "de-DE", "en-US"))

    assert (words.name, words.description, words.locked_description) == ("Name", "Beschreibung", "Gesperrt")
    assert words.rewards == (("Kunst", None),)
    assert words.first_locale == 1
    other = title.texts_at(1, ("fr-FR", "de-DE", "en-US"))
    assert (other.name, other.first_locale) == ("Name 2", 2)
    assert title.texts_at(0, ("fr-FR", "en-US")).name == "Name 1"


def test_rewards_are_in_the_order_of_the_definition():
    points = Reward(kind="Gamerscore", value="10", value_type="Int")
    found = texts_of(**{"reward/art/name": "Art", "reward/art/description": "A picture"})

    title = published(achievement(1, rewards=(points, ART)), texts={"en-GB": found})

    assert title.texts_at(0, ("en-GB", "en-US")).rewards == ((None, None), ("Art", "A picture"))


def test_missing_text_is_empty():
    words = published(achievement(1)).texts_at(0, ())

    assert (words.name, words.description, words.locked_description) == ("", "", "")
    assert words.first_locale is None


def test_title_name_comes_with_its_locale():
    title = published(texts={"fr-FR": {"title/name": "Titre"}})

    assert title.name(("fr-FR", "en-US")) == ("Titre", "fr-FR")
    assert title.name(("de-DE", "en-US")) == ("Title 1", "en-US")
    assert title.name(("de-DE",)) == ("", None)


LOCALES = ["fr-FR", "de-DE", "ja-JP"]
KEYS = [
    "title/name",
    *texts_of(name="", description="", locked_description=""),
    *texts_of(**{"reward/art/name": "", "reward/art/description": ""}),
]


@given(
    st.sampled_from(["string", "achievement"]),
    st.dictionaries(st.sampled_from(LOCALES), st.sets(st.sampled_from(KEYS))),
    st.permutations(LOCALES),
    st.integers(0, 3),
    st.booleans(),
)
def test_trimmed_chain_gives_the_same_texts(unit, written, order, length, has_art_name):
    texts = {locale: {key: f"{locale} {key}" for key in keys} for locale, keys in written.items()}
    english = draft(1, (achievement(1),)).texts["en-US"]
    texts["en-US"] = english | texts_of(**{"reward/art/name": "Art"}) if has_art_name else english
    title = published(achievement(1, rewards=(ART,)), text_unit=unit, texts=texts)
    chain = (*order[:length], "en-US")

    def shown(chain):
        texts = title.texts_at(0, chain)
        locales = [None if index is None else chain[index] for index in texts.locales]
        return locales, msgspec.structs.replace(texts, locales=(), first_locale=None)

    trimmed = title.trim_chain(chain)

    assert [locale for locale in dict.fromkeys(chain) if locale in trimmed] == [*trimmed]
    assert shown(trimmed) == shown(chain)
    assert title.name(trimmed) == title.name(chain)


def test_orders_of_locales_that_give_the_same_texts_are_trimmed_to_few_chains():
    """All but French lack the title's name, so French alone adds something to another locale."""
    others = ("de-DE", "es-ES", "it-IT", "ja-JP")
    whole = texts_of(name="A", description="B", locked_description="C")
    title = published(
        achievement(1), texts={"en-US": whole, "fr-FR": whole | {"title/name": "T"}} | dict.fromkeys(others, whole)
    )

    chains = {title.trim_chain(order) for order in itertools.permutations((*others, "fr-FR"))}

    assert chains == {("fr-FR",), *((locale, "fr-FR") for locale in others)}


def test_trimmed_chain_ends_with_the_first_complete_locale():
    whole = texts_of(name="Nom", description="Description", locked_description="Verrouillé")
    title = published(achievement(1), texts={"fr-FR": whole | {"title/name": "Titre"}, "de-DE": texts_of(name="Name")})

    assert title.trim_chain(("fr-FR", "de-DE", "en-US")) == ("fr-FR",)
    assert title.trim_chain(("de-DE", "fr-FR", "en-US")) == ("de-DE", "fr-FR")
    assert title.trim_chain(("de-DE", "en-US")) == ("de-DE", "en-US")


def test_window_closes_at_the_tick_of_its_end():
    end = ticks.parse("2030-01-01T00:00:00Z")
    title = published(achievement(1, window=Window(opens_at=0, closes_at=end)))

    assert (title.last_closing(end - 1), title.last_closing(end)) == (0, end)
