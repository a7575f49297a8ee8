"""Authentication and authorization: which credentials may read which lists, and the errors of all others."""

import base64
import hmac
import io
import json
import time
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm

from service.core.auth import tokens
from service.server.app import make_application, make_services
from service.settings import Settings
from service.telemetry import Observer
from tests.factories import OTHER, PLAYER, SECRET, authorization

NOW = int(time.time())
HOUR = 3600
PATHS = ("achievements", "titleachievements", "history/titles", "achievements/00000000-0000-0000-0000-000000000001/1")


@pytest.fixture(autouse=True)
async def _title(make_title, give):
    await make_title(1, achievements=1)
    await give(1, {1: 10**17})


@pytest.fixture
def sent(client):
    """Requests a player's list with this Authorization (several values: several fields); returns the response."""

    async def get(*fields: str, player: str = PLAYER, what: str = "achievements") -> Any:
        headers = [("x-xbl-contract-version", "2"), *(("Authorization", field) for field in fields)]
        return await client.get(f"/users/xuid({player})/{what}", headers=headers)

    return get


def claims(player: str | None = PLAYER, **changes: Any) -> dict[str, Any]:
    """The claims of a valid token; None removes one."""
    made = tokens.claims_for(player or PLAYER, issuer="laurel", audience="laurel", now=NOW)
    if player is None:
        del made["xui"]
    return {name: value for name, value in (made | changes).items() if value is not None}


def field(made: dict[str, Any], user_hash: str | None = None, secret: str = SECRET) -> str:
    token = jwt.encode(made, secret, algorithm="HS256")
    return f"XBL3.0 x={user_hash or tokens.user_hash_of(PLAYER)};{token}"


def users(*players: str) -> list[dict[str, str]]:
    """Users with the user hashes 1, 2 and so on."""
    return [{"xid": player, "uhs": str(number)} for number, player in enumerate(players, 1)]


GOOD = field(claims())
PUBLIC = pytest.mark.parametrize("settings", [Settings(jwt_secret=SECRET, read_policy="public")], ids=["public"])
NONE_TOKEN = jwt.encode(claims(), None, algorithm="none")

UNAUTHENTICATED = {
    "empty": "",
    "another scheme": authorization().replace("XBL3.0 x=", "Bearer x="),
    "a bearer token": "Bearer " + GOOD.partition(";")[2],
    "no user hash": GOOD.replace(f"x={tokens.user_hash_of(PLAYER)};", "x=;"),
    "no token": "XBL3.0 x=1;",
    "only a token": GOOD.partition(";")[2],
    "two spaces": GOOD.replace("XBL3.0 x", "XBL3.0  x"),
    "something behind": GOOD + ";x",
    "a comma-joined second": f"{GOOD}, {GOOD}",
    "another user's hash": field(claims(), user_hash="7"),
    "forged": field(claims(), secret="another secret, also long enough to be one"),
    "altered": GOOD[:-8] + ("A" * 8 if not GOOD.endswith("A" * 8) else "B" * 8),
    "unsigned": f"XBL3.0 x=1;{NONE_TOKEN}",
    "unsigned with something": f"XBL3.0 x=1;{NONE_TOKEN}AAAA",
    "expired": field(claims(iat=NOW - 2 * HOUR, nbf=NOW - 2 * HOUR, exp=NOW - HOUR)),
    "not yet valid": field(claims(nbf=NOW + HOUR)),
    "issued in the future": field(claims(iat=NOW + HOUR, exp=NOW + 2 * HOUR)),
    "of another issuer": field(claims(iss="somebody")),
    "for another audience": field(claims(aud="something")),
    "without exp": field(claims(exp=None)),
    "without iss": field(claims(iss=None)),
    "without aud": field(claims(aud=None)),
    "an exp of text": field(claims(exp=str(NOW + HOUR))),
    "living for years": field(claims(exp=NOW + 10_000 * HOUR)),
    "raw bytes": "XBL3.0 x=1;\udcff\udcfe",
    "eight thousand bytes": "XBL3.0 x=1;" + "a" * 7900,
}


@pytest.mark.parametrize("credential", UNAUTHENTICATED.values(), ids=UNAUTHENTICATED)
async def test_invalid_credential_is_401_with_a_challenge(sent, credential):
    response = await sent(credential)

    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == 'XBL3.0 realm="laurel"'
    assert (await response.json())["errorCode"] == 4500


@pytest.mark.parametrize("what", PATHS)
async def test_missing_credential_is_401_on_every_path(sent, what):
    response = await sent(what=what)

    assert response.status == 401
    assert "WWW-Authenticate" in response.headers


