"""The chain of locales: best fit, the caller's country, refused languages and the default."""

import contextlib

import pytest
from babel import localedata
from hypothesis import given
from hypothesis import strategies as st

from service.core.languages.negotiation import bounded_key, canonical_locale, chain

MICROSOFT = {
    "ar-SA": "ar-AE ar-SA",
    "de-DE": "de-AT de-CH de-DE",
    "en-GB": "en-AE en-AU en-CZ en-GB en-GR en-HK en-HU en-IE en-IL en-IN en-NZ en-SA en-SG en-SK en-ZA",
    "en-US": "en-US",
    "es-ES": "es-ES",
    "es-MX": "es-AR es-CL es-CO es-MX",
    "fr-FR": "fr-BE fr-CA fr-CH fr-FR",
    "nl-NL": "nl-BE nl-NL",
    "zh-CN": "zh-CN zh-SG",
    "zh-TW": "zh-HK zh-TW",
}
THEMSELVES = "da-DK fi-FI he-IL it-IT ja-JP ko-KR nb-NO pl-PL pt-BR pt-PT ru-RU sv-SE tr-TR uk-UA"
MICROSOFT |= {name: name for name in THEMSELVES.split()}

NAMES = """
    en en-US en-GB en-AU en-WW en-XA es es-419 es-MX es-ES fr fr-CA fr-FR pt pt-BR pt-PT zh zh-CN zh-TW zh-Hant zh-HK
    sr sr-Latn sh hr de gsw nb no nn da ru uk ja he iw und x-bork i-klingon root ca
"""
POOL = NAMES.split()
TAGS = st.sampled_from([*POOL, "*", "en-001", "und-CC", "az-Arab-x-AZE", "de-1996", "SR_latn_me"])
WEIGHTS = st.sampled_from(["", ";q=0", ";q=0.5", ";q=1", ";q=0.001", ";q=9"])
HEADERS = st.lists(st.tuples(TAGS, WEIGHTS).map("".join), max_size=8).map(", ".join)
LOCALES = st.lists(st.sampled_from(POOL), unique=True, max_size=10).map(tuple)
COUNTRIES = st.sampled_from([None, "", "US", "ch", "HK", "UA", "IN", "ZZ", "XA", "Deutschland"])


def find(header, *locales, country=None, default="th-TH", max_distance=50):
    return chain(header, country=country, locales=locales, default=default, max_distance=max_distance)


@pytest.mark.parametrize(
    ("asked", "gets"), [(asked, gets) for gets, names in MICROSOFT.items() for asked in names.split()]
)
def test_chain_starts_as_the_live_xbox_service_falls_back(asked, gets):
    """The table of learn.microsoft.com, "live-language-fallback", all of it but en-CA."""
    assert chain(asked, country=None, locales=tuple(MICROSOFT), default="en-US", max_distance=50)[0] == gets


def test_canadian_english_matches_american_english():
    """Microsoft falls back to en-GB; CLDR counts CA among the regions of en-US."""
    assert find("en-CA", "en-GB", "en-US")[0] == "en-US"


