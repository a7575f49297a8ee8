"""Signing in: a token becomes a cookie for the workbench alone, and only pages of the workbench change anything."""

import datetime
import ipaddress
import re

import msgspec
import pytest

from service.server.app import make_application
from tests.factories import authorization, bearer

NAME = "/l10n/1/fr-FR/achievement/1/name"


def session_cookie(visitor):
    """The session of a browser, as its cookie has it."""
    return next(cookie.value for cookie in visitor.client.session.cookie_jar if cookie.key == "laurel-session")


async def test_cookie_is_limited_to_the_workbench_and_the_lifetime_of_the_token(client):
    response = await client.post("/l10n/session", data={"token": bearer()}, allow_redirects=False)

    cookie = response.cookies["laurel-session"]
    assert (response.status, response.headers["Location"]) == (303, "/l10n")
    assert (cookie["path"], cookie["samesite"], cookie["httponly"]) == ("/l10n", "Strict", True)
    assert 3590 <= int(cookie["max-age"]) <= 3600
    assert not cookie["secure"]
    assert not any(part in cookie.value for part in bearer().removeprefix("Bearer ").split("."))


@pytest.mark.parametrize(("proxies", "is_secure"), [(("127.0.0.0/8",), True), (("10.0.0.0/8",), False), ((), False)])
async def test_trusted_proxy_says_for_clients_without_an_origin_that_it_is_https(
    services, aiohttp_client, proxies, is_secure
):
    trusted = tuple(ipaddress.ip_network(network) for network in proxies)
    settings = msgspec.structs.replace(services.settings, trusted_proxies=trusted)
    client = await aiohttp_client(make_application(msgspec.structs.replace(services, settings=settings)))

    headers = {"X-Forwarded-Proto": "https"}
    response = await client.post("/l10n/session", data={"token": bearer()}, headers=headers, allow_redirects=False)

    assert set(response.cookies) == {"__Host-laurel-session" if is_secure else "laurel-session"}


async def test_cookie_is_bound_to_its_host_over_https(client):
    headers = {"Host": "l10n.example", "Origin": "https://l10n.example"}
    response = await client.post("/l10n/session", data={"token": bearer()}, headers=headers, allow_redirects=False)

    (name,) = response.cookies
    cookie = response.cookies[name]
    assert (name, cookie["secure"], cookie["path"], cookie["domain"]) == ("__Host-laurel-session", True, "/", "")
    assert (cookie["samesite"], cookie["httponly"]) == ("Strict", True)
    page = await client.get("/l10n", headers={"Host": "l10n.example", "Cookie": f"{name}={cookie.value}"})
    plain = await client.get("/l10n", headers={"Host": "l10n.example", "Cookie": f"laurel-session={cookie.value}"})
    assert (page.status, plain.status) == (200, 401)


async def test_signing_in_without_encryption_is_for_this_machine_alone(client):
    headers = {"Host": "l10n.example:8080", "Origin": "http://l10n.example:8080"}
    response = await client.post("/l10n/session", data={"token": bearer()}, headers=headers, allow_redirects=False)

    assert (response.status, response.cookies) == (403, {})
    assert "https" in await response.text()


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


async def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(sign_in):
    ana = await sign_in()
    copy, form_key = session_cookie(ana), await ana.form_key()

    await ana.post("/l10n/session/end")

    await ana.get("/l10n", status=401)
    form = {"form_key": form_key, "text": "Autre", "version": "1"}
    saved = await ana.client.post(NAME, data=form, headers={"Cookie": f"laurel-session={copy}"})
    assert saved.status == 401
    assert "Autre" not in await (await sign_in()).get(NAME)


async def test_signing_in_again_replaces_the_session(sign_in):
    ana = await sign_in()
    former = session_cookie(ana)

    await ana.client.post("/l10n/session", data={"token": bearer("Ben")})

    assert session_cookie(ana) != former
    assert "Ben" in await ana.get("/l10n")
    ana.client.session.cookie_jar.clear()
    old = await ana.client.get("/l10n", headers={"Cookie": f"laurel-session={former}"})
    assert old.status == 401


async def test_session_ends_when_it_is_not_used(sign_in, connection, settings):
    ana = await sign_in()
    idle = datetime.timedelta(seconds=settings.session_idle)

    await connection.execute(
        "UPDATE session SET used_at = used_at - $1::interval", idle - datetime.timedelta(minutes=2)
    )
    await ana.get("/l10n")
    await connection.execute(
        "UPDATE session SET used_at = used_at - $1::interval", idle - datetime.timedelta(minutes=2)
    )
    await ana.get("/l10n")
    await connection.execute("UPDATE session SET used_at = used_at - $1::interval", idle)
    await ana.get("/l10n", status=401)


async def test_session_ends_with_its_token(sign_in, connection):
    ana = await sign_in()

    await connection.execute("UPDATE session SET expires_at = now()")

    await ana.get("/l10n", status=401)


async def test_person_has_at_most_twenty_sessions_and_the_oldest_ends(sign_in, connection):
    first, ben = await sign_in(), await sign_in("Ben")
    await connection.execute("UPDATE session SET created_at = created_at - interval '1 hour'")
    later = [await sign_in() for _ in range(20)]

    await first.get("/l10n", status=401)
    for visitor in (ben, *later):
        await visitor.get("/l10n")


@pytest.mark.parametrize("cookie", ["", "x", "é", "A" * 43, "A" * 5000])
async def test_unknown_session_cookie_is_rejected(client, cookie):
    response = await client.get("/l10n", headers={"Cookie": f"laurel-session={cookie}"})

    assert response.status == 401


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


async def test_database_holds_no_cookie(sign_in, connection):
    ana = await sign_in()
    cookie = session_cookie(ana)

    rows = await connection.fetch("SELECT s::text AS line FROM session AS s")

    assert rows
    assert not any(cookie in row["line"] for row in rows)


async def test_session_has_the_rights_of_its_token(sign_in):
    grant = {"titles": ["1"], "locales": ["fr"], "can": ("review",)}
    ana = await sign_in(**grant)

    assert "readonly" not in await ana.get(NAME)
    assert "readonly" in await ana.get(NAME.replace("fr-FR", "de-DE"))