async def test_two_credentials_are_401_even_if_both_are_valid(sent):
    assert (await sent(GOOD)).status == 200

    response = await sent(GOOD, GOOD)

    assert response.status == 401
    assert (await response.json())["description"].endswith("got 2")


async def test_scheme_name_is_read_in_any_case(sent):
    assert (await sent(GOOD.replace("XBL3.0", "xbl3.0"))).status == 200


@pytest.mark.parametrize("what", PATHS)
@pytest.mark.parametrize(
    "credential",
    [
        pytest.param(field(claims(None)), id="a token without users"),
        pytest.param(field(claims(xui=[])), id="a token with an empty list of users"),
        pytest.param(field(claims(), user_hash="-"), id="a token of which no user is meant"),
    ],
)
async def test_token_without_a_user_is_403_with_the_message_of_the_live_service(sent, credential, what):
    response = await sent(credential, what=what)

    error = await response.json()
    assert response.status == 403
    assert (error["code"], error["description"]) == (23, "No valid claims were found on the request.")
    assert "WWW-Authenticate" not in response.headers  # clients would fetch a new token, in vain


@pytest.mark.parametrize("what", PATHS)
async def test_list_of_another_player_is_403_with_the_message_of_the_document(sent, what):
    response = await sent(GOOD, player=OTHER, what=what)

    error = await response.json()
    assert response.status == 403
    assert (error["errorCode"], error["errorMessage"]) == (8377, "XUID specified in the claim does not match URI XUID.")
    assert "WWW-Authenticate" not in response.headers


@pytest.mark.parametrize(
    ("user_hash", "player", "status"),
    [
        ("1", PLAYER, 200),
        ("2", OTHER, 200),
        ("2", PLAYER, 403),
        ("1", OTHER, 403),
        ("*", PLAYER, 200),
        ("*", OTHER, 200),
        ("*", "1", 403),
        ("-", PLAYER, 403),
        ("3", PLAYER, 401),
    ],
)
async def test_user_hash_selects_one_of_two_users(sent, user_hash, player, status):
    both = field(claims(xui=users(PLAYER, OTHER)), user_hash=user_hash)

    assert (await sent(both, player=player)).status == status


async def test_leading_zeros_of_a_xuid_are_ignored(sent):
    padded = field(claims(xui=[{"xid": f"000{PLAYER}", "uhs": "1"}]), user_hash="1")

    assert (await sent(padded)).status == 200
    assert (await sent(padded, player=f"0{PLAYER}")).status == 200


async def test_scope_progress_read_any_reads_any_list(sent):
    service = field(claims(None, scope="other progress:read-any"), user_hash="-")

    assert (await sent(service)).status == 200
    assert (await sent(service, player=OTHER)).status == 200


@pytest.mark.parametrize("scope", ["progress:read-any-more", "progress:read", "PROGRESS:READ-ANY", ["progress:read"]])
async def test_other_scopes_do_not_read_lists_of_others(sent, scope):
    assert (await sent(field(claims(scope=scope)), player=OTHER)).status == 403


@pytest.mark.parametrize(
    "player", ["undefined", "", "-1", "+1", "1_0", "١٢", "18446744073709551616", "1" * 21, "1e3", "%00"]
)
async def test_invalid_xuid_is_400(sent, player):
    """Among them values that npm's xbox-webapi sends before it has logged in."""
    response = await sent(GOOD, player=player)

    assert response.status == 400
    assert (await response.json())["description"].startswith("xuid: expected a decimal below 2^64")


async def test_largest_xuid_is_valid(sent):
    largest = str(2**64 - 1)
    token = field(claims(xui=users(largest)), user_hash="1")

    assert (await sent(token, player=largest)).status == 200


@PUBLIC
async def test_public_read_policy_lets_players_read_each_others_lists(sent):
    own, others = await sent(GOOD), await sent(authorization(OTHER))

    assert (own.status, others.status) == (200, 200)
    assert await own.json() == await others.json()


@PUBLIC
async def test_public_read_policy_still_requires_a_user(sent):
    assert (await sent(field(claims(), user_hash="-"))).status == 403
    assert (await sent()).status == 401


async def test_token_is_rejected_from_the_moment_it_expires(sent, time_machine):
    """Verified tokens are cached, but their expiry is checked on every request."""
    credential = field(claims())
    time_machine.move_to(NOW, tick=False)
    assert (await sent(credential)).status == 200

    time_machine.move_to(NOW + 2 * HOUR, tick=False)

    assert (await sent(credential)).status == 401


