"""Content-Language names exactly the locales of the texts in the body, in order of appearance: in every API."""

import base64
import itertools
import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service.core.catalog.model import Reward, metric_key, reward_key
from tests.api.graphql.conftest import METRICS, of_path
from tests.api.trophy.conftest import attribute
from tests.factories import PLAYER, achievement, authorization, counted, metric

LOCALES = ("fr-FR", "es-MX", "zh-Hant")
ACHIEVEMENTS = (
    of_path(1, "enrolled", public_id="one", rewards=(Reward(kind="InApp", value="lamp", value_type="String"),)),
    counted(2, 3, metric="social-posts", public_id="two", is_secret=True),
    counted(3, 1, metric="social-posts", public_id="three"),
    achievement(4, public_id="four", requirements=(), key="called"),
)
KEYS = (
    "title/name",
    *(metric_key(key) for key in METRICS),
    *(key for each in ACHIEVEMENTS for key in each.text_keys()),
    *(reward_key(1, "InApp", field) for field in ("name", "description")),
)
SELECTIONS = (
    "title",
    "id status",
    "picture { alt url title }",
    "id title @skip(if: true) picture @include(if: false) { alt }",
    'earned(format: "Y-m-d") status',
    'title earned(format: "D") earningCriteria { __typename }',
)
CONTRACTS = ("1", "2", "3", "4")


def mark(locale: str, key: str) -> str:
    """A text that tells which locale it is in, whatever it is shown in."""
    return f"{locale}~ {key}"


def locales_in(body: str) -> str | None:
    """The locales of the marked texts in a body, in order of appearance."""
    return ", ".join(dict.fromkeys(re.findall("([a-zA-Z-]+)~", body))) or None


def payload(token: str) -> str:
    """The claims of a compact JWS."""
    part = token.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


@pytest.fixture
def publish(make_title):
    """Publishes a new title whose texts are marked: English has all of them, the other locales these keys."""
    title_ids = itertools.count(10)

    async def publish(partial, text_unit):
        texts = {"en-US": KEYS} | partial
        return await make_title(
            next(title_ids),
            achievements=ACHIEVEMENTS,
            metrics=tuple(metric(key) for key in METRICS),
            attributes=(attribute("learning-path", "event"),),
            texts={locale: {key: mark(locale, key) for key in keys} for locale, keys in texts.items()},
            text_unit=text_unit,
        )

    return publish


async def xbox(client, title_id, headers):
    """Every localized response of the Xbox API, in every contract."""
    sent = headers | {"Authorization": authorization(title_id=title_id)}
    base = f"/users/xuid({PLAYER})"
    scid = f"00000000-0000-0000-0000-{title_id:012x}"
    for contract in CONTRACTS:
        for path in (
            f"/achievements?titleId={title_id}",
            f"/achievements?titleId={title_id}&maxItems=1&skipItems=1",
            f"/achievements?titleId={title_id}&unlockedOnly=true",
            f"/titleachievements?titleId={title_id}",
            f"/achievements/{scid}/2",
            "/history/titles",
        ):
            response = await client.get(base + path, headers=sent | {"x-xbl-contract-version": contract})
            yield f"{contract} {path}", response, await response.text()


async def trophy(client, key, headers):
    """Every localized response of the Trophy API, for plain callers and for its client libraries."""
    post = {"json": {"user": {"id": PLAYER}, "value": 1, "attributes": {}}}
    for sdk in ({}, {"X-Fern-Language": "Python"}):
        sent = headers | sdk | {"X-API-KEY": key}
        for path, more in (
            ("/metrics/social-posts/event", post),
            ("/achievements/called/complete", {"json": {"user": {"id": PLAYER}}}),
            ("/achievements", {}),
            (f"/users/{PLAYER}/achievements", {}),
            (f"/users/{PLAYER}/achievements?includeIncomplete=true", {}),
            (f"/users/{PLAYER}/metrics/social-posts", {}),
            (f"/users/{PLAYER}/metrics", {}),
        ):
            response = await client.request("POST" if more else "GET", path, headers=sent, **more)
            yield f"{sdk} {path}", response, await response.text()


async def graphql(client, title_id, headers):
    """Badges by GraphQL, with texts and without, by compiled queries and by the executor."""
    sent = headers | {"Authorization": authorization(title_id=title_id)}
    for selection in SELECTIONS:
        for query in (
            f'{{ getBadge(badgeId: "three") {{ {selection} }} }}',
            f"{{ getBadges(first: 2) {{ nodes {{ {selection} }} }} }}",
            f"{{ getBadges {{ edges {{ node {{ {selection} }} }} }} __typename }}",
            f'{{ last: getBadge(badgeId: "three") {{ {selection} }} first: getBadge(badgeId: "one") {{ title }} }}',
        ):
            response = await client.get("/graphql", params={"query": query}, headers=sent)
            yield query, response, await response.text()


async def open_badges(client, title_id, headers):
    """The documents of Open Badges, and the claims of what is signed."""
    base = f"/open-badges/titles/{title_id}"
    sent = headers | {"Authorization": authorization()}
    for path in ("issuer", "achievements/one", "achievements/two"):
        response = await client.get(f"{base}/{path}", headers=headers)
        yield path, response, await response.text()
    for achievement_id in ("three", "four"):
        path = f"{base}/users/{PLAYER}/achievements/{achievement_id}"
        response = await client.get(path, headers=sent)
        yield path, response, payload(await response.text())


PARTIAL = st.fixed_dictionaries({locale: st.lists(st.sampled_from(KEYS), unique=True) for locale in LOCALES})
LANGUAGES = st.lists(st.sampled_from(["fr", "es", "zh-TW", "en", "ja", "ta", "es;q=0"]), max_size=4).map(", ".join)


@settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # not shrinking: an example makes a hundred requests
    suppress_health_check=list(HealthCheck),
)
@given(partial=PARTIAL, text_unit=st.sampled_from(["string", "achievement"]), languages=LANGUAGES)
async def test_content_language_names_exactly_the_locales_of_the_texts(  # noqa: PLR0917  (fixtures)
    client, publish, key_of, partial, text_unit, languages
):
    title_id = await publish(partial, text_unit)
    headers = {"Accept-Language": languages}
    key = await key_of(title_id=title_id)

    for responses in (
        trophy(client, key, headers),  # first, as it makes the player known
        xbox(client, title_id, headers),
        graphql(client, title_id, headers),
        open_badges(client, title_id, headers),
    ):
        async for name, response, body in responses:
            assert response.status in (200, 201), (name, body)
            assert response.headers.get("Content-Language") == locales_in(body), (name, body)
            assert {"accept-language"} <= {field.strip().lower() for field in response.headers["Vary"].split(",")}
