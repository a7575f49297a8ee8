"""Pseudo-locales are served on exact request only, and only where the setting allows them."""

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
def read_name(ask, make_title):
    """The name of an achievement in a response, and the Content-Language."""

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
async def test_requested_pseudo_locale_is_served(read_name, accept_language, name, content_language):
    shown, language = await read_name(accept_language)

    assert shown == name
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
async def test_no_other_language_falls_back_to_a_pseudo_locale(read_name, accept_language, name):
    assert (await read_name(accept_language))[0] == name


@pytest.mark.parametrize("settings", ["off"], indirect=True)
@pytest.mark.parametrize("accept_language", ["en-XA", "ar-XB"])
async def test_pseudo_locales_are_off_by_default(read_name, accept_language):
    assert await read_name(accept_language) == ("Light", "en-US")
