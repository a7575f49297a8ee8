"""Credentials follow Open Badges 3.0, as an independent library verifies them, and only their player gets them."""

import json
import urllib.parse

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from openbadgeslib.ob3 import OB3VerificationError, OB3Verifier

from service.core.auth import api_keys
from service.core.auth.principal import READ_ANY
from service.core.badges.credential import CREDENTIALS_CONTEXT, OPEN_BADGES_CONTEXT
from service.core.badges.revocations import restore_credential, revoke_credential
from service.core.badges.signing_keys import rotate_signing_key
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


@pytest.mark.parametrize(
    ("language", "name", "locale"), [("en", "Name 1", "en-US"), ("fr-CA", "Première lueur", "fr-FR")]
)
async def test_openbadgeslib_accepts_credential_in_each_language(ask, fetch_credential, language, name, locale):
    token = await fetch_credential(language=language)

    found = await by_openbadgeslib(ask, token)
    achievement = (await claims_of(ask, token))["credentialSubject"]["achievement"]

    assert (found.achievement.name, achievement["inLanguage"]) == (name, locale)
    assert found.issuer.name == ("Titre" if locale == "fr-FR" else "Title 1")


async def test_credential_has_the_required_members_and_no_empty_ones(ask, fetch_credential, client):
    token = await fetch_credential()
    claims = await claims_of(ask, token)

    base = str(client.make_url("/open-badges/titles/1"))
    assert jwt.get_unverified_header(token).keys() == {"alg", "kid", "typ"}
    assert claims["@context"] == [CREDENTIALS_CONTEXT, OPEN_BADGES_CONTEXT]
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


async def test_missing_picture_is_left_out_and_unknown_unlock_time_is_1970(ask, fetch_credential):
    old, timeless = (
        await claims_of(ask, await fetch_credential("old")),
        await claims_of(ask, await fetch_credential("timeless")),
    )

    assert "image" not in old["credentialSubject"]["achievement"]
    assert (timeless["validFrom"], timeless["nbf"]) == ("1970-01-01T00:00:00Z", 0)


async def test_credential_does_not_contain_the_player_id(ask, fetch_credential):
    claims = await claims_of(ask, await fetch_credential())

    assert PLAYER not in json.dumps(claims)


async def test_player_has_one_pseudonym_per_title_and_one_credential_per_language(ask, fetch_credential):
    english, french = (
        await claims_of(ask, await fetch_credential()),
        await claims_of(ask, await fetch_credential(language="fr")),
    )
    other = await claims_of(ask, await fetch_credential("old"))

    assert english["sub"] == french["sub"] == other["sub"]
    assert len({english["id"], french["id"], other["id"]}) == 3
    assert english["credentialStatus"] == french["credentialStatus"] != other["credentialStatus"]


async def test_pseudonyms_differ_between_players_and_titles(ask, fetch_credential, give, make_title, client):
    await give(1, {1: UNLOCKED_AT}, player=OTHER)
    title = await make_title(2)
    await give(title, {1: UNLOCKED_AT})
    elsewhere = await client.get(f"/open-badges/titles/2/users/{PLAYER}/achievements/1", headers=OWN)
    tokens = await fetch_credential(), await fetch_credential(player=OTHER), await elsewhere.text()

    claims = [await claims_of(ask, token) for token in tokens]

    assert len({one["sub"] for one in claims}) == 3
    assert len({one["credentialStatus"]["id"].partition("/status/")[2] for one in claims}) == 3


async def test_credential_is_stable_and_conditional_request_returns_304(ask, fetch_credential):
    assert await fetch_credential() == await fetch_credential()
    first = await ask(MINE, headers=OWN)
    again = await ask(MINE, headers=OWN | {"If-None-Match": first.headers["ETag"]}, status=304)
    other = await ask(MINE, headers=OWN | {"If-None-Match": first.headers["ETag"], "Accept-Language": "fr"})

    assert await again.read() == b""
    assert other.headers["ETag"] != first.headers["ETag"]


async def test_credential_response_has_private_cache_headers(ask):
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
        ("application/json;q=0", "application/vc+jwt"),
        ("application/json, application/vc+jwt;q=0", "application/json"),
        ("*/*", "application/vc+jwt"),
        ("image/png", "application/vc+jwt"),
    ],
)
async def test_accept_json_wraps_the_token_in_json(ask, fetch_credential, accept, kind):
    response = await ask(MINE, headers=OWN | {"Accept": accept})

    assert response.content_type == kind
    if kind == "application/json":
        body = await response.json()
        assert body == {"credential": await fetch_credential(), "claims": await claims_of(ask, body["credential"])}


async def test_language_parameter_overrides_accept_language(ask):
    response = await ask(f"{MINE}?language=fr", headers=OWN | {"Accept-Language": "en"})

    assert response.headers["Content-Language"] == "fr-FR"


# Authorization


