"""The language of each text in a response, and the headers that name it."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.auth.principal import OPERATOR
from service.core.catalog.model import Reward, achievement_key, reward_key
from service.core.publishing.publish import roll_back
from tests.factories import OTHER, PLAYER, achievement, authorization

FIELDS = ("name", "description", "locked_description")
REWARDS = (
    Reward(kind="Gamerscore", value="10", value_type="Int"),
    Reward(kind="InApp", value="lamp", value_type="String"),
)
REWARD_NAME, REWARD_DESCRIPTION = (reward_key(1, "InApp", field) for field in ("name", "description"))


def texts(language: str, *numbers: int, fields: tuple[Any, ...] = FIELDS) -> dict[str, str]:
    """Texts such as "fr name 1", which begin with their language."""
    return {achievement_key(number, field): f"{language} {field} {number}" for number in numbers for field in fields}


TEXTS = {
    "en-US": {"title/name": "en title", REWARD_NAME: "en reward", REWARD_DESCRIPTION: "en gift"} | texts("en", 1, 2, 3),
    "fr-FR": {REWARD_NAME: "fr reward"} | texts("fr", 1, 2),
    "es-MX": texts("es", 1, fields=("name",)),
    "ar-SA": texts("ar", 1),
    "zh-Hant": texts("zh", 2),
}


LOCALES = {"en": "en-US", "fr": "fr-FR", "es": "es-MX", "ar": "ar-SA", "zh": "zh-Hant", "de": "de-DE"}
_TEXT = re.compile(r'"(en|fr|es|ar|zh|de) [a-z_]+(?: \d)?"')


def content_language_of(body: str) -> str:
    """The locales of the texts that a body holds, in order of appearance."""
    return ", ".join(dict.fromkeys(LOCALES[language] for language in _TEXT.findall(body)))


@pytest.fixture
async def title(make_title):
    """English is complete; French lacks achievement 3, Spanish has one name, Arabic and Chinese one achievement each."""
    made = (achievement(1, rewards=REWARDS), achievement(2), achievement(3))
    return await make_title(1, achievements=made, texts=TEXTS)


@pytest.fixture
def read_languages(ask):
    """The languages of the texts of each achievement on a page, and its Content-Language, which is checked."""

    async def read(accept_language: str | None, what: str = "achievements", **query: Any) -> tuple[list[str], str]:
        headers = {} if accept_language is None else {"Accept-Language": accept_language}
        response = await ask(what, raw=True, headers=headers, **({"titleId": 1} | query))
        items = (await response.json())["achievements"]
        languages = [" ".join(item[n][:2] for n in ("name", "description", "lockedDescription")) for item in items]
        content_language = response.headers["Content-Language"]
        assert content_language == content_language_of(await response.text())
        return languages, content_language

    return read


@pytest.mark.usefixtures("title")
@pytest.mark.parametrize(
    ("accept_language", "languages"),
    [
        pytest.param(None, ["en en en", "en en en", "en en en"], id="no header"),
        pytest.param("fr-FR", ["fr fr fr", "fr fr fr", "en en en"], id="incomplete language"),
        pytest.param("fr-CA", ["fr fr fr", "fr fr fr", "en en en"], id="another region"),
        pytest.param("es-AR, es", ["es en en", "en en en", "en en en"], id="each text by itself"),
        pytest.param("es-MX, fr", ["es fr fr", "fr fr fr", "en en en"], id="two languages, then the default"),
        pytest.param("ar", ["ar ar ar", "en en en", "en en en"], id="right to left"),
        pytest.param("zh-TW, ar-EG", ["ar ar ar", "zh zh zh", "en en en"], id="scripts"),
        pytest.param("ja", ["en en en", "en en en", "en en en"], id="no such language"),
        pytest.param("de;q=1, fr;q=0.1", ["fr fr fr", "fr fr fr", "en en en"], id="weights"),
        pytest.param("fr;q=0.1, es-MX;q=0.9", ["es fr fr", "fr fr fr", "en en en"], id="weights out of order"),
        pytest.param("fr;q=0, es", ["es en en", "en en en", "en en en"], id="excluded language"),
        pytest.param("en-US, fr", ["en en en", "en en en", "en en en"], id="the default first"),
        pytest.param("*", ["en en en", "en en en", "en en en"], id="any language"),
        pytest.param("fr-ML,fr,zh-hans,zh,en-us,en", ["fr fr fr", "fr fr fr", "en en en"], id="sent by XSAPI"),
        pytest.param(
            "fr-FR, fr, en-GB, en-WW, en-US", ["fr fr fr", "fr fr fr", "en en en"], id="example of the Xbox document"
        ),
    ],
)
async def test_each_text_is_in_the_first_language_of_the_chain_that_has_it(read_languages, accept_language, languages):
    assert (await read_languages(accept_language))[0] == languages


@pytest.mark.usefixtures("title")
async def test_rewards_and_title_names_follow_the_chain(ask, publish_texts):
    await publish_texts(1, {"fr-FR": {"title/name": "fr title"}})

    page = await ask(titleId=1, headers={"Accept-Language": "fr"})

    item = page["achievements"][0]
    assert item["titleAssociations"][0]["name"] == "fr title"
    assert [(reward["name"], reward["description"]) for reward in item["rewards"]] == [
        (None, None),
        ("fr reward", "en gift"),
    ]


@pytest.mark.parametrize("path", ["achievements", "titleachievements"])
@pytest.mark.usefixtures("title")
async def test_legacy_contract_uses_the_same_languages(ask, give, path):
    await give(1, {1: 10**17, 2: 10**17})

    page = await ask(path, titleId=1, contract=1, headers={"Accept-Language": "es, fr"})

    assert [item["name"] for item in page["achievements"][:2]] == ["es name 1", "fr name 2"]
    assert [item["description"] for item in page["achievements"][:2]] == ["fr description 1", "fr description 2"]


@pytest.mark.parametrize("contract", [1, 2, 3, 4])
@pytest.mark.parametrize("text_unit", ["string", "achievement"])
async def test_content_language_names_exactly_the_locales_of_the_texts_in_the_body(
    ask, make_title, give, text_unit, contract
):
    made = (achievement(1, rewards=REWARDS, is_secret=True), achievement(2), achievement(3))
    no_french_secret = {key: text for key, text in TEXTS["fr-FR"].items() if "1/locked" not in key}
    await make_title(1, achievements=made, texts=TEXTS | {"fr-FR": no_french_secret}, text_unit=text_unit)
    await give(1, dict.fromkeys((1, 2, 3), 10**17))

    for language in ("fr", "es, fr", "ar, fr", "zh-Hant, es", "ja"):
        for query in ({}, {"maxItems": 1}, {"maxItems": 1, "skipItems": 1}, {"skipItems": 2}):
            response = await ask(titleId=1, raw=True, contract=contract, headers={"Accept-Language": language}, **query)
            assert response.headers["Content-Language"] == content_language_of(await response.text())


async def test_title_may_require_one_language_for_all_texts_of_an_achievement(read_languages, make_title):
    made = (achievement(1, rewards=REWARDS), achievement(2), achievement(3))
    await make_title(1, achievements=made, texts=TEXTS, text_unit="achievement")

    assert await read_languages("es-MX, fr") == (["en en en", "fr fr fr", "en en en"], "en-US, fr-FR")
    assert await read_languages("es-MX, fr", maxItems=1) == (["en en en"], "en-US")


@pytest.mark.usefixtures("title")
async def test_content_language_describes_this_page_alone(read_languages):
    assert (await read_languages("es, fr", maxItems=1))[1] == "es-MX, en-US, fr-FR"
    assert (await read_languages("es, fr", maxItems=1, skipItems=1))[1] == "fr-FR, en-US"
    assert (await read_languages("es, fr", maxItems=1, skipItems=2))[1] == "en-US"


@pytest.mark.usefixtures("title")
async def test_each_title_of_a_page_has_its_own_chain(read_languages, make_title):
    german = {"title/name": "de title"} | texts("de", 1)
    await make_title(2, achievements=1, default_locale="de-DE", texts={"de-DE": german})

    assert (await read_languages("fr", titleId="1,2"))[1] == "fr-FR, en-US, de-DE"
    assert (await read_languages("de", titleId="1,2"))[1] == "en-US, de-DE"
    assert (await read_languages("ja", titleId="2"))[1] == "de-DE"
    assert (await read_languages("fr", titleId="1,2", skipItems=3))[1] == "de-DE"
    assert (await read_languages("fr", titleId="1,2", maxItems=3))[1] == "fr-FR, en-US"


@pytest.mark.usefixtures("title")
async def test_content_language_names_a_language_of_two_titles_once(read_languages, make_title):
    await make_title(2, achievements=1)

    assert (await read_languages("en", titleId="1,2"))[1] == "en-US"


@pytest.mark.usefixtures("title")
async def test_content_language_of_one_achievement(ask):
    for number, language in ((1, "fr-FR, en-US"), (3, "en-US")):
        path = f"achievements/00000000-0000-0000-0000-000000000001/{number}"
        response = await ask(path, raw=True, headers={"Accept-Language": "fr"})
        assert response.headers["Content-Language"] == language


@pytest.mark.usefixtures("title")
async def test_content_language_of_the_title_history(ask, give, publish_texts):
    await give(1, {1: 10**17})
    await publish_texts(1, {"fr-FR": {"title/name": "fr title"}})

    for language, name, content_language in (("fr", "fr title", "fr-FR"), ("es", "en title", "en-US")):
        response = await ask("history/titles", raw=True, headers={"Accept-Language": language})
        (title,) = (await response.json())["titles"]
        assert (title["name"], response.headers["Content-Language"]) == (name, content_language)


@pytest.mark.parametrize(
    ("what", "query"),
    [("achievements", {"titleId": "77"}), ("achievements", {"skipItems": "9"}), ("history/titles", {})],
)
@pytest.mark.usefixtures("title")
async def test_empty_page_has_no_content_language(ask, what, query):
    response = await ask(what, raw=True, player=OTHER, headers={"Accept-Language": "fr"}, **query)

    assert "Content-Language" not in response.headers
    assert response.headers["Vary"] == "Accept-Language, Authorization, x-xbl-contract-version"


@pytest.mark.usefixtures("title")
@pytest.mark.parametrize(
    ("country", "accept_language", "language"),
    [
        ("FR", None, "fr-FR"),
        ("fr", None, "fr-FR"),
        ("MX", None, "es-MX"),
        ("CA", None, "en-US"),
        ("EG", "", "ar-SA"),
        ("FR", "ja", "fr-FR"),
        ("FR", "en", "en-US"),
        ("MX", "ar", "ar-SA"),
        ("ZZ", None, "en-US"),
        ("<>", None, "en-US"),
        (7, None, "en-US"),
    ],
)
async def test_country_of_the_token_follows_accept_language(ask, country, accept_language, language):
    """The Xbox document: "If none are found, it attempts to match the location defined in the user token"."""
    headers = {"Authorization": authorization(country=country)}
    if accept_language is not None:
        headers["Accept-Language"] = accept_language

    response = await ask(titleId=1, raw=True, headers=headers)

    assert response.headers["Content-Language"].split(", ")[0] == language


@pytest.mark.usefixtures("title")
async def test_repeated_header_fields_are_one_list(client):
    headers = [("Authorization", authorization()), ("x-xbl-contract-version", "2")]
    headers += [("Accept-Language", value) for value in ("ja", "es;q=0.1", "fr")]

    response = await client.get(f"/users/xuid({PLAYER})/achievements?titleId=1", headers=headers)

    assert response.headers["Content-Language"] == "fr-FR, en-US"


@pytest.mark.usefixtures("title")
async def test_accept_language_of_5_kb_is_read_up_to_its_limit(read_languages):
    long = ", ".join(f"x-{number:08}" for number in range(450))
    assert 4900 < len(long) < 6000

    assert (await read_languages(f"fr, {long}"))[1] == "fr-FR, en-US"
    assert (await read_languages(f"{long}, fr"))[1] == "en-US"


@pytest.mark.usefixtures("title")
async def test_range_cut_off_at_the_limit_is_ignored(read_languages):
    """Otherwise "frr", Frisian, would select French where only its last letter is beyond the limit."""
    for length in range(995, 1006):
        header = "es,".ljust(length - 3, ",") + "frr" + "," * 20

        assert (await read_languages(header))[0] == ["es en en", "en en en", "en en en"], length


@pytest.mark.usefixtures("title")
@pytest.mark.parametrize(
    "accept_language",
    [
        ",,,,",
        ";q=1",
        "fr;q=2",
        "fr;q=abc",
        "fr;;q=1",
        "-fr-",
        "12345",
        "fr\tFR",
        '"fr"',
        "zh-" * 300,
        "a" * 900,
        "*;q=0",
        "en-US;q=0, en;q=0, *;q=0",
        "\udcff\udcfe\udc80",
        "français",
        "i-klingon, art-lojban, x-y-z, sgn-be-fr, en-GB-oed",
        "en-a-bbb-x-a-ccc-b-ddd, de-DE-u-co-phonebk, de-1901-1901",
        "und, mul, root, C, POSIX, en_US.UTF-8@euro",
        "'; DROP TABLE text; --",
        "${jndi:ldap://x}",
    ],
)
async def test_no_accept_language_is_an_error(read_languages, accept_language):
    languages, content_language = await read_languages(accept_language)

    assert len(languages) == 3
    assert {*content_language.split(", ")} <= TEXTS.keys()


@pytest.mark.usefixtures("title")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    accept_language=st.one_of(
        st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=200),
        st.lists(
            st.sampled_from(["fr", "es-MX", "AR", "zh-Hant-TW", "*", "en;q=0", "fr;q=0.5", " ", "_", "xx-WW"]),
            max_size=20,
        ).map(",".join),
    )
)
async def test_any_accept_language_gets_published_texts(read_languages, accept_language):
    languages, content_language = await read_languages(accept_language)

    assert set(" ".join(languages).split()) <= {"en", "fr", "es", "ar", "zh"}
    assert {*content_language.split(", ")} <= TEXTS.keys()


HARD = {
    "right to left, isolates and marks": "افتح \u2067الباب\u2069 \u200f3\u200e!",
    "quotes and backslashes": '"\\ \\u0041 \\" / </script>',
    "two lines and hard blanks": "a\nb~\u00a0\u00ad",
    "separators of JavaScript": "a\u2028b\u2029c",
    "an emoji of several": "👩‍👩‍👧‍👦 🇫🇷 ❤️",
    "combining and composed": "e\u0301 é ﬁ ǆ",
    "beyond the basic plane": "𠮷野家 𐍈",
    "zero width": "a\u200bb\u200cc\u200dd\ufeffe",
    "no characters at all": "\ufffe\uffff",
    "placeholders": "{0} %s %(name)s ${x} {{y}} \\n",
}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
async def test_special_characters_are_served_unchanged(ask, make_title, give, text):
    hard = dict.fromkeys((achievement_key(1, field) for field in FIELDS), text) | {"title/name": text}
    await make_title(1, achievements=1, texts={"en-US": hard})
    await give(1, {1: 10**17})

    modern = (await ask())["achievements"][0]
    legacy = (await ask(contract=1))["achievements"][0]
    history = (await ask("history/titles"))["titles"][0]

    assert {modern["name"], modern["description"], modern["lockedDescription"]} == {text}
    assert modern["titleAssociations"][0]["name"] == history["name"] == text
    assert {legacy["name"], legacy["description"], legacy["lockedDescription"]} == {text}


@pytest.mark.usefixtures("title")
async def test_new_texts_are_served_once_published(read_languages, ask, publish_texts):
    key = achievement_key(3, "name")
    headers = {"Accept-Language": "fr"}
    assert (await ask(titleId=1, headers=headers))["achievements"][2]["name"] == "en name 3"

    await publish_texts(1, {"fr-FR": {key: "fr nom"}, "de-DE": {key: "de name"}})

    assert (await ask(titleId=1, headers=headers))["achievements"][2]["name"] == "fr nom"
    assert await read_languages("de") == (["en en en", "en en en", "de en en"], "en-US, de-DE")


@pytest.mark.usefixtures("title")
async def test_rollback_serves_the_older_texts_again(ask, pool, services, publish_texts):
    query = {"titleId": 1, "headers": {"Accept-Language": "fr"}}
    first = await ask(**query)
    await publish_texts(1, {"fr-FR": {achievement_key(1, "name"): "autre"}})
    second = await ask(**query)

    for release, expected in ((1, first), (2, second), (1, first)):
        async with pool.transaction() as connection:
            await roll_back(connection, OPERATOR, 1, release)
        await services.snapshots.refresh()

        assert await ask(**query) == expected


@pytest.mark.usefixtures("title")
async def test_language_may_change_between_two_pages(ask):
    first = await ask(titleId=1, maxItems=2, headers={"Accept-Language": "fr"})
    token = first["pagingInfo"]["continuationToken"]

    for language, name in (("ar", "en name 3"), ("fr", "en name 3"), ("zh-Hant, fr", "en name 3")):
        rest = await ask(titleId=1, continuationToken=token, headers={"Accept-Language": language})
        assert [item["name"] for item in rest["achievements"]] == [name]
