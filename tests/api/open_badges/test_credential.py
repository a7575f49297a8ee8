"""A badge is what Open Badges 3.0 says that it is: by the eyes of others, and handed to its player alone."""

import json
import urllib.parse

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from openbadgeslib.ob3 import OB3VerificationError, OB3Verifier

from service.core.auth import api_keys
from service.core.auth.principal import READ_ANY
from service.core.badges import credential, revocations
from service.core.badges.credential import EarnedAchievement
from service.core.badges.signing_keys import load_signing_keys, rotate_signing_key
from tests.api.open_badges.conftest import UNLOCKED_AT
from tests.factories import OTHER, PLAYER, authorization

MINE = f"users/{PLAYER}/achievements/first-light"
OWN = {"Authorization": authorization()}


async def key_of(ask, token):
    """The published key that a token names."""
    keys = jwt.PyJWKSet.from_json(await (await ask("/.well-known/jwks.json")).text())
    return keys[jwt.get_unverified_header(token)["kid"]]


async def claims_of(ask, token):
    """The claims, verified by PyJWT with the published key."""
    return jwt.decode(token, await key_of(ask, token), algorithms=["RS256"])


async def by_openbadgeslib(ask, token):
    """The credential as openbadgeslib verifies it, its status and the signature of the list included."""
    claims = await claims_of(ask, token)
    url = urllib.parse.urlsplit(claims["credentialStatus"]["statusListCredential"])
    listed = await (await ask(url.path)).read()
    pem = (await key_of(ask, token)).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return OB3Verifier(pem).verify(token, check_status=True, download=lambda _: listed)


async def revoke(pool, achievement, *, title_id=1, player=PLAYER, unlocked_at=UNLOCKED_AT):
    award = EarnedAchievement(player, achievement, unlocked_at)
    at = credential.status_position(title_id, award, secret=(await load_signing_keys(pool)).secret)
    async with pool.transaction() as connection:
        return await revocations.revoke(connection, award, at, title_id=title_id, reason="a mistake")


@pytest.mark.parametrize(
    ("language", "name", "locale"), [("en", "Name 1", "en-US"), ("fr-CA", "Première lueur", "fr-FR")]
)
async def test_openbadgeslib_finds_a_badge_good_in_each_language(ask, fetch_credential, language, name, locale):
    token = await fetch_credential(language=language)

    found = await by_openbadgeslib(ask, token)
    achievement = (await claims_of(ask, token))["credentialSubject"]["achievement"]

    assert (found.achievement.name, achievement["inLanguage"]) == (name, locale)
    assert found.issuer.name == ("Titre" if locale == "fr-FR" else "Title 1")


async def test_a_credential_says_what_the_standard_wants_and_nothing_empty(ask, fetch_credential, client):
    token = await fetch_credential()
    claims = await claims_of(ask, token)

    base = str(client.make_url("/open-badges/titles/1"))
    assert jwt.get_unverified_header(token).keys() == {"alg", "kid", "typ"}
    assert claims["@context"] == [credential.CREDENTIALS_CONTEXT, credential.OPEN_BADGES_CONTEXT]
    assert claims["type"] == ["VerifiableCredential", "OpenBadgeCredential"]
    assert claims["issuer"] == {"id": f"{base}/issuer", "type": ["Profile"], "name": "Title 1"}
    assert claims["credentialSubject"]["type"] == ["AchievementSubject"]
    assert claims["credentialSubject"]["achievement"] == {
        "id": f"{base}/achievements/first-light",
        "type": ["Achievement"],
        "name": "Name 1",
        "description": "Description 1",
        "criteria": {"narrative": "Locked 1"},
        "image": {"id": "https://images.example.com/icon.png", "type": "Image"},
        "inLanguage": "en-US",
    }
    assert (claims["iss"], claims["jti"]) == (claims["issuer"]["id"], claims["id"])
    assert claims["sub"] == claims["credentialSubject"]["id"]
    assert (claims["validFrom"], claims["nbf"]) == ("2013-01-17T03:19:00Z", 1358392740)
    assert not [empty for empty in ("null", "[]", "{}") if empty in json.dumps(claims)]


async def test_a_badge_without_a_picture_has_none_and_one_without_a_time_is_of_1970(ask, fetch_credential):
    old, timeless = (
        await claims_of(ask, await fetch_credential("old")),
        await claims_of(ask, await fetch_credential("timeless")),
    )

    assert "image" not in old["credentialSubject"]["achievement"]
    assert (timeless["validFrom"], timeless["nbf"]) == ("1970-01-01T00:00:00Z", 0)