@pytest.mark.parametrize(
    ("header", "locales", "expected"),
    [
        pytest.param("zh-HK", "zh-CN zh-TW", "zh-TW", id="Hong Kong reads Traditional"),
        pytest.param("zh-TW", "zh-CN", "", id="Taiwan is never given Simplified"),
        pytest.param("zh-CN", "zh-TW", "", id="and the mainland never Traditional"),
        pytest.param("zh-TW, en", "zh-CN en-US", "en-US", id="another script overrides the list's order"),
        pytest.param("zh-Hant", "zh-TW zh-Hant", "zh-Hant zh-TW", id="what is spelled alike first"),
        pytest.param("zh-cmn-Hant-TW", "zh-CN zh-TW", "zh-TW", id="an extended language"),
        pytest.param("pt", "pt-PT pt-BR", "pt-BR pt-PT", id="pt is Brazilian"),
        pytest.param("pt-AO", "pt-BR pt-PT", "pt-PT pt-BR", id="Angola reads European Portuguese"),
        pytest.param("es-419", "es-ES es-MX", "es-MX es-ES", id="Latin America"),
        pytest.param("es-AR", "es-ES es-MX", "es-MX es-ES", id="Argentina"),
        pytest.param("es-US", "es-ES es-MX", "es-MX es-ES", id="Spanish in the United States"),
        pytest.param("es-GQ", "es-MX es-ES", "es-ES es-MX", id="Equatorial Guinea"),
        pytest.param("en-AU", "en-US en-GB", "en-GB en-US", id="Australia"),
        pytest.param("en-PH", "en-GB en-US", "en-US en-GB", id="the Philippines"),
        pytest.param("gsw", "fr-FR de-DE", "de-DE", id="Swiss German reads German"),
        pytest.param("de", "gsw", "", id="and not the other way round"),
        pytest.param("sr-ME", "sr-Cyrl sr-Latn", "sr-Latn sr-Cyrl", id="Montenegro writes Latin"),
        pytest.param("sh", "sr-Cyrl sr-Latn", "sr-Latn", id="so does Serbo-Croatian"),
        pytest.param("sh-Latn", "sr-Latn sh hr", "sh sr-Latn hr", id="which stays a language of its own"),
        pytest.param("no", "nn nb", "nb nn", id="Norwegian is Bokmål"),
        pytest.param("iw, in", "id he", "he id", id="old names of languages"),
        pytest.param("en", "en-XA en-GB", "en-GB", id="a pseudo locale is never served"),
        pytest.param("en-XA, en-PSACCENT", "en-US en-XA", "en-XA", id="but to who asks for it, and nothing else is"),
        pytest.param("en-XB", "en-XA ar-XB", "", id="nor another one"),
        pytest.param("en-WW", "en-GB en-US", "en-US en-GB", id="WW is the world: the likeliest region first"),
        pytest.param("es-WW", "es-AR es-MX es-ES", "es-ES es-AR es-MX", id="or else in the title's order"),
        pytest.param("fr-ww", "fr-CA", "fr-CA", id="any region will do"),
        pytest.param("nn, ca, be", "ru-RU nb-NO es-ES", "nb-NO es-ES ru-RU", id="related languages"),
        pytest.param(
            "fr-FR, fr, en-GB, en-WW, en-US", "en-US de-DE en-GB", "en-GB en-US", id="the example of the Xbox document"
        ),
        pytest.param(
            "fr-FR, fr, en-GB, en-WW, en-US",
            "en-US fr-CA en-GB",
            "fr-CA en-GB en-US",
            id="the example of the Xbox document, with a neutral range",
        ),
        pytest.param("fr-ML,fr,zh-hans,zh,en-us,en", "en-US zh-CN fr-FR", "fr-FR zh-CN en-US", id="XSAPI"),
        pytest.param(
            "ja, ko, th, vi, el, tr, hu, fi, pl, cs, sv, da, et, fr",
            "fr-FR",
            "fr-FR",
            id="the list is worked through to its end",
        ),
    ],
)
def test_best_fit(header, locales, expected):
    assert find(header, *locales.split())[:-1] == tuple(expected.split())


@pytest.mark.parametrize(("asked", "gets"), [("es-AR", ("es-MX", "en-US")), ("zh-CN", ("en-US",))])
def test_languages_without_a_match_get_the_default(asked, gets):
    """Microsoft's example: a title with English and Mexican Spanish."""
    assert find(asked, "en-US", "es-MX", default="en-US") == gets


def test_default_may_be_another_language_than_english():
    assert find("ko", "en-US", "ja-JP", default="ja-JP") == ("ja-JP",)


def test_the_chain_ends_at_the_default():
    """The default has every text, so a locale after it would never be used."""
    assert find("en, fr, de", "de-DE", "en-GB", "fr-FR", default="fr-FR") == ("en-GB", "fr-FR")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("en, en-US;q=0", "en-GB", id="one region of a language"),
        pytest.param("en;q=0, fr", "fr-CA", id="a language"),
        pytest.param("en;q=0, en-GB", "en-GB", id="a longer range wins over a refused one"),
        pytest.param("en-AU, en;q=0", "", id="a relative of a refused language"),
        pytest.param("*;q=0, fr", "fr-CA", id="all that is not named"),
        pytest.param("EN_us;q=0, en", "en-GB", id="in any spelling"),
        pytest.param("*, fr;q=0", "", id="an asterisk asks for nothing"),
        pytest.param("e;q=0, en-US", "en-US en-GB", id="a prefix is whole subtags"),
    ],
)
def test_refused_languages_are_not_in_the_chain(header, expected):
    assert find(header, "en-US", "en-GB", "fr-CA")[:-1] == tuple(expected.split())


