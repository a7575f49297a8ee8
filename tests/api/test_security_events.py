"""What is logged of refused requests and sign-ins, at every API, and what of failed authentications is limited."""

import asyncio
import ipaddress

import msgspec
import pytest

from service.core.auth import api_keys
from service.errors import ConfigurationError
from service.server.app import make_services
from service.server.jobs import Jobs
from service.settings import Settings
from tests.api.trophy.conftest import key_of
from tests.factories import OTHER, PLAYER, SECRET, authorization, bearer

__all__ = ["key_of"]

FORGED = authorization()[:-4] + "AAAA"
UNKNOWN_KEY = f"lrl_{'A' * 10}.{'s' * 43}"
ADDRESS = {"X-Forwarded-For": "203.0.113.9"}
SECONDS = 10


@pytest.fixture
def settings():
    """Five failed authentications a minute, and tests may choose the client's address."""
    return Settings(jwt_secret=SECRET, failed_sign_ins=5, trusted_proxies=(ipaddress.ip_network("127.0.0.0/8"),))


@pytest.fixture(autouse=True)
async def title(make_title):
    """Title 1 is published."""
    return await make_title(1)


@pytest.fixture
def logged(services):
    """The events that were logged so far."""

    def read():
        lines = [msgspec.json.decode(line) for line in services.observer.stream.getvalue().splitlines()]
        return [line for line in lines if line.get("log") == "security"]

    return read


async def status_of(client, path, headers, *, method="GET", **options):
    async with client.request(method, path, headers=ADDRESS | headers, allow_redirects=False, **options) as response:
        await response.read()
        return response.status


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        (f"/users/xuid({PLAYER})/achievements", {"Authorization": FORGED}, ("authentication_failed", "xbox", 401)),
        (f"/users/xuid({OTHER})/achievements", {"Authorization": authorization()}, ("access_denied", "xbox", 403)),
        ("/achievements", {}, ("authentication_failed", "trophy", 401)),
        ("/achievements", {"X-API-KEY": UNKNOWN_KEY}, ("authentication_failed", "trophy", 401)),
        ("/graphql", {"Authorization": "Bearer e.e.e"}, ("authentication_failed", "badges", 401)),
        ("/graphql?query={a}", {"Authorization": authorization()}, ("access_denied", "badges", 403)),
        ("/catalogs/1", {"Authorization": bearer(titles=["2"])}, ("access_denied", "catalogs", 403)),
        ("/l10n", {}, ("authentication_failed", "workbench", 401)),
    ],
)
async def test_refusal_is_logged_with_its_address_and_route(client, logged, path, headers, expected):
    await status_of(client, path, headers)

    (line,) = logged()
    assert (line["event"], line["api"], line["status"], line["address"]) == (*expected, "203.0.113.9")
    assert line["route"]
    assert line.get("key") == (UNKNOWN_KEY.partition(".")[0] if "X-API-KEY" in headers else None)


async def test_no_line_holds_a_secret_or_a_players_id(client, logged, services, key_of):
    async with services.pool.connection() as connection:
        client_id, secret = await api_keys.create_client(connection, title_id=1)
    own_key = await key_of(PLAYER)
    form = {"grant_type": "client_credentials", "client_id": client_id}
    requests = [
        ("GET", f"/users/xuid({OTHER})/achievements", {"Authorization": authorization()}, None, 403),
        ("GET", f"/users/{OTHER}", {"X-API-KEY": own_key}, None, 403),
        ("GET", "/achievements", {"X-API-KEY": own_key[:-1] + "~"}, None, 401),
        ("POST", "/oauth/token", {}, form | {"client_secret": "a wrong secret"}, 401),
        ("POST", "/oauth/token", {}, form | {"client_secret": secret}, 200),
        ("POST", "/l10n/session", {}, {"token": bearer()[:-4] + "AAAA"}, 401),
        ("POST", "/l10n/session", {}, {"token": bearer("ana@example.com")}, 303),
    ]
    for method, path, headers, data, status in requests:
        assert await status_of(client, path, headers, method=method, data=data) == status

    events = [(line["event"], line.get("key")) for line in logged()]
    prefix = own_key.partition(".")[0]
    assert events == [
        ("access_denied", None),
        ("access_denied", prefix),
        ("authentication_failed", None),
        ("authentication_failed", client_id),
        ("token_issued", client_id),
        ("authentication_failed", None),
        ("signed_in", None),
    ]
    text = services.observer.stream.getvalue()
    for secret_part in (PLAYER, OTHER, own_key.partition(".")[2], secret, "a wrong secret", "eyJ", "ana@example.com"):
        assert secret_part not in text


