import asyncio
import contextlib
import json
import logging

import pytest
from aiohttp import ClientTimeout, web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from service.core.auth.key_ring import KeyRing
from service.core.auth.tokens import Verifier
from service.errors import ConfigurationError
from service.outbound.jwks import JwksRefresher


def key_set(*kids):
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    keys = [ECAlgorithm.to_jwk(public, as_dict=True) | {"kid": kid} for kid in kids]
    return json.dumps({"keys": keys}).encode()


class Issuer:
    """Another company's server: answers with what it is told to, and counts how often it was asked."""

    def __init__(self):
        self.body = key_set("first")
        self.status = 200
        self.headers = {}
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.arrivals = asyncio.Queue()
        self.url = ""

    async def answer(self, _request):
        """The key set, or what a test wants instead of it."""
        self.asked += 1
        self.arrivals.put_nowait(self.asked)
        await self.may_answer.wait()
        return web.Response(body=self.body, status=self.status, headers=self.headers)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        """What time it is."""
        return self.now


@pytest.fixture
async def issuer():
    made = Issuer()
    app = web.Application()
    app.router.add_get("/keys", made.answer)
    async with TestServer(app) as server:
        made.url = str(server.make_url("/keys"))
        yield made
        made.may_answer.set()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def verifier():
    return Verifier(KeyRing.empty(), issuer="laurel", audience="laurel")


@pytest.fixture
def refresher(verifier, issuer, clock):
    return JwksRefresher(verifier, issuer.url, clock=clock)


async def test_a_refresh_brings_the_keys(refresher, verifier, clock):
    assert refresher.age is None

    assert await refresher.refresh()

    clock.now += 5
    assert "first" in verifier.ring
    assert refresher.age == 5


async def test_the_same_set_again_forgets_nobody(refresher, verifier, clock):
    await refresher.refresh()
    clock.now += 300

    await refresher.refresh()

    assert verifier.generation == 2
    assert refresher.age == 0


async def test_a_changed_set_replaces_the_old_one_whole(refresher, verifier, issuer):
    await refresher.refresh()
    issuer.body = key_set("second")

    await refresher.refresh()

    assert "second" in verifier.ring
    assert "first" not in verifier.ring


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param({"status": 500}, id="an error"),
        pytest.param({"status": 302, "headers": {"Location": "/keys"}}, id="a redirect"),
        pytest.param({"body": b"<html>"}, id="no key set"),
        pytest.param({"body": b'{"keys": []}'}, id="an empty set"),
        pytest.param({"body": b" " * 65_536 + key_set("second")}, id="over 64 KB"),
        pytest.param({"headers": {"Content-Encoding": "gzip"}}, id="said to be compressed"),
    ],
)
async def test_a_failed_refresh_keeps_the_last_good_set(refresher, verifier, issuer, failure, caplog):
    await refresher.refresh()
    for name, value in failure.items():
        setattr(issuer, name, value)

    with caplog.at_level(logging.WARNING):
        assert not await refresher.refresh()

    assert "first" in verifier.ring
    assert issuer.asked == 2
    assert issuer.url in caplog.text


async def test_a_silent_issuer_is_given_up(refresher, verifier, issuer, monkeypatch):
    monkeypatch.setattr("service.outbound.jwks.TIMEOUT", ClientTimeout(total=0.05))
    issuer.may_answer.clear()

    assert not await refresher.refresh()

    assert verifier.ring.is_empty


async def test_an_issuer_that_is_gone_is_survived(verifier):
    refresher = JwksRefresher(verifier, "http://127.0.0.1:1/keys")

    assert not await refresher.refresh()


async def test_the_last_good_set_is_dropped_after_24_hours(refresher, verifier, issuer, clock):
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


async def test_an_unknown_kid_is_fetched_once_for_all_who_ask(refresher, issuer):
    issuer.body = key_set("first", "second")
    issuer.may_answer.clear()

    waiting = [asyncio.ensure_future(refresher.unknown_kid("second")) for _ in range(20)]
    await issuer.arrivals.get()
    issuer.may_answer.set()

    assert await asyncio.gather(*waiting) == [True] * 20
    assert issuer.asked == 1


async def test_kids_that_nobody_published_cause_one_fetch_in_30_seconds(refresher, issuer, clock):
    await refresher.refresh()

    assert not any([await refresher.unknown_kid(f"forged {number}") for number in range(50)])
    assert issuer.asked == 2

    clock.now += 30
    assert not await refresher.unknown_kid("forged again")
    assert issuer.asked == 3


async def test_a_kid_that_was_missing_is_not_asked_for_again_until_the_set_changes(refresher, issuer, clock):
    await refresher.refresh()
    await refresher.unknown_kid("second")
    clock.now += 30
    issuer.body = key_set("second")

    assert not await refresher.unknown_kid("second")
    assert issuer.asked == 2

    await refresher.refresh()
    assert await refresher.unknown_kid("second")


async def test_a_kid_met_while_the_issuer_is_away_is_asked_for_again(refresher, issuer, clock):
    issuer.status = 503
    assert not await refresher.unknown_kid("first")
    issuer.status = 200
    clock.now += 30

    assert await refresher.unknown_kid("first")


async def test_a_token_that_names_no_key_causes_no_fetch(refresher, issuer):
    assert not await refresher.unknown_kid(None)
    assert issuer.asked == 0


async def test_it_runs_until_it_is_cancelled_whatever_the_issuer_says(verifier, issuer):
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
def test_the_url_is_https_or_on_loopback(verifier, url):
    JwksRefresher(verifier, url)


@pytest.mark.parametrize(
    "url",
    ["http://login.example/keys", "http://127.0.0.1.example/", "file:///keys", "ftp://localhost/", "http://[", ""],
)
def test_any_other_url_stops_the_start(verifier, url):
    with pytest.raises(ConfigurationError, match="LAUREL_JWKS_URL"):
        JwksRefresher(verifier, url)