@pytest.mark.parametrize("header", ["*;q=0", "en;q=0", "en-US;q=0, *;q=0"])
def test_default_is_served_even_if_refused(header):
    assert find(header, "en-US", "fr-FR", country="US", default="en-US") == ("en-US",)


@pytest.mark.parametrize(
    ("country", "expected"),
    [
        pytest.param("HK", "zh-TW en-US", id="Hong Kong"),
        pytest.param("mx", "es-MX", id="Mexico, in any case"),
        pytest.param("UA", "uk-UA", id="Ukraine: not Russian, which is official nowhere there"),
        pytest.param("CH", "de-DE fr-FR", id="a country of several languages"),
        pytest.param("ZZ", "", id="an unknown country"),
        pytest.param("U", "", id="no country at all"),
        pytest.param(None, "", id="none given"),
    ],
)
def test_languages_of_the_country_follow_the_header(country, expected):
    locales = ("ja-JP", "en-US", "fr-FR", "de-DE", "es-MX", "ru-RU", "uk-UA", "zh-CN", "zh-TW", "pt-BR")

    assert find("ja", *locales, country=country)[:-1] == ("ja-JP", *expected.split())


@pytest.mark.parametrize(("country", "locale"), [("FR", "fr-FR"), ("DE", "de-DE"), ("JP", "ja-JP"), ("BR", "pt-BR")])
def test_country_comes_before_one_way_matches(country, locale):
    """CLDR gives English to speakers of some fifty languages; none of them reads it where their country is known."""
    languages = {identifier.partition("_")[0] for identifier in localedata.locale_identifiers()} - {"en"}
    related = {language for language in languages if find(language, locale, max_distance=11)[0] == locale}

    assert len(languages) > 300
    for language in languages - related:
        found = find(language, "en-US", locale, country=country, default="en-US")
        assert found == (locale, "en-US"), language
    assert {"sw", "ta", "ur", "yo", "ga"} <= {
        language for language in languages if find(language, "en-US", default="x")[0] == "en-US"
    }


@pytest.mark.parametrize(
    ("header", "locales", "country", "expected"),
    [
        pytest.param("nn", "fr-FR nb-NO", "FR", "nb-NO fr-FR", id="each reads the other"),
        pytest.param("da", "fr-FR nb-NO", "FR", "nb-NO fr-FR", id="a near language"),
        pytest.param("gsw", "fr-FR de-DE", "FR", "de-DE fr-FR", id="a dialect"),
        pytest.param("yue", "fr-FR zh-Hant", "FR", "zh-Hant fr-FR", id="at the largest distance of a dialect"),
        pytest.param("pt-AO", "fr-FR pt-BR", "FR", "pt-BR fr-FR", id="another region"),
        pytest.param("ca", "es-ES fr-FR", "FR", "fr-FR es-ES", id="one way and far"),
        pytest.param("ca, es-419;q=0.1", "es-ES fr-FR", "FR", "es-ES fr-FR", id="reached the near way too"),
        pytest.param("ta", "en-GB fr-FR", "FR", "fr-FR en-GB", id="the far one still comes before the default"),
        pytest.param("ta", "en-GB fr-FR", "ZZ", "en-GB", id="an unknown country changes nothing"),
        pytest.param("ta", "en-GB fr-FR", None, "en-GB", id="no country changes nothing"),
        pytest.param("ta", "en-GB", "FR", "en-GB", id="a country without a locale"),
    ],
)
def test_near_matches_come_before_the_country_and_far_ones_after(header, locales, country, expected):
    assert find(header, *locales.split(), country=country)[:-1] == tuple(expected.split())


def test_long_header_is_cached_by_its_digest():
    padding = "qaa-" + ", qaa-".join(f"x{i}" for i in range(120))

    assert bounded_key("fr, en") == "fr, en"
    assert len(bounded_key(padding)) < 64
    assert find(f"{padding}, it", "it-IT", "fr-FR") == ("it-IT", "th-TH")
    assert find(f"{padding}, fr", "it-IT", "fr-FR") == ("fr-FR", "th-TH")
    assert bounded_key(f"{padding}, it") != bounded_key(f"{padding}, fr")


