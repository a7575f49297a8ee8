"""Signing in: a token becomes a cookie for the workbench alone, and only pages of the workbench change anything."""

import ipaddress
import re
import time

import msgspec
import pytest

from service.core.auth.principal import Grant, Principal
from service.core.auth.sessions import Sessions
from service.errors import InvalidField, Unauthenticated
from service.server.app import make_application
from tests.factories import authorization, bearer

NAME = "/l10n/1/fr-FR/achievement/1/name"
KEY = bytes(32)
WHO = Principal(
    players=(), expires_at=2000, name="Ana", grants=(Grant(titles=None, locales=("fr",), rights=frozenset({"review"})),)
)


async def test_cookie_is_limited_to_the_workbench_and_the_lifetime_of_the_token(client):
    response = await client.post("/l10n/session", data={"token": bearer()}, allow_redirects=False)

    cookie = response.cookies["laurel-session"]
    assert (response.status, response.headers["Location"]) == (303, "/l10n")
    assert (cookie["path"], cookie["samesite"], cookie["httponly"]) == ("/l10n", "Strict", True)
    assert 3590 <= int(cookie["max-age"]) <= 3600
    assert not cookie["secure"]
    assert not any(part in cookie.value for part in bearer().removeprefix("Bearer ").split("."))


@pytest.mark.parametrize(("proxies", "is_secure"), [(("127.0.0.0/8",), True), (("10.0.0.0/8",), False), ((), False)])
async def test_cookie_is_secure_behind_https_of_a_trusted_proxy(services, aiohttp_client, proxies, is_secure):
    trusted = tuple(ipaddress.ip_network(network) for network in proxies)
    settings = msgspec.structs.replace(services.settings, trusted_proxies=trusted)
    client = await aiohttp_client(make_application(msgspec.structs.replace(services, settings=settings)))

    headers = {"X-Forwarded-Proto": "https"}
    response = await client.post("/l10n/session", data={"token": bearer()}, headers=headers, allow_redirects=False)

    assert bool(response.cookies["laurel-session"]["secure"]) is is_secure


async def test_no_page_contains_the_token(sign_in):
    ana = await sign_in()
    signature = bearer("Ana").rpartition(".")[2]

    pages = [await ana.get(path) for path in ("/l10n", "/l10n/1/fr-FR", NAME, "/l10n/1/releases", "/l10n/session")]

    assert not any(re.search(r"eyJ[\w-]+\.", page) or signature in page for page in pages)


@pytest.mark.parametrize(
    ("token", "status", "message"),
    [
        pytest.param("", 401, "Bearer", id="none"),
        pytest.param("nonsense", 401, "three parts of base64url", id="nonsense"),
        pytest.param(bearer()[:-4] + "AAAA", 401, "sign", id="forged"),
        pytest.param(authorization().partition(";")[2], 403, "needs the claim l10n", id="a player's"),
    ],
)
async def test_invalid_token_starts_no_session(client, token, status, message):
    response = await client.post("/l10n/session", data={"token": token}, allow_redirects=False)

    page = await response.text()
    assert (response.status, message in page, response.cookies) == (status, True, {})
    assert token == "" or token not in page


async def test_sign_in_page_leads_back_to_the_requested_page(client):
    page = await client.get(NAME)
    assert page.status == 401
    assert f'name="then" value="{NAME}"' in await page.text()

    response = await client.post("/l10n/session", data={"token": bearer(), "then": NAME}, allow_redirects=False)

    assert response.headers["Location"] == NAME


@pytest.mark.parametrize(
    "then", ["//evil.example", "https://evil.example", "/l10n\\@evil", "/l10nevil", "/l10n/session"]
)
async def test_signing_in_redirects_to_no_other_site(client, then):
    response = await client.post("/l10n/session", data={"token": bearer(), "then": then}, allow_redirects=False)

    assert response.headers["Location"] == "/l10n"


async def test_signing_out_ends_the_session(sign_in):
    ana = await sign_in()

    await ana.post("/l10n/session/end")

    await ana.get("/l10n", status=401)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="Sec-Fetch-Site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="a sister site"),
        pytest.param({"Origin": "https://evil.example"}, id="Origin"),
        pytest.param({"Origin": "null"}, id="an opaque origin"),
        pytest.param({"Origin": "http://["}, id="no URL"),
    ],
)
@pytest.mark.parametrize("path", ["/l10n/session", NAME, "/l10n/1/releases", "/l10n/1/imports"])
async def test_cross_site_request_changes_nothing(sign_in, headers, path):
    ana = await sign_in()

    page = await ana.post(path, headers=headers, status=403, token=bearer(), text="Autre", version="1")

    assert "another site" in page
    assert "Autre" not in await ana.get(NAME)


@pytest.mark.parametrize("key", ["", "0" * 64, "é"])
async def test_form_without_the_key_of_the_session_changes_nothing(sign_in, key):
    ana = await sign_in()

    await ana.post(NAME, status=403, form_key=key, text="Autre", version="1")

    assert "Autre" not in await ana.get(NAME)


async def test_form_key_of_another_session_is_rejected(sign_in):
    ana, ben = await sign_in(), await sign_in("Ben")

    await ana.post(NAME, status=403, form_key=await ben.form_key(), text="Autre", version="1")


async def test_pages_have_a_strict_content_security_policy(sign_in):
    ana = await sign_in()
    for path in ("/l10n", "/l10n/nothing/here/at/all"):
        response = await ana.client.get(path)
        policy = response.headers["Content-Security-Policy"]

        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert not re.search(r"<script(?! type=\"module\" src=)|\son\w+=|\sstyle=", await response.text())


async def test_address_of_a_static_file_changes_with_its_content(sign_in):
    ana = await sign_in()
    for kind in ("css", "js"):
        (path,) = re.findall(rf'"(/l10n/static/[0-9a-f]+/workbench\.{kind})"', await ana.get("/l10n"))

        response = await ana.client.get(path)
        again = await ana.client.get(path, headers={"If-None-Match": response.headers["ETag"]})
        old = await ana.client.get(f"/l10n/static/0/workbench.{kind}")

        assert (response.status, again.status, old.headers["Cache-Control"]) == (200, 304, "no-cache")
        assert "immutable" in response.headers["Cache-Control"]
    assert (await ana.client.get("/l10n/static/0/..%2Fsession.py")).status == 404


def test_sealed_session_opens_unchanged():
    opened = Sessions(KEY).open(Sessions(KEY).seal(WHO), 1999.0)

    assert opened == WHO


def test_session_expires_with_its_token():
    with pytest.raises(Unauthenticated, match="over"):
        Sessions(KEY).open(Sessions(KEY).seal(WHO), 2000.0)


def test_altered_session_or_session_of_another_key_is_rejected():
    sealed = Sessions(KEY).seal(WHO)

    for other in ("", "é", "A", sealed[:-1], sealed + "A", "A" + sealed[1:], Sessions(bytes(31) + b"1").seal(WHO)):
        with pytest.raises(Unauthenticated):
            Sessions(KEY).open(other, 0.0)


def test_session_larger_than_a_cookie_is_rejected():
    titles = frozenset(int(time.time()) * n % 2**32 for n in range(3000))
    grant = Grant(titles=titles, locales=None, rights=frozenset({"review"}))

    with pytest.raises(InvalidField, match="fewer grants"):
        Sessions(KEY).seal(Principal(players=(), expires_at=1, grants=(grant,)))