async def test_nothing_in_a_badge_names_its_player(ask, fetch_credential):
    claims = await claims_of(ask, await fetch_credential())

    assert PLAYER not in json.dumps(claims)


async def test_one_player_has_one_name_in_a_title_and_every_language_its_own_credential(ask, fetch_credential):
    english, french = (
        await claims_of(ask, await fetch_credential()),
        await claims_of(ask, await fetch_credential(language="fr")),
    )
    other = await claims_of(ask, await fetch_credential("old"))

    assert english["sub"] == french["sub"] == other["sub"]
    assert len({english["id"], french["id"], other["id"]}) == 3
    assert english["credentialStatus"] == french["credentialStatus"] != other["credentialStatus"]


async def test_another_player_and_another_title_have_other_names(ask, fetch_credential, give, make_title, client):
    await give(1, {1: UNLOCKED_AT}, player=OTHER)
    title = await make_title(2)
    await give(title, {1: UNLOCKED_AT})
    elsewhere = await client.get(f"/open-badges/titles/2/users/{PLAYER}/achievements/1", headers=OWN)
    tokens = await fetch_credential(), await fetch_credential(player=OTHER), await elsewhere.text()

    claims = [await claims_of(ask, token) for token in tokens]

    assert len({one["sub"] for one in claims}) == 3
    assert len({one["credentialStatus"]["id"].partition("/status/")[2] for one in claims}) == 3


async def test_the_same_badge_is_the_same_for_ever(ask, fetch_credential):
    assert await fetch_credential() == await fetch_credential()
    first = await ask(MINE, headers=OWN)
    again = await ask(MINE, headers=OWN | {"If-None-Match": first.headers["ETag"]}, status=304)
    other = await ask(MINE, headers=OWN | {"If-None-Match": first.headers["ETag"], "Accept-Language": "fr"})

    assert await again.read() == b""
    assert other.headers["ETag"] != first.headers["ETag"]


async def test_headers_are_those_of_a_private_answer(ask):
    response = await ask(MINE, headers=OWN | {"Accept-Language": "fr"})

    assert response.content_type == "application/vc+jwt"
    assert response.headers["Content-Language"] == "fr-FR"
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["Vary"] == "Accept, Accept-Language, Authorization, X-API-KEY"
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json"),
        ("text/html, Application/JSON;q=0.5", "application/json"),
        ("application/json, application/vc+jwt", "application/vc+jwt"),
        ("*/*", "application/vc+jwt"),
        ("image/png", "application/vc+jwt"),
    ],
)
async def test_who_asks_for_json_gets_the_token_in_json(ask, fetch_credential, accept, kind):
    response = await ask(MINE, headers=OWN | {"Accept": accept})

    assert response.content_type == kind
    if kind == "application/json":
        body = await response.json()
        assert body == {"credential": await fetch_credential(), "claims": await claims_of(ask, body["credential"])}


async def test_the_language_of_the_query_goes_before_the_header(ask):
    response = await ask(f"{MINE}?language=fr", headers=OWN | {"Accept-Language": "en"})

    assert response.headers["Content-Language"] == "fr-FR"


# Who may have it


async def make_key(pool, **whose):
    async with pool.connection() as connection:
        return {"X-API-KEY": (await api_keys.create_key(connection, **whose)).key}


async def test_those_who_may_have_it_get_the_same_badge(ask, fetch_credential, pool, make_title):
    await make_title(2)
    bearer = f"Bearer {authorization().rpartition(';')[2]}"
    for headers in (
        {"Authorization": bearer},
        {"Authorization": authorization(OTHER, scopes=(READ_ANY,))},
        await make_key(pool, title_id=1),
        await make_key(pool, title_id=1, player=PLAYER),
    ):
        response = await ask(MINE, headers=headers | {"Accept-Language": "en"})
        assert await response.text() == await fetch_credential()


REFUSED = {
    "nobody": ({}, 401),
    "a token that is none": ({"Authorization": "Bearer a.b.c"}, 401),
    "a scheme that is none": ({"Authorization": "Basic YTpi"}, 401),
    "two credentials": (OWN | {"X-API-KEY": "lrl_1"}, 401),
    "a key that is none": ({"X-API-KEY": "lrl_ABCDEFGHJK." + "x" * 43}, 401),
    "an expired token": ({"Authorization": authorization(now=1_500_000_000)}, 401),
    "another player": ({"Authorization": authorization(OTHER)}, 403),
    "another player as bearer": ({"Authorization": f"Bearer {authorization(OTHER).rpartition(';')[2]}"}, 403),
}


