"""A publish reaches every process soon, and no response mixes two releases."""

import asyncio
import contextlib
import io

import asyncpg
import msgspec
from aiohttp.test_utils import TestClient, TestServer

from service.core.auth.principal import OPERATOR
from service.core.publishing.publish import roll_back
from service.db.limits import UNLIMITED
from service.db.listen import NAME
from service.db.pool import open_pool
from service.server.app import make_application, make_services
from service.server.jobs import background
from service.settings import Settings
from service.telemetry import Observer
from tests.factories import PLAYER, SECRET, achievement, authorization, bearer, draft, publish_draft

PATIENCE = 20.0  # seconds: far more than anything here takes
RARELY = 60.0  # seconds between looks: what is seen before was heard


def worded(word: str):
    """A title whose texts in both locales all begin with this word."""
    new = draft(1, tuple(achievement(number) for number in range(1, 41)))
    english = {key: f"{word} {number}" for number, key in enumerate(sorted(new.texts["en-US"]))}
    # Every second text is English alone, so that pages in French are of two bundles.
    french = {key: text for number, (key, text) in enumerate(english.items()) if number % 2}
    return msgspec.structs.replace(new, texts={"en-US": english, "fr-FR": french})


@contextlib.asynccontextmanager
async def process(url: str, *, poll: float):
    """A process on this database: its services with their background jobs, and a client."""
    async with await open_pool(url, size=4) as pool:
        settings = Settings(jwt_secret=SECRET, catalog_poll=poll)
        services = await make_services(settings, pool, Observer(level="error", stream=io.StringIO()))
        async with background(services, url=url), TestClient(TestServer(make_application(services))) as client:
            yield services, client


async def publish_title(url: str, word: str) -> None:
    async with await open_pool(url, size=1, limits=UNLIMITED) as pool, pool.transaction() as connection:
        await publish_draft(connection, worded(word))


async def until(claim) -> None:
    """Wait until a claim becomes true."""
    async with asyncio.timeout(PATIENCE):
        while not await claim():  # noqa: ASYNC110  (it is another process that makes it so)
            await asyncio.sleep(0.01)


async def listeners(url: str) -> list[int]:
    """The backends of connections that listen."""
    connection = await asyncpg.connect(url)
    try:
        sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"
        return [pid for (pid,) in await connection.fetch(sql, NAME)]
    finally:
        await connection.close()


def serves(services, word: str):
    async def so() -> bool:
        title = services.snapshots.current.titles.get(1)
        return title is not None and title.texts["en-US"]["title/name"].startswith(word)

    return so


async def test_publish_and_rollback_are_notified_to_other_processes(own_database):
    async with process(own_database, poll=RARELY) as (services, client):
        await until(lambda: _some(own_database))
        await publish_title(own_database, "one")
        await until(serves(services, "one"))
        await publish_title(own_database, "two")
        await until(serves(services, "two"))

        async with await open_pool(own_database, size=1) as pool, pool.transaction() as connection:
            await roll_back(connection, OPERATOR, 1, 1)

        await until(serves(services, "one"))
        shown = await client.get(
            f"/users/xuid({PLAYER})/achievements?titleId=1",
            headers={"Authorization": authorization(PLAYER), "x-xbl-contract-version": "2"},
        )
        assert "one " in await shown.text()


async def test_uncommitted_publish_is_not_notified(own_database):
    heard = asyncio.Queue()
    listening, working = [await asyncpg.connect(own_database) for _ in range(2)]
    await listening.add_listener("publication", lambda *arguments: heard.put_nowait(arguments[-1]))
    for ends, word in (("rollback", "one"), ("commit", "two")):
        transaction = working.transaction()
        await transaction.start()
        await publish_draft(working, worded(word))
        await getattr(transaction, ends)()

    async with asyncio.timeout(PATIENCE):
        assert await heard.get() == "1"

    await listening.fetch("SELECT 1")  # earlier notifications have arrived by then
    assert heard.empty()
    for connection in (listening, working):
        await connection.close()


async def test_process_without_a_listener_polls_for_publishes(own_database):
    async with process(own_database, poll=0.1) as (services, _):
        await until(lambda: _some(own_database))
        killer = await asyncpg.connect(own_database)
        for pid in await listeners(own_database):
            assert await killer.fetchval("SELECT pg_terminate_backend($1)", pid)
        await killer.close()
        await until(lambda: _none(own_database))

        await publish_title(own_database, "one")

        await until(serves(services, "one"))
        assert await listeners(own_database) == []  # it was found by looking


async def _some(url: str) -> bool:
    return bool(await listeners(url))


async def _none(url: str) -> bool:
    return not await listeners(url)


async def test_no_page_mixes_two_releases_during_publishes(own_database):
    """Two processes, readers in two languages, twelve publishes and four rollbacks: every page has texts of one word."""
    await publish_title(own_database, "word0")
    pages, is_over = [], asyncio.Event()

    async def read(client: TestClient, language: str) -> None:
        headers = {"Authorization": authorization(PLAYER), "Accept-Language": language, "x-xbl-contract-version": "2"}
        while not is_over.is_set():
            response = await client.get(f"/users/xuid({PLAYER})/achievements?titleId=1&maxItems=40", headers=headers)
            assert response.status == 200
            found = (await response.json())["achievements"]
            pages.append(
                {
                    text.split()[0]
                    for item in found
                    for text in (item["name"], item["description"], item["lockedDescription"])
                }
            )

    async with process(own_database, poll=0.1) as (_, first), process(own_database, poll=0.1) as (_, second):
        readers = [
            asyncio.create_task(read(client, language)) for client in (first, second) for language in ("fr", "en")
        ]
        for number in range(1, 13):
            await publish_title(own_database, f"word{number}")
            if number % 3 == 0:
                done = await first.post(
                    f"/catalogs/1/releases/{number}/activate", headers={"Authorization": bearer()}, json={}
                )
                assert done.status == 200
        is_over.set()
        await asyncio.gather(*readers)

    assert [words for words in pages if len(words) != 1] == []
    assert len({word for words in pages for word in words}) > 5