async def test_revoked_key_is_logged_by_the_request_and_by_processes_that_knew_it(client, logged, services, key_of):
    used, revoked = await key_of(), await key_of()
    for key in (used, revoked):
        assert await status_of(client, "/achievements", {"X-API-KEY": key}) == 200
    async with services.pool.connection() as connection:
        infos = {info.prefix: info.key_id for info in await api_keys.list_keys(connection, 1)}
        await api_keys.revoke(connection, title_id=1, key_ids=[infos[revoked.partition(".")[0]]])

    await Jobs(services).check_credentials()
    async with client.delete(
        "/admin/v1/application-api-keys",
        params={"ids": str(infos[used.partition(".")[0]])},
        headers=ADDRESS | {"X-API-KEY": used},
    ) as response:
        assert response.status == 200, await response.text()

    assert [(line["event"], line["key"], line.get("key_id")) for line in logged()] == [
        ("key_ended", revoked.partition(".")[0], None),
        ("key_revoked", used.partition(".")[0], str(infos[used.partition(".")[0]])),
    ]


@pytest.mark.parametrize(
    ("method", "path", "headers", "data"),
    [
        ("GET", f"/users/xuid({PLAYER})/achievements", {"Authorization": FORGED}, None),
        ("GET", "/achievements", {"X-API-KEY": UNKNOWN_KEY}, None),
        ("GET", "/graphql", {"Authorization": FORGED}, None),
        ("GET", "/catalogs", {"Authorization": "Bearer e.e.e"}, None),
        ("GET", "/l10n", {"Cookie": "__Host-laurel-session=guessed"}, None),
        ("POST", "/l10n/session", {}, {"token": "e.e.e"}),
        ("POST", "/oauth/token", {}, {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}),
    ],
)
async def test_failed_authentications_of_an_address_are_limited(client, method, path, headers, data):
    statuses = [await status_of(client, path, headers, method=method, data=data) for _ in range(8)]
    elsewhere = {"X-Forwarded-For": "198.51.100.7"}

    assert statuses == [401] * 5 + [429] * 3
    assert await status_of(client, path, headers | elsewhere, method=method, data=data) == 401
    valid = {"Authorization": authorization()}
    assert await status_of(client, f"/users/xuid({PLAYER})/achievements", valid) == 200, "a valid credential passes"


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": authorization(now=1_700_000_000)}],
    ids=["no credential", "an expired one"],
)
async def test_who_tries_no_credential_or_an_expired_one_does_not_guess(client, headers):
    async with asyncio.timeout(SECONDS):
        statuses = {await status_of(client, f"/users/xuid({PLAYER})/achievements", headers) for _ in range(8)}

    assert statuses == {401}


def test_variety_of_addresses_does_not_grow_the_tables(services):
    for number in range(40_000):
        services.shares.count_failure(f"2001:db8:{number:x}::/64", 0.0)
        services.shares.of_address(f"2001:db8:{number:x}::/64")

    assert len(services.shares._failures) <= 16_384
    assert len(services.shares._servers) <= 16_384


async def test_file_that_cannot_be_opened_aborts_the_start(pool, settings, tmp_path, services):
    unwritable = msgspec.structs.replace(settings, security_log=tmp_path / "none" / "security.jsonl")

    with pytest.raises(ConfigurationError, match="LAUREL_SECURITY_LOG: cannot be written: No such file or directory"):
        await make_services(unwritable, pool, services.observer)