@pytest.mark.parametrize(("headers", "status"), REFUSED.values(), ids=REFUSED)
async def test_others_do_not_get_it(ask, headers, status):
    response = await ask(MINE, headers=headers, status=status)

    problem = await response.json()
    assert response.content_type == "application/problem+json"
    assert (problem["status"], response.headers["Cache-Control"]) == (status, "no-store")
    assert PLAYER not in json.dumps(problem)
    assert ("WWW-Authenticate" in response.headers) == (status == 401)


async def test_keys_of_others_do_not_get_it(ask, pool, make_title):
    await make_title(2)
    for whose in ({"title_id": 2}, {"title_id": 2, "player": PLAYER}, {"title_id": 1, "player": OTHER}):
        await ask(MINE, headers=await make_key(pool, **whose), status=403)


async def test_where_anybody_may_read_a_player_a_badge_is_still_its_players_alone(ask_under):
    ask = await ask_under(read_policy="public")

    await ask(MINE, headers={"Authorization": authorization(OTHER)}, status=403)


NOT_THERE = {
    "what is not unlocked": "open",
    "what there is not": "nothing",
    "what was never active": "draft",
}


@pytest.mark.parametrize("achievement_id", NOT_THERE.values(), ids=NOT_THERE)
async def test_what_is_not_held_is_not_found(ask, achievement_id):
    await ask(f"users/{PLAYER}/achievements/{achievement_id}", headers=OWN, status=404)


@pytest.mark.parametrize("title_id", ["2", "4294967296", "9999999999", "x"])
async def test_a_title_that_is_not_there_is_not_found(ask, title_id):
    await ask(f"/open-badges/titles/{title_id}/users/{PLAYER}/achievements/first-light", headers=OWN, status=404)


async def test_a_player_who_has_nothing_is_not_found_and_one_who_cannot_be_is_refused(ask):
    anyone = {"Authorization": authorization(scopes=(READ_ANY,))}
    await ask("users/nobody/achievements/first-light", headers=anyone, status=404)
    for name in ("%00", "%7F", "x" * 129):
        refused = await ask(f"users/{name}/achievements/first-light", headers=anyone, status=400)
        assert "user: expected 1 to 128 characters" in (await refused.json())["detail"]


async def test_a_name_with_a_slash_is_asked_for_by_its_percent_codes(ask, fetch_credential):
    token = await fetch_credential("a%20secret%2F%C3%A9")

    shown = (await claims_of(ask, token))["credentialSubject"]["achievement"]
    assert shown["id"].endswith("/achievements/a%20secret%2F%C3%A9")
    assert (await (await ask(urllib.parse.urlsplit(shown["id"]).path)).json())["id"] == shown["id"]


# Revoked, and signed by another key


async def test_a_revoked_badge_is_revoked_in_every_language_and_by_itself(ask, fetch_credential, pool, services):
    achievement = services.snapshots.current.titles[1].all_achievements[1]
    tokens = await fetch_credential(), await fetch_credential(language="fr")
    assert await revoke(pool, achievement)
    assert not await revoke(pool, achievement)

    for token in tokens:
        with pytest.raises(OB3VerificationError, match="status 'revocation' is set"):
            await by_openbadgeslib(ask, token)
    await by_openbadgeslib(ask, await fetch_credential("old"))

    async with pool.transaction() as connection:
        assert await revocations.restore(connection, player=PLAYER, title_id=1, achievement=achievement)
        assert not await revocations.restore(connection, player=PLAYER, title_id=1, achievement=achievement)
    await by_openbadgeslib(ask, tokens[0])


async def test_what_an_old_key_signed_stays_good_and_a_withdrawn_keys_does_not(ask, fetch_credential, pool):
    old = await fetch_credential()
    name = await rotate_signing_key(pool)
    new = await fetch_credential()

    assert jwt.get_unverified_header(new)["kid"].endswith(name)
    assert old != new
    assert await claims_of(ask, old) == await claims_of(ask, new)

    await rotate_signing_key(pool, withdraw=True)
    for token in (old, new):
        with pytest.raises(KeyError):
            await key_of(ask, token)
    await claims_of(ask, await fetch_credential())


async def test_only_the_key_in_use_is_kept_whole(fetch_credential, pool, connection):
    await fetch_credential()
    await rotate_signing_key(pool)
    await rotate_signing_key(pool)

    lengths = await connection.fetch(
        "SELECT octet_length(key) FROM service_key WHERE name LIKE 'open-badges/key/%' ORDER BY name"
    )
    assert [length < 300 for (length,) in lengths] == [True, True, False]
