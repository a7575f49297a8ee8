"""Rate tiers and origins: off unless the operator says so, and honest where they are on."""

import pytest

from service.api.trophy.rate_limit import Limiter
from service.errors import TooManyRequests
from service.settings import Settings
from tests.factories import SECRET


@pytest.fixture
def settings():
    """An operator who allows the reduced tier, and one origin."""
    return Settings(jwt_secret=SECRET, rate_tier="reduced", cors_origins=("https://game.example.com",))


def test_writes_and_reads_of_each_title_come_back_within_a_second():
    limiter = Limiter()
    headers = [limiter.allow("reduced", 1, is_write=True, now=7.0) for _ in range(5)]
    with pytest.raises(TooManyRequests) as refused:
        limiter.allow("reduced", 1, is_write=True, now=7.0)

    assert [sent["X-RateLimit-Remaining"] for sent in headers] == ["4", "3", "2", "1", "0"]
    assert (refused.value.policy, refused.value.limit, refused.value.window_seconds) == ("title-writes", 5, 1)
    assert limiter.allow("reduced", 2, is_write=True, now=7.0)["X-RateLimit-Remaining"] == "4"
    assert limiter.allow("reduced", 1, is_write=False, now=7.0)["X-RateLimit-Remaining"] == "49"
    assert limiter.allow("reduced", 1, is_write=True, now=7.2)["X-RateLimit-Remaining"] == "0"
    assert limiter.allow("reduced", 1, is_write=True, now=8.2)["X-RateLimit-Remaining"] == "4"
    assert limiter.allow("off", 1, is_write=True, now=8.2) == {}


async def test_headers_report_the_limit_and_429_when_to_retry(trophy):
    responses = [await trophy("POST", "/users", {"id": "u"}, status=None, raw=True) for _ in range(30)]
    first, refused = responses[0], next(response for response in responses if response.status == 429)

    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("5", "4")
    assert await refused.json() == {"error": "Too many requests"}
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert 1 <= int(refused.headers["Retry-After"]) <= 3
    assert int(refused.headers["X-RateLimit-Reset"]) > 1_700_000_000


async def test_allowed_origin_gets_cors_headers_and_others_do_not(trophy, client):
    named, other = ({"Origin": origin} for origin in ("https://game.example.com", "https://evil.example.com"))
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}

    before = await client.options("/metrics/words/event", headers=named | asked)
    assert (before.status, before.headers["Access-Control-Allow-Origin"]) == (204, "https://game.example.com")
    assert "X-API-KEY" in before.headers["Access-Control-Allow-Headers"]
    assert before.headers["Access-Control-Allow-Methods"] == "POST"
    assert (await client.options("/metrics/words/event", headers=other | asked)).status == 405
    answered = await trophy("GET", "/achievements", headers=named, raw=True)
    assert answered.headers["Access-Control-Allow-Origin"] == "https://game.example.com"
    refused = await client.get("/achievements", headers=named)
    assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, "https://game.example.com")
    assert "Access-Control-Allow-Origin" not in (await client.get("/achievements", headers=other)).headers
