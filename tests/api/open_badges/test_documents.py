"""Public documents of Open Badges: issuer, achievements, keys and status lists."""

import base64
import gzip
import json
import re

import jwt
import pytest

from service.core.badges.credential import CREDENTIALS_CONTEXT, OPEN_BADGES_CONTEXT
from tests.factories import PLAYER, authorization

UNVERIFIED = {"verify_signature": False}
ELSEWHERE = {"https://images.example.com", "https://www.w3.org", "https://purl.imsglobal.org"}


async def test_issuer_profile_is_in_the_callers_language(ask, client):
    english, french = await ask("issuer"), await ask("issuer", headers={"Accept-Language": "fr"})

    assert await english.json() == {
        "@context": [CREDENTIALS_CONTEXT, OPEN_BADGES_CONTEXT],
        "id": str(client.make_url("/open-badges/titles/1/issuer")),
        "type": ["Profile"],
        "name": "Title 1",
    }
    assert ((await french.json())["name"], french.headers["Content-Language"]) == ("Titre", "fr-FR")


async def test_secret_achievement_hides_its_description(ask):
    plain = await (await ask("achievements/first-light")).json()
    secret = await (await ask("achievements/a%20secret%2F%C3%A9")).json()

    assert (plain["description"], plain["criteria"]["narrative"]) == ("Description 1", "Locked 1")
    assert (secret["description"], secret["criteria"]["narrative"]) == ("Locked 2", "Locked 2")


@pytest.mark.parametrize("path", ["issuer", "achievements/first-light", "/.well-known/jwks.json", "status/7"])
async def test_public_response_allows_any_origin_and_conditional_requests(ask, path, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.0)
    first = await ask(path)
    again = await ask(path, headers={"If-None-Match": first.headers["ETag"]}, status=304)

    assert (first.headers["Access-Control-Allow-Origin"], first.headers["Cache-Control"]) == ("*", "public, no-cache")
    assert await again.read() == b""


@pytest.mark.parametrize(
    "path",
    [
        "achievements/nothing",
        "achievements/draft",
        "status/4294967296",
        "status/x",
        "/open-badges/titles/2/issuer",
        "/open-badges/titles/2/status/1",
        "/open-badges/keys/none",
        "/open-badges",
        "/.well-known/nothing",
    ],
)
async def test_unknown_path_is_not_found(ask, path):
    response = await ask(path, status=404)

    assert (await response.json())["code"] == "not_found"


async def test_head_returns_the_headers_of_get(client, ask):
    shown = await ask("issuer")
    head = await client.head("/open-badges/titles/1/issuer")

    assert (head.status, head.headers["ETag"], await head.read()) == (200, shown.headers["ETag"], b"")


async def test_unsupported_method_is_rejected(client, title):
    response = await client.post(f"/open-badges/titles/{title}/issuer")

    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


async def test_key_set_has_only_public_members(ask):
    """Each key is also served at its `kid`, a URL that ends with its thumbprint."""
    (key,) = (await (await ask("/.well-known/jwks.json")).json())["keys"]

    assert key.keys() == {"kty", "kid", "use", "alg", "n", "e"}
    alone = await ask(re.sub(r"^http://[^/]+", "", key["kid"]))
    assert await alone.json() == key
    assert jwt.PyJWK(key).key.key_size >= 2048


async def test_unused_status_list_is_served(ask, client):
    """Otherwise its absence would show that no credential uses it."""
    token = await (await ask("status/7", headers={"Accept": "application/json"})).text()
    keys = jwt.PyJWKSet.from_json(await (await ask("/.well-known/jwks.json")).text())
    claims = jwt.decode(token, keys.keys[0], algorithms=["RS256"])

    bits = gzip.decompress(base64.urlsafe_b64decode(claims["credentialSubject"]["encodedList"][1:] + "=="))
    assert claims["id"] == claims["jti"] == str(client.make_url("/open-badges/titles/1/status/7"))
    assert claims["type"] == ["VerifiableCredential", "BitstringStatusListCredential"]
    assert bits == bytes(16_384)


@pytest.mark.parametrize("host", ["evil.example/x?", "a b", "[::1", "a@b", "", "é"])
async def test_invalid_host_is_rejected(ask, host):
    response = await ask("issuer", headers={"Host": host}, status=400)

    assert "Host: expected a host" in (await response.json())["detail"]


async def test_public_url_setting_overrides_the_host_header(ask_under):
    ask = await ask_under(public_url="https://badges.example.com")
    texts = [
        await (await ask(path, headers={"Host": "other.example"})).text()
        for path in ("issuer", "achievements/first-light", "/.well-known/jwks.json")
    ]
    for path in ("status/7", f"users/{PLAYER}/achievements/first-light"):
        token = await (await ask(path, headers={"Authorization": authorization()})).text()
        texts += [json.dumps(jwt.get_unverified_header(token)), jwt.api_jws.decode(token, options=UNVERIFIED).decode()]

    for text in texts:
        found = set(re.findall(r'https?://[^/"]+', text))
        assert found - ELSEWHERE == {"https://badges.example.com"}


async def test_signatures_for_anybody_are_bounded_and_signed_lists_are_kept(ask):
    kept = await (await ask("status/7")).read()
    number, refused = 8, None
    while refused is None:
        response = await ask(f"status/{number}", status=None)
        refused = response if response.status != 200 else None
        number += 1
        assert number < 1000
        assert await (await ask("status/7")).read() == kept

    assert (refused.status, int(refused.headers["Retry-After"]) >= 1) == (429, True)
    assert (await refused.json())["code"] == "too_many_requests"
