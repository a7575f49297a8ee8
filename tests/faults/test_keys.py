"""The issuer of tokens is away, slow or wrong, and the clock jumps, while players read."""

import asyncio
import contextlib

import pytest

from tests.faults.harness.client import Client, Response
from tests.faults.harness.issuer import Issuer, issuing
from tests.faults.harness.journal import Journal
from tests.faults.harness.service import Service, serving
from tests.faults.harness.table import IS_HEAVY, Row, scaled


@pytest.fixture(scope="module")
async def database(private_postgres):
    """A database for the services of this file."""
    async with private_postgres.database() as made:
        yield made


@pytest.fixture
async def issuer():
    """An issuer."""
    async with issuing() as made:
        yield made


@pytest.fixture
def of_issuer(issuer, tmp_path) -> dict[str, str | None]:
    """The settings of a service that believes the issuer, and does not limit the one caller."""
    return {
        "LAUREL_JWT_SECRET": None,
        "LAUREL_JWKS_URL": issuer.url,
        "LAUREL_DATA": str(tmp_path),  # without a key set of an earlier service
        "LAUREL_FAILED_SIGN_INS": "0",
        "LAUREL_PLAYER_LIMITS": "requests=0",
    }


class Reader:
    """Reads a player's page with tokens, and keeps the responses."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._player = Journal().players[0]
        self.answers: list[Response] = []

    async def read(self, issuer: Issuer, kid: str) -> int:
        """The status of a read with a token of this key."""
        headers = {"Authorization": issuer.authorization(self._player, kid), "x-xbl-contract-version": "2"}
        answer = await self._client.get(f"/users/xuid({self._player})/achievements?titleId=1", **headers)
        self.answers.append(answer)
        assert answer.status != 429, answer
        return answer.status

    def row(self, scenario: str) -> Row:
        """The row of the scenario; 401 counts as 4xx."""
        statuses = [answer.status for answer in self.answers]
        return Row(
            scenario=scenario,
            sent=len(statuses),
            ok=statuses.count(200),
            refused=statuses.count(401),
            unavailable=statuses.count(503),
            failed=statuses.count(500),
            worst=max(answer.seconds for answer in self.answers),
        )


@contextlib.contextmanager
def reading(service: Service):
    """A reader of a service."""
    with Client(service.url) as client:
        yield Reader(client)


MODES = ("away", "slow", "broken") if IS_HEAVY else ("away",)


@pytest.mark.parametrize("mode", MODES)
async def test_valid_tokens_work_while_the_issuer_is(mode, database, issuer, of_issuer, report):
    async with serving(database.url, **of_issuer) as service:
        with reading(service) as reader:
            assert await reader.read(issuer, "first") == 200
            issuer.mode = mode
            asked = issuer.requests
            for number in range(int(scaled(60, 300))):
                assert await reader.read(issuer, "first") == 200
                assert await reader.read(issuer, f"unknown {number}") == 503
            assert issuer.requests - asked <= 2

    report(reader.row(f"F20 the issuer is {mode}"))


async def test_service_starts_without_the_issuer_and_follows_its_keys(database, issuer, of_issuer, report):
    """It is not ready before it has keys. Then it takes new keys at once, and asks once for many unknown ones."""
    issuer.mode = "away"
    arrival = asyncio.create_task(issuer.arrives_after(failures=2))
    async with serving(database.url, **of_issuer) as service:
        await service.until_ready()
        with reading(service) as reader:
            assert await reader.read(issuer, "first") == 200
            issuer.add_key("second")
            asked = issuer.requests
            for number in range(int(scaled(60, 300))):
                assert await reader.read(issuer, "second") == 200
                assert await reader.read(issuer, "first") == 200
                assert await reader.read(issuer, f"unknown {number}") == 401
            requests = issuer.requests - asked
    await arrival

    report(reader.row("F20 the issuer comes, and rotates its keys"))
    assert requests <= 1 + scaled(0, 3)  # one in 30 s