def test_refused_languages_are_not_served_for_the_country():
    assert find("es;q=0", "es-MX", "en-US", country="MX") == ("th-TH",)


@pytest.mark.parametrize(
    ("max_distance", "expected"),
    [(50, ("es-ES", "th-TH")), (21, ("es-ES", "th-TH")), (20, ("th-TH",)), (11, ("th-TH",))],
)
def test_max_distance_is_configurable(max_distance, expected):
    assert find("ca", "es-ES", max_distance=max_distance) == expected


def test_max_distance_of_11_allows_a_language_and_its_dialects():
    assert find("es-AR, gsw, nn", "es-ES", "de-DE", "nb-NO", max_distance=11) == ("es-ES", "de-DE", "th-TH")


def test_equal_chains_are_one_object():
    assert find("fr-BE, de;q=0.3", "fr-FR", "de-DE") is find("fr-MC, de-LI;q=0.7", "fr-FR", "de-DE")


@given(HEADERS, COUNTRIES, LOCALES, st.sampled_from(POOL))
def test_chain_has_each_published_locale_at_most_once_and_the_default_last(header, country, locales, default):
    found = chain(header, country=country, locales=locales, default=default, max_distance=50)

    assert found[-1] == default
    assert len(set(found)) == len(found)
    assert set(found) <= {*locales, default}


@given(st.text(), st.text(max_size=3), LOCALES)
def test_any_header_and_country_give_a_chain(header, country, locales):
    assert chain(header, country=country, locales=locales, default="en-US", max_distance=50)[-1] == "en-US"


@given(
    st.lists(TAGS, unique_by=lambda tag: tag.lower().replace("_", "-"), max_size=8),
    LOCALES,
    st.randoms(use_true_random=False),
)
def test_order_by_weights_equals_order_by_position(tags, locales, random):
    members = [f"{tag};q={0.9 - position / 10:.1f}" for position, tag in enumerate(tags)]
    random.shuffle(members)

    assert find(",".join(members), *locales) == find(",".join(tags), *locales)


@given(LOCALES, st.sampled_from(POOL))
def test_published_locale_that_is_requested_comes_first(locales, asked):
    """Whatever else is published, except another name of the same locale (`iw`, `he`)."""
    found = find(asked, asked, *locales)

    assert canonical_locale(found[0]) == canonical_locale(asked) if asked in {"iw", "he"} else found[0] == asked


@pytest.mark.parametrize(
    ("tag", "canonical"),
    [
        ("zh-CN", "zh-CN"),
        ("en-GR", "en-GR"),
        ("en-WW", "en-WW"),
        ("es-419", "es-419"),
        ("FR_fr", "fr-FR"),
        ("zh_hant_tw", "zh-Hant-TW"),
        ("sr@latin", "sr-Latn"),
        ("sr_RS@Cyrillic", "sr-Cyrl-RS"),
        ("ca@valencia", "ca-valencia"),
        ("iw", "he"),
        ("in_ID", "id-ID"),
        ("no", "no"),
        ("sh", "sr-Latn"),
        ("en-UK", "en-GB"),
        ("hy-SU", "hy-AM"),
        ("zh-yue", "yue"),
        ("EN-x-Pirate", "en-x-pirate"),
    ],
)
def test_canonical_spelling_of_a_locale(tag, canonical):
    assert canonical_locale(tag) == canonical


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "e",
        "english",
        "en-",
        "-en",
        "fr FR",
        "en-US-u-hc-h12",
        "en@euro",
        "sr@",
        "x-bork",
        "*",
        "ﬁ",
        "en-x",
        "a" * 65,
    ],
)
def test_invalid_locale_is_named_with_what_was_expected(tag):
    with pytest.raises(ValueError, match=r"expected a language tag such as fr-FR or zh-Hant-TW, got '.{0,64}'"):
        canonical_locale(tag)


@given(st.from_regex(r"\A[a-zA-Z]{2,3}([-_][a-zA-Z]{4})?([-_]([a-zA-Z]{2}|[0-9]{3}))?([-_][a-z0-9]{5})?(@[a-z]{5})?\Z"))
def test_canonical_locale_is_unchanged_by_canonicalization(tag):
    once = canonical_locale(tag)

    assert canonical_locale(once) == once


@given(st.text())
def test_invalid_locales_raise_value_errors_alone(tag):
    with contextlib.suppress(ValueError):
        assert canonical_locale(tag)
