"""The database goes back to an older point in time, while clients and processes remember the newer one."""

import asyncio
import time

import pytest

from tests.factories import authorization
from tests.faults.harness.client import Client, Response
from tests.faults.harness.postgres import Database
from tests.faults.harness.service import until
from tests.faults.harness.stage import Stage, stage
from tests.faults.harness.table import IS_HEAVY, Row
from tests.servers import laurel

EVENTS_BEFORE, EVENTS_LOST = 5, 6


class Player:
    """A player who writes events and reads the page of title 1, and keeps all responses."""

    def __init__(self, scene: Stage, client: Client) -> None:
        self._player = scene.journal.players[0]
        self._first = scene.journal.first_amount(self._player)
        self._key = scene.keys[0]
        self._client = client
        self.answers: list[Response] = []

    async def write(self) -> int:
        """Send an event; returns how many events the service counts after the player's first one."""
        body = {"user": {"id": self._player}, "value": 1}
        self.answers.append(await self._client.post("/metrics/words/event", body, X_API_KEY=self._key))
        assert self.answers[-1].status == 201, self.answers[-1]
        return self.answers[-1].json()["total"] - self._first

    async def read(self, etag: str = "") -> Response:
        """Read the page, if it is another one than that of the ETag."""
        fields = {"Authorization": authorization(self._player), "x_xbl_contract_version": "2"}
        path = f"/users/xuid({self._player})/achievements?titleId=1"
        self.answers.append(await self._client.get(path, If_None_Match=etag or '"none"', **fields))
        return self.answers[-1]

    def count(self, page: Response) -> int:
        """How many events a page counts after the player's first one."""
        items = {item["id"]: item for item in page.json()["achievements"]}
        return int(items["2"]["progression"]["requirements"][0]["current"]) - self._first


async def replace(scene: Stage, database: Database, name: str, *, template: str) -> None:
    """Make a database a copy of another one, while the service is cut off from both."""
    administration = Database(database.server, "postgres")
    await scene.network.set("refuse")
    await administration.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await administration.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    await scene.network.set("pass")


@pytest.mark.parametrize("is_told", [True, False] if IS_HEAVY else [False])
async def test_database_that_went_back_in_time_is_served_as_it_is(is_told, private_postgres, report):
    async with stage(private_postgres) as scene:
        database, past = scene.database, f"{scene.database.name}_past"
        with Client(scene.service.url) as client:
            player = Player(scene, client)
            for _ in range(EVENTS_BEFORE):
                await player.write()
            await replace(scene, database, past, template=database.name)
            await until(lambda: can_write(player), "the service writes again")
            etags = []
            for _ in range(EVENTS_LOST):
                await player.write()
                etags.append((await player.read()).headers["etag"])
            await scene.roll_back(1)
            await until(lambda: lists(client, scene, achievements=2), "release 1 is served")

            await replace(scene, database, database.name, template=past)
            if is_told:
                told = await asyncio.to_thread(laurel, "restored", LAUREL_DATABASE_URL=database.url)
                assert told.returncode == 0, told.stderr
            started = time.monotonic()
            await until(lambda: lists(client, scene, achievements=3), "the release of the older point is served")
            seconds = time.monotonic() - started

            assert player.count(await player.read()) == EVENTS_BEFORE
            for number in range(1, EVENTS_LOST + 3):
                assert await player.write() == EVENTS_BEFORE + number
                for etag in etags:
                    page = await player.read(etag)
                    assert page.status == 200, etag
                    assert player.count(page) == EVENTS_BEFORE + number
        await Database(database.server, "postgres").execute(f"DROP DATABASE {past}")

    report(
        Row(
            scenario="the database goes back in time" + ("" if is_told else ", and nobody says so"),
            sent=len(player.answers),
            ok=sum(answer.status in (200, 201) for answer in player.answers),
            recovery=seconds,
            worst=max(answer.seconds for answer in player.answers),
        )
    )


async def can_write(player: Player) -> bool:
    """Whether the service is connected again."""
    page = await player.read()
    return page.status == 200


async def lists(client: Client, scene: Stage, *, achievements: int) -> bool:
    """Whether the title has so many achievements."""
    response = await client.get("/achievements", X_API_KEY=scene.keys[0])
    return response.status == 200 and len(response.json()) == achievements
