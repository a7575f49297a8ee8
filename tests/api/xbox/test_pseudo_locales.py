"""Pseudo-locales are shown to whoever asks for exactly them, where an operator lets them be seen."""

import pytest

from service.core.catalog.model import achievement_key
from service.settings import Settings
from tests.factories import SECRET

TEXTS = {
    "en-US": {"title/name": "Harbour", **{achievement_key(1, field): "Light" for field in ("name", "description")}},
    "ar-SA": {achievement_key(1, "name"): "ضوء"},
}


@pytest.fixture
def settings(request) -> Settings:
    return Settings(jwt_secret=SECRET, pseudo_locales=getattr(request, "param", "on"))


@pytest.fixture
def said(ask, make_title):
    """The name of an achievement as it comes back, and the Content-Language."""

    async def asked(accept_language: str) -> tuple[str, str]:
        await make_title(1, achievements=1, texts=TEXTS)
        response = await ask(raw=True, headers={"Accept-Language": accept_language}, titleId=1)
        [item] = (await response.json())["achievements"]
        return item["name"], response.headers["Content-Language"]

    return asked


@pytest.mark.parametrize(
    ("accept_language", "name", "content_language"),
    [
        ("en-XA", "[Ļîĝĥţ o]", "en-XA"),
        ("en-xa, fr;q=0.5", "[Ļîĝĥţ o]", "en-XA"),
        ("ar-XB", "\u200f\u202eLight\u202c\u200f", "ar-XB"),
    ],
)
async def test_who_asks_for_one_gets_it(said, accept_language, name, content_language):
    found, language = await said(accept_language)

    assert found == name
    assert language.split(", ")[0] == content_language


@pytest.mark.parametrize(
    ("accept_language", "name"),
    [
        ("en", "Light"),
        ("en-GB", "Light"),
        ("ar", "ضوء"),
        ("ar-EG", "ضوء"),
        ("*", "Light"),
        ("fr", "Light"),
    ],
)
async def test_nobody_else_falls_back_to_one(said, accept_language, name):
    assert (await said(accept_language))[0] == name


@pytest.mark.parametrize("settings", ["off"], indirect=True)
@pytest.mark.parametrize("accept_language", ["en-XA", "ar-XB"])
async def test_they_are_not_there_unless_an_operator_lets_them(said, accept_language):
    assert await said(accept_language) == ("Light", "en-US")
