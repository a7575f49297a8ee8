"""The languages of a request, whichever API it calls: chains, Vary and the report of fallbacks."""

import pytest

from service.http.locale import LocalizedText, content_language, encode_localized, vary
from tests.api.graphql.conftest import METRICS, of_path
from tests.api.trophy.conftest import attribute
from tests.factories import PLAYER, authorization, bearer, metric

CALLS = {
    "xbox": f"/users/xuid({PLAYER})/achievements?titleId=1",
    "trophy": "/achievements",
    "graphql": "/graphql?query={getBadges{nodes{title}}}",
    "open_badges": "/open-badges/titles/1/achievements/one",
}


@pytest.fixture
async def title(make_title):
    """A title with one badge, whose French lacks everything but the name."""
    return await make_title(
        1,
        achievements=(of_path(1, "enrolled", public_id="one"),),
        metrics=tuple(metric(key) for key in METRICS),
        attributes=(attribute("learning-path", "event"),),
        texts={"fr-FR": {"achievement/1/name": "Nom"}},
    )


@pytest.fixture
def call(client, key_of, title):
    """Calls an API about the title, in a language."""

    async def call(api, accept_language, country=None):
        credential = {"Authorization": authorization(title_id=title, country=country)}
        if api == "trophy":
            credential = {"X-API-KEY": await key_of(title_id=title)}
        headers = credential | {"Accept-Language": accept_language, "x-xbl-contract-version": "2"}
        response = await client.get(CALLS[api], headers=headers)
        assert response.status == 200, await response.text()
        return response

    return call


@pytest.mark.parametrize("api", CALLS)
async def test_every_api_reports_fallbacks(client, services, call, title, api):
    for accept_language in ("fr", "fr", "en"):
        await call(api, accept_language)
    await services.fallbacks.flush()

    response = await client.get(f"/catalogs/{title}/fallbacks", headers={"Authorization": bearer()})
    fallbacks = (await response.json())["fallbacks"]

    assert {each["key"]: (each["wanted"], each["used"], each["answers"]) for each in fallbacks}[
        "achievement/1/description"
    ] == ("fr-FR", "en-US", 2)


@pytest.mark.parametrize("api", CALLS)
async def test_long_lists_of_languages_are_read_to_their_end(call, api):
    """255 languages that nobody speaks come before French."""
    unknown = ", ".join(f"qaa-x-{number}" for number in range(255))

    assert "fr-FR" in (await call(api, f"{unknown}, fr;q=1.0000")).headers["Content-Language"]
    assert "fr-FR" not in (await call(api, f"{unknown}, qab, fr")).headers["Content-Language"]


@pytest.mark.parametrize("api", ["xbox", "graphql"])
async def test_the_country_of_a_token_comes_before_far_languages(call, api):
    assert "fr-FR" in (await call(api, "sw", country="FR")).headers["Content-Language"]
    assert "fr-FR" not in (await call(api, "en", country="FR")).headers["Content-Language"]


@pytest.mark.parametrize("api", ["xbox", "trophy", "graphql"])
async def test_responses_vary_by_language_and_credential(call, api):
    fields = {field.strip() for field in (await call(api, "fr")).headers["Vary"].split(",")}

    assert {"Accept-Language", "Authorization"} <= fields


def test_content_language_names_each_locale_once_in_order_of_appearance():
    assert content_language(["it-IT", None, "en-US", "it-IT"]) == "it-IT, en-US"
    assert content_language([None]) is None
    assert vary("X-API-KEY", "Accept") == "Accept, Accept-Language, Authorization, X-API-KEY"


def test_encoding_a_document_collects_the_locales_of_its_texts():
    document = {"a": LocalizedText("à", "fr-FR"), "b": [LocalizedText("b", None), {"c": LocalizedText("c", "en-US")}]}

    assert encode_localized(document) == ('{"a":"à","b":["b",{"c":"c"}]}'.encode(), "fr-FR, en-US")
    with pytest.raises(NotImplementedError):
        encode_localized({"a": object()})