async def make_key(pool, **whose):
    async with pool.connection() as connection:
        return {"X-API-KEY": (await api_keys.create_key(connection, **whose)).key}


async def test_every_authorized_caller_gets_the_same_credential(ask, fetch_credential, pool, make_title):
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


UNAUTHORIZED = {
    "no credential": ({}, 401),
    "malformed token": ({"Authorization": "Bearer a.b.c"}, 401),
    "unsupported scheme": ({"Authorization": "Basic YTpi"}, 401),
    "two credentials": (OWN | {"X-API-KEY": "lrl_1"}, 401),
    "unknown key": ({"X-API-KEY": "lrl_ABCDEFGHJK." + "x" * 43}, 401),
    "an expired token": ({"Authorization": authorization(now=1_500_000_000)}, 401),
    "another player": ({"Authorization": authorization(OTHER)}, 403),
    "another player as bearer": ({"Authorization": f"Bearer {authorization(OTHER).rpartition(';')[2]}"}, 403),
}


@pytest.mark.parametrize(("headers", "status"), UNAUTHORIZED.values(), ids=UNAUTHORIZED)
async def test_unauthorized_caller_gets_a_problem_document(ask, headers, status):
    response = await ask(MINE, headers=headers, status=status)

    problem = await response.json()
    assert response.content_type == "application/problem+json"
    assert (problem["status"], response.headers["Cache-Control"]) == (status, "no-store")
    assert PLAYER not in json.dumps(problem)
    assert ("WWW-Authenticate" in response.headers) == (status == 401)


async def test_api_key_of_another_title_or_player_is_forbidden(ask, pool, make_title):
    await make_title(2)
    for whose in ({"title_id": 2}, {"title_id": 2, "player": PLAYER}, {"title_id": 1, "player": OTHER}):
        await ask(MINE, headers=await make_key(pool, **whose), status=403)


async def test_public_read_policy_does_not_expose_credentials(ask_under):
    ask = await ask_under(read_policy="public")

    await ask(MINE, headers={"Authorization": authorization(OTHER)}, status=403)


NOT_HELD = {
    "not unlocked": "open",
    "unknown achievement": "nothing",
    "never active": "draft",
}


@pytest.mark.parametrize("achievement_id", NOT_HELD.values(), ids=NOT_HELD)
async def test_achievement_that_the_player_has_not_unlocked_is_not_found(ask, achievement_id):
    await ask(f"users/{PLAYER}/achievements/{achievement_id}", headers=OWN, status=404)


@pytest.mark.parametrize("title_id", ["2", "4294967296", "9999999999", "x"])
async def test_unknown_title_is_not_found(ask, title_id):
    await ask(f"/open-badges/titles/{title_id}/users/{PLAYER}/achievements/first-light", headers=OWN, status=404)


async def test_unknown_player_is_not_found_and_invalid_player_id_is_rejected(ask):
    anyone = {"Authorization": authorization(scopes=(READ_ANY,))}
    await ask("users/nobody/achievements/first-light", headers=anyone, status=404)
    for name in ("%00", "%7F", "x" * 129):
        refused = await ask(f"users/{name}/achievements/first-light", headers=anyone, status=400)
        assert "user: expected 1 to 128 characters" in (await refused.json())["detail"]


async def test_public_id_with_a_slash_is_percent_encoded(ask, fetch_credential):
    token = await fetch_credential("a%20secret%2F%C3%A9")

    shown = (await claims_of(ask, token))["credentialSubject"]["achievement"]
    assert shown["id"].endswith("/achievements/a%20secret%2F%C3%A9")
    assert (await (await ask(urllib.parse.urlsplit(shown["id"]).path)).json())["id"] == shown["id"]


# Revocation and key rotation


async def test_revoking_affects_every_language_and_no_other_credential(ask, fetch_credential, pool, services):
    badge = (pool, services.progress, services.snapshots.current.titles[1])
    tokens = await fetch_credential(), await fetch_credential(language="fr")
    assert await revoke_credential(*badge, player=PLAYER, public_id="first-light", reason="a mistake")

    for token in tokens:
        with pytest.raises(OB3VerificationError, match="status 'revocation' is set"):
            await by_openbadgeslib(ask, token)
    await by_openbadgeslib(ask, await fetch_credential("old"))

    assert await restore_credential(*badge, player=PLAYER, public_id="first-light")
    await by_openbadgeslib(ask, tokens[0])


async def test_rotated_key_still_verifies_and_withdrawn_key_does_not(ask, fetch_credential, pool):
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


async def test_only_the_current_private_key_is_stored(fetch_credential, pool, connection):
    await fetch_credential()
    await rotate_signing_key(pool)
    await rotate_signing_key(pool)

    lengths = await connection.fetch(
        "SELECT octet_length(key) FROM service_key WHERE name LIKE 'open-badges/key/%' ORDER BY name"
    )
    assert [length < 300 for (length,) in lengths] == [True, True, False]
