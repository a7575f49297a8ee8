"""Which language each string comes in, and what the headers say of it."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.catalog.model import Reward, achievement_key, reward_key
from service.core.publishing import publish
from tests.factories import OTHER, PLAYER, achievement, authorization

FIELDS = ("name", "description", "locked_description")
REWARDS = (
    Reward(kind="Gamerscore", value="10", value_type="Int"),
    Reward(kind="InApp", value="lamp", value_type="String"),
)
REWARD_NAME, REWARD_DESCRIPTION = (reward_key(1, "InApp", field) for field in ("name", "description"))


def texts(language: str, *numbers: int, fields: tuple[Any, ...] = FIELDS) -> dict[str, str]:
    """Texts such as "fr name 1", which tell the language that they are of."""
    return {achievement_key(number, field): f"{language} {field} {number}" for number in numbers for field in fields}


TEXTS = {
    "en-US": {"title/name": "en title", REWARD_NAME: "en reward", REWARD_DESCRIPTION: "en gift"} | texts("en", 1, 2, 3),
    "fr-FR": {REWARD_NAME: "fr reward"} | texts("fr", 1, 2),
    "es-MX": texts("es", 1, fields=("name",)),
    "ar-SA": texts("ar", 1),
    "zh-Hant": texts("zh", 2),
}


@pytest.fixture
async def title(make_title):
    """English is whole; French lacks achievement 3, Spanish all but a name, Arabic and Chinese have one each."""
    made = (achievement(1, rewards=REWARDS), achievement(2), achievement(3))
    return await make_title(1, achievements=made, texts=TEXTS)


@pytest.fixture
def said(ask):
    """Asks in a language; gives the texts of each achievement as the language of each, and the Content-Language."""

    async def asked(accept_language: str | None, what: str = "achievements", **query: Any) -> tuple[list[str], str]:
        headers = {} if accept_language is None else {"Accept-Language": accept_language}
        response = await ask(what, raw=True, headers=headers, **({"titleId": 1} | query))
        items = (await response.json())["achievements"]
        found = [" ".join(item[n][:2] for n in ("name", "description", "lockedDescription")) for item in items]
        return found, response.headers.get("Content-Language")

    return asked


@pytest.mark.usefixtures("title")
@pytest.mark.parametrize(
    ("accept_language", "found", "content_language"),
    [
        pytest.param(None, ["en en en", "en en en", "en en en"], "en-US", id="nothing asked"),
        pytest.param("fr-FR", ["fr fr fr", "fr fr fr", "en en en"], "fr-FR", id="a language that lacks one"),
        pytest.param("fr-CA", ["fr fr fr", "fr fr fr", "en en en"], "fr-FR", id="another region"),
        pytest.param("es-AR, es", ["es en en", "en en en", "en en en"], "es-MX", id="each string by itself"),
        pytest.param("es-MX, fr", ["es fr fr", "fr fr fr", "en en en"], "es-MX", id="two languages then the default"),
        pytest.param("ar", ["ar ar ar", "en en en", "en en en"], "ar-SA", id="right to left"),
        pytest.param("zh-TW, ar-EG", ["ar ar ar", "zh zh zh", "en en en"], "zh-Hant", id="scripts"),
        pytest.param("ja", ["en en en", "en en en", "en en en"], "en-US", id="a language that is not there"),
        pytest.param("de;q=1, fr;q=0.1", ["fr fr fr", "fr fr fr", "en en en"], "fr-FR", id="weights"),
        pytest.param("fr;q=0.1, es-MX;q=0.9", ["es fr fr", "fr fr fr", "en en en"], "es-MX", id="weights out of order"),
        pytest.param("fr;q=0, es", ["es en en", "en en en", "en en en"], "es-MX", id="a language refused"),
        pytest.param("en-US, fr", ["en en en", "en en en", "en en en"], "en-US", id="the default first"),
        pytest.param("*", ["en en en", "en en en", "en en en"], "en-US", id="anything"),
        pytest.param(
            "fr-ML,fr,zh-hans,zh,en-us,en", ["fr fr fr", "fr fr fr", "en en en"], "fr-FR", id="as XSAPI sends it"
        ),
        pytest.param("fr-FR, fr, en-GB, en-WW, en-US", ["fr fr fr", "fr fr fr", "en en en"], "fr-FR", id="seed 002"),
    ],
)
async def test_each_string_is_in_the_first_language_of_the_chain_that_has_it(
    said, accept_language, found, content_language
):
    assert await said(accept_language) == (found, content_language)


@pytest.mark.usefixtures("title")
async def test_rewards_and_the_titles_name_walk_the_chain_too(ask, publish_texts):
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
async def test_a_legacy_answer_is_in_the_same_languages(ask, give, path):
    await give(1, {1: 10**17, 2: 10**17})

    page = await ask(path, titleId=1, contract=1, headers={"Accept-Language": "es, fr"})

    assert [item["name"] for item in page["achievements"][:2]] == ["es name 1", "fr name 2"]
    assert [item["description"] for item in page["achievements"][:2]] == ["fr description 1", "fr description 2"]


async def test_a_title_may_choose_one_language_for_all_texts_of_an_achievement(said, make_title):
    made = (achievement(1, rewards=REWARDS), achievement(2), achievement(3))
    await make_title(1, achievements=made, texts=TEXTS, text_unit="achievement")

    assert await said("es-MX, fr") == (["en en en", "fr fr fr", "en en en"], "fr-FR")
    assert await said("es-MX, fr", maxItems=1) == (["en en en"], "en-US")


@pytest.mark.usefixtures("title")
async def test_content_language_says_what_was_used_on_this_very_page(said):
    assert (await said("es, fr", maxItems=1))[1] == "es-MX"
    assert (await said("es, fr", maxItems=1, skipItems=1))[1] == "fr-FR"
    assert (await said("es, fr", maxItems=1, skipItems=2))[1] == "en-US"


@pytest.mark.usefixtures("title")
async def test_a_page_of_two_titles_has_a_chain_for_each(said, make_title):
    await make_title(2, achievements=1, default_locale="de-DE", texts={"de-DE": {"title/name": "de"} | texts("de", 1)})

    assert (await said("fr", titleId="1,2"))[1] == "fr-FR, de-DE"
    assert (await said("de", titleId="1,2"))[1] == "en-US, de-DE"
    assert (await said("ja", titleId="2"))[1] == "de-DE"
    assert (await said("fr", titleId="1,2", skipItems=3))[1] == "de-DE"
    assert (await said("fr", titleId="1,2", maxItems=3))[1] == "fr-FR"


@pytest.mark.usefixtures("title")
async def test_one_language_of_two_titles_is_said_once(said, make_title):
    await make_title(2, achievements=1)

    assert (await said("en", titleId="1,2"))[1] == "en-US"


@pytest.mark.usefixtures("title")
async def test_one_achievement_says_its_language(ask):
    for number, language in ((1, "fr-FR"), (3, "en-US")):
        path = f"achievements/00000000-0000-0000-0000-000000000001/{number}"
        response = await ask(path, raw=True, headers={"Accept-Language": "fr"})
        assert response.headers["Content-Language"] == language


@pytest.mark.usefixtures("title")
async def test_the_history_says_its_language(ask, give, publish_texts):
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
async def test_an_empty_page_is_in_no_language(ask, what, query):
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
async def test_after_the_list_comes_the_tokens_country(ask, country, accept_language, language):
    """Seed 002: "If none are found, it attempts to match the location defined in the user token"."""
    headers = {"Authorization": authorization(country=country)}
    if accept_language is not None:
        headers["Accept-Language"] = accept_language

    response = await ask(titleId=1, raw=True, headers=headers)

    assert response.headers["Content-Language"] == language


@pytest.mark.usefixtures("title")
async def test_repeated_fields_are_one_list(client):
    headers = [("Authorization", authorization()), ("x-xbl-contract-version", "2")]
    headers += [("Accept-Language", value) for value in ("ja", "es;q=0.1", "fr")]

    response = await client.get(f"/users/xuid({PLAYER})/achievements?titleId=1", headers=headers)

    assert response.headers["Content-Language"] == "fr-FR"


@pytest.mark.usefixtures("title")
async def test_a_list_of_5_kb_is_read_as_far_as_it_is_worth(said):
    long = ", ".join(f"x-{number:08}" for number in range(450))
    assert 4900 < len(long) < 6000

    assert (await said(f"fr, {long}"))[1] == "fr-FR"
    assert (await said(f"{long}, fr"))[1] == "en-US"


@pytest.mark.usefixtures("title")
async def test_a_member_that_is_cut_off_is_no_member(said):
    """Else "frr", Frisian, would ask for French where just its last letter is beyond what is read."""
    for length in range(995, 1006):
        header = "es,".ljust(length - 3, ",") + "frr" + "," * 20

        assert (await said(header))[0] == ["es en en", "en en en", "en en en"], length


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
async def test_no_list_of_languages_is_an_error(said, accept_language):
    found, content_language = await said(accept_language)

    assert len(found) == 3
    assert content_language in TEXTS


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
async def test_whatever_is_asked_there_is_an_answer_in_published_words(said, accept_language):
    found, content_language = await said(accept_language)

    assert set(" ".join(found).split()) <= {"en", "fr", "es", "ar", "zh"}
    assert content_language in TEXTS


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
async def test_hard_texts_survive_the_wire(ask, make_title, give, text):
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
async def test_published_texts_are_served_and_unpublished_ones_are_not(said, ask, publish_texts):
    key = achievement_key(3, "name")
    headers = {"Accept-Language": "fr"}
    assert (await ask(titleId=1, headers=headers))["achievements"][2]["name"] == "en name 3"

    await publish_texts(1, {"fr-FR": {key: "le nom"}, "de-DE": {key: "der Name"}})

    assert (await ask(titleId=1, headers=headers))["achievements"][2]["name"] == "le nom"
    assert await said("de") == (["en en en", "en en en", "de en en"], "de-DE")


@pytest.mark.usefixtures("title")
async def test_a_rollback_serves_the_older_texts_again(ask, pool, services, publish_texts):
    question = {"titleId": 1, "headers": {"Accept-Language": "fr"}}
    first = await ask(**question)
    await publish_texts(1, {"fr-FR": {achievement_key(1, "name"): "autre"}})
    second = await ask(**question)

    for release, expected in ((1, first), (2, second), (1, first)):
        async with pool.transaction() as connection:
            await publish.rollback(connection, 1, release)
        await services.snapshots.refresh()

        assert await ask(**question) == expected


@pytest.mark.usefixtures("title")
async def test_the_language_may_change_between_two_pages(ask):
    first = await ask(titleId=1, maxItems=2, headers={"Accept-Language": "fr"})
    token = first["pagingInfo"]["continuationToken"]

    for language, name in (("ar", "en name 3"), ("fr", "en name 3"), ("zh-Hant, fr", "en name 3")):
        rest = await ask(titleId=1, continuationToken=token, headers={"Accept-Language": language})
        assert [item["name"] for item in rest["achievements"]] == [name]