async def test_error_never_repeats_the_token(sent):
    token = GOOD.partition(";")[2]

    for credential in (GOOD + "x" * 4, "Bearer " + token, field(claims(), user_hash="7")):
        text = await (await sent(credential)).text()
        parts = credential.partition(";")[2].split(".")
        assert not any(part and part[:16] in text for part in parts)


async def test_list_without_title_id_includes_the_title_of_the_token(client, make_title):
    """A game that requests all achievements gets its own before the player has any progress."""
    await make_title(9, achievements=2)

    headers = {"Authorization": authorization(title_id=9), "x-xbl-contract-version": "2"}
    response = await client.get(f"/users/xuid({PLAYER})/achievements", headers=headers)

    titles = [item["titleAssociations"][0]["id"] for item in (await response.json())["achievements"]]
    assert titles == [1, 9, 9]


KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def public_pem(algorithm: str) -> str:
    made = KEYS[algorithm].public_key()
    return made.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    ("settings", "algorithm"), [(Settings(jwt_public_key=public_pem(name)), name) for name in KEYS], ids=KEYS
)
async def test_public_key_only_accepts_its_own_algorithm(sent, algorithm):
    """RFC 8725 §2.1: in particular not HS256 with the public key as the secret."""
    for other, private in KEYS.items():
        token = jwt.encode(claims(), private, algorithm=other)
        status = (await sent(f"XBL3.0 x={tokens.user_hash_of(PLAYER)};{token}")).status
        assert status == (200 if other == algorithm else 401), other
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "typ": "JWT"}, claims())
    )
    mac = hmac.digest(public_pem(algorithm).encode(), f"{head}.{body}".encode(), "sha256")
    forged = f"{head}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert (await sent(f"XBL3.0 x={tokens.user_hash_of(PLAYER)};{forged}")).status == 401


OLD_SECRET = "the secret of last year, long enough to be one"
ROTATED = {
    "secret": (
        Settings(jwt_secret=SECRET, jwt_secret_previous=OLD_SECRET),
        {"HS256": SECRET},
        {"HS256": OLD_SECRET},
        {"HS256": "a secret of somebody else, long enough to be one"},
    ),
    "public key": (
        Settings(jwt_public_key=public_pem("ES256"), jwt_public_key_previous=public_pem("RS256")),
        {"ES256": KEYS["ES256"]},
        {"RS256": KEYS["RS256"]},
        {"ES256": ec.generate_private_key(ec.SECP256R1()), "EdDSA": KEYS["EdDSA"], "HS256": SECRET},
    ),
}


@pytest.mark.parametrize(("settings", "current", "previous", "others"), ROTATED.values(), ids=ROTATED)
async def test_current_and_previous_key_are_accepted_while_keys_are_rotated(sent, current, previous, others):
    async def status(algorithm: str, key: Any) -> int:
        token = jwt.encode(claims(), key, algorithm=algorithm, headers={"kid": "any"})
        return (await sent(f"XBL3.0 x={tokens.user_hash_of(PLAYER)};{token}")).status

    assert [await status(*signed) for signed in (*current.items(), *previous.items())] == [200, 200]
    assert {await status(*signed) for signed in others.items()} == {401}


async def test_unknown_key_ids_are_fetched_from_the_issuer(pool, aiohttp_server, aiohttp_client, tmp_path):
    published = []

    async def keys(_request: web.Request) -> web.Response:
        return web.json_response({"keys": published})

    def publish(kid: str) -> ec.EllipticCurvePrivateKey:
        private = ec.generate_private_key(ec.SECP256R1())
        published.append(ECAlgorithm.to_jwk(private.public_key(), as_dict=True) | {"kid": kid})
        return private

    async def status(private: ec.EllipticCurvePrivateKey, kid: str) -> int:
        token = jwt.encode(claims(), private, algorithm="ES256", headers={"kid": kid})
        headers = {"Authorization": f"XBL3.0 x=*;{token}"}
        return (await client.get(f"/users/xuid({PLAYER})/achievements", headers=headers)).status

    issuer = web.Application()
    issuer.router.add_get("/keys", keys)
    url = str((await aiohttp_server(issuer)).make_url("/keys"))
    services = await make_services(
        Settings(jwks_url=url, data=tmp_path), pool, Observer(level="error", stream=io.StringIO())
    )
    client = await aiohttp_client(make_application(services))
    first = publish("first")
    assert await status(first, "first") == 503  # nothing can be verified yet, which is nobody's fault
    await services.jwks.refresh()
    assert await status(first, "first") == 200

    second = publish("second")

    assert await status(second, "second") == 200
    assert await status(first, "first") == 200
    assert await status(second, "third") == 401
    assert await status(first, "second") == 401
