"""Refreshing the issuer's key set: on a schedule, for unknown keys, and during outages."""

import asyncio
import contextlib
import json
import logging
import time

import pytest
from aiohttp import ClientTimeout, web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from service.core.auth.key_ring import KeyRing
from service.core.auth.tokens import Verifier
from service.errors import ConfigurationError, Unavailable
from service.outbound.jwks import JwksRefresher
from service.outbound.key_set_file import KeySetFile


def key_set(*kids):
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    keys = [ECAlgorithm.to_jwk(public, as_dict=True) | {"kid": kid} for kid in kids]
    return json.dumps({"keys": keys}).encode()


class Issuer:
    """An issuer's server with a configurable response; `requests` counts the requests."""

    def __init__(self):
        self.body = key_set("first")
        self.status = 200
        self.headers = {}
        self.requests = 0
        self.may_respond = asyncio.Event()
        self.may_respond.set()
        self.arrivals = asyncio.Queue()
        self.url = ""

    async def handle(self, _request):
        """The configured response."""
        self.requests += 1
        self.arrivals.put_nowait(self.requests)
        await self.may_respond.wait()
        return web.Response(body=self.body, status=self.status, headers=self.headers)


class Clock:
    """A monotonic clock that a test sets."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        """The time in seconds."""
        return self.now


@pytest.fixture
async def issuer():
    made = Issuer()
    app = web.Application()
    app.router.add_get("/keys", made.handle)
    async with TestServer(app) as server:
        made.url = str(server.make_url("/keys"))
        yield made
        made.may_respond.set()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def verifier():
    return Verifier(KeyRing.empty(), issuer="laurel", audience="laurel")


@pytest.fixture
def refresher(verifier, issuer, clock):
    return JwksRefresher(verifier, issuer.url, clock=clock)


async def test_refresh_loads_the_keys(refresher, verifier, clock):
    assert refresher.age is None

    assert await refresher.refresh()

    clock.now += 5
    assert "first" in verifier.ring
    assert refresher.age == 5


async def test_unchanged_set_keeps_verified_tokens(refresher, verifier, clock):
    await refresher.refresh()
    clock.now += 300

    await refresher.refresh()

    assert verifier.generation == 2
    assert refresher.age == 0


async def test_changed_set_replaces_all_keys(refresher, verifier, issuer):
    await refresher.refresh()
    issuer.body = key_set("second")

    await refresher.refresh()

    assert "second" in verifier.ring
    assert "first" not in verifier.ring


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param({"status": 500}, id="server error"),
        pytest.param({"status": 302, "headers": {"Location": "/keys"}}, id="redirect"),
        pytest.param({"body": b"<html>"}, id="not JSON"),
        pytest.param({"body": b'{"keys": []}'}, id="empty set"),
        pytest.param({"body": b" " * 65_536 + key_set("second")}, id="over 64 KB"),
        pytest.param({"headers": {"Content-Encoding": "gzip"}}, id="compressed"),
    ],
)
async def test_failed_refresh_keeps_the_last_valid_set(refresher, verifier, issuer, failure, caplog):
    await refresher.refresh()
    for name, value in failure.items():
        setattr(issuer, name, value)

    with caplog.at_level(logging.WARNING):
        assert not await refresher.refresh()

    assert "first" in verifier.ring
    assert issuer.requests == 2
    assert issuer.url in caplog.text


async def test_refresh_times_out(refresher, verifier, issuer, monkeypatch):
    monkeypatch.setattr("service.outbound.jwks.TIMEOUT", ClientTimeout(total=0.05))
    issuer.may_respond.clear()

    assert not await refresher.refresh()

    assert verifier.ring.is_empty


async def test_unreachable_issuer_is_a_failed_refresh(verifier):
    refresher = JwksRefresher(verifier, "http://127.0.0.1:1/keys")

    assert not await refresher.refresh()


async def test_last_valid_set_expires_after_24_hours(refresher, verifier, issuer, clock):
    await refresher.refresh()
    issuer.status = 503

    clock.now += 24 * 3600
    await refresher.refresh()
    assert "first" in verifier.ring

    clock.now += 1
    await refresher.refresh()
    assert verifier.ring.is_empty

    issuer.status = 200
    await refresher.refresh()
    assert "first" in verifier.ring


async def test_concurrent_requests_with_an_unknown_kid_share_one_fetch(refresher, issuer):
    issuer.body = key_set("first", "second")
    issuer.may_respond.clear()

    waiting = [asyncio.ensure_future(refresher.unknown_kid("second")) for _ in range(20)]
    await issuer.arrivals.get()
    issuer.may_respond.set()

    assert await asyncio.gather(*waiting) == [True] * 20
    assert issuer.requests == 1


async def test_forged_kids_cause_at_most_one_fetch_in_30_seconds(refresher, issuer, clock):
    await refresher.refresh()

    assert not any([await refresher.unknown_kid(f"forged {number}") for number in range(50)])
    assert issuer.requests == 2

    clock.now += 30
    assert not await refresher.unknown_kid("forged again")
    assert issuer.requests == 3


async def test_missing_kid_is_not_fetched_again_until_the_set_changes(refresher, issuer, clock):
    await refresher.refresh()
    await refresher.unknown_kid("second")
    clock.now += 30
    issuer.body = key_set("second")

    assert not await refresher.unknown_kid("second")
    assert issuer.requests == 2

    await refresher.refresh()
    assert await refresher.unknown_kid("second")


async def test_kid_requested_during_an_outage_is_fetched_again(refresher, issuer, clock):
    issuer.status = 503
    for _ in range(2):
        with pytest.raises(Unavailable):
            await refresher.unknown_kid("first")
    assert issuer.requests == 1
    issuer.status = 200
    clock.now += 30

    assert await refresher.unknown_kid("first")


async def test_token_without_a_kid_causes_no_fetch(refresher, issuer):
    assert not await refresher.unknown_kid(None)
    assert issuer.requests == 0


async def test_refreshing_continues_after_failures_until_cancelled(verifier, issuer):
    issuer.status = 500
    running = asyncio.ensure_future(JwksRefresher(verifier, issuer.url, interval=0.001).run())

    async with asyncio.timeout(10):
        while await issuer.arrivals.get() < 3:
            pass

    assert not running.done()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("url", ["https://login.example/keys", "http://localhost:1/k", "http://[::1]/k"])
def test_https_and_loopback_urls_are_accepted(verifier, url):
    JwksRefresher(verifier, url)


@pytest.mark.parametrize(
    "url",
    ["http://login.example/keys", "http://127.0.0.1.example/", "file:///keys", "ftp://localhost/", "http://[", ""],
)
def test_other_urls_are_a_configuration_error(verifier, url):
    with pytest.raises(ConfigurationError, match="LAUREL_JWKS_URL"):
        JwksRefresher(verifier, url)


def stored_set(folder, issuer, verifier):
    """A refresher with a file, as another process of the machine would have one."""
    return JwksRefresher(verifier, issuer.url, file=KeySetFile(folder, issuer.url))


@pytest.fixture
def other_verifier():
    return Verifier(KeyRing.empty(), issuer="laurel", audience="laurel")


async def running_until_first_keys(refresher):
    """Run a refresher as the service does, until it has keys."""
    task = asyncio.ensure_future(refresher.run())
    async with asyncio.timeout(10):
        await refresher.first_keys()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_other_process_takes_the_stored_set_while_the_issuer_is_away(tmp_path, issuer, verifier, other_verifier):
    assert await stored_set(tmp_path, issuer, verifier).refresh()
    issuer.status = 503

    other = stored_set(tmp_path, issuer, other_verifier)
    await running_until_first_keys(other)

    assert "first" in other_verifier.ring
    assert other.age < 10
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o077 == 0


async def test_processes_of_one_machine_share_fetches(tmp_path, issuer, verifier, other_verifier):
    one, other = stored_set(tmp_path, issuer, verifier), stored_set(tmp_path, issuer, other_verifier)
    assert await one.refresh()  # until it is stored
    await running_until_first_keys(other)
    assert issuer.requests == 1

    issuer.body = key_set("first", "second")
    assert await one.unknown_kid("second")
    assert await other.unknown_kid("second")
    assert issuer.requests == 2


@pytest.mark.parametrize(
    ("seconds", "is_used"),
    [(24 * 3600 - 60, True), (24 * 3600 + 60, False), (-3600, False)],
    ids=["day", "more", "future"],
)
async def test_stored_set_is_used_for_a_day(tmp_path, issuer, verifier, seconds, is_used):
    KeySetFile(tmp_path, issuer.url).write(key_set("first"), fetched_at=time.time() - seconds)
    issuer.status = 503
    refresher = stored_set(tmp_path, issuer, verifier)
    task = asyncio.ensure_future(refresher.run())
    async with asyncio.timeout(10):
        await issuer.arrivals.get()  # the file is read before the first fetch
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert ("first" in verifier.ring) == is_used


@pytest.mark.parametrize("fault", ["another issuer", "writable by others", "cut off", "no key set"])
async def test_stored_set_that_cannot_be_trusted_is_not_used(tmp_path, issuer, verifier, fault):
    url = "https://other.example/keys" if fault == "another issuer" else issuer.url
    body = b"{}" if fault == "no key set" else key_set("first")
    KeySetFile(tmp_path, url).write(body, fetched_at=time.time())
    (file,) = tmp_path.iterdir()
    if fault == "writable by others":
        file.chmod(0o666)
    if fault == "cut off":
        file.write_bytes(file.read_bytes()[:-20])
    issuer.body = key_set("second")

    await running_until_first_keys(stored_set(tmp_path, issuer, verifier))

    assert "second" in verifier.ring
    assert "first" not in verifier.ring


async def test_set_that_cannot_be_stored_is_used_all_the_same(tmp_path, issuer, verifier, caplog):
    (tmp_path / "file").touch()

    assert await stored_set(tmp_path / "file" / "folder", issuer, verifier).refresh()

    assert "first" in verifier.ring
    assert "LAUREL_DATA" in caplog.text
