"""Workers that start while PostgreSQL is away: they wait, and the instance stays."""

import asyncio
import os
import pathlib
import signal
import tempfile

import aiohttp
import pytest

from service.db.embedded import EmbeddedPostgres
from service.db.migrate import migrate
from tests.server.conftest import eventually, readiness, worker_of


@pytest.fixture
async def server():
    """A PostgreSQL server of the test's own, with the schema, that can be stopped and started again."""
    with tempfile.TemporaryDirectory(prefix="laurel-tests-") as folder:
        made = EmbeddedPostgres(pathlib.Path(folder), durable=False)
        url = await asyncio.to_thread(made.start)
        await migrate(url)
        yield made, url
        await asyncio.to_thread(made.stop)


async def test_worker_that_starts_while_postgres_is_away_waits_for_it(serve, server):
    """It is not ready and takes no requests; one that had started before is degraded, and answers with 503.

    When every worker waits, requests wait in the queue of the socket.
    """
    postgres, url = server
    service = await serve("--workers", 2, LAUREL_DATABASE_URL=url, LAUREL_CATALOG_POLL="0.1")
    first, second = [await eventually(lambda ops=ops: worker_of(ops)) for ops in (service.ops, service.second_ops)]
    await asyncio.to_thread(postgres.stop)
    os.kill(second, signal.SIGKILL)
    await eventually(lambda: is_in_state(service.second_ops, 503, "starting"))
    await eventually(lambda: is_in_state(service.ops, 200, "degraded"))
    async with aiohttp.ClientSession(headers={"X-API-KEY": service.key}) as session:
        assert {(await session.get(f"{service.url}/achievements")).status for _ in range(20)} == {503}
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: is_in_state(service.ops, 503, "starting"))
        waiting = await worker_of(service.ops), await worker_of(service.second_ops)
        answer = asyncio.create_task(session.get(f"{service.url}/openapi.json"))

        await asyncio.to_thread(postgres.start)

        assert (await answer).status == 200
    for ops in (service.ops, service.second_ops):
        await eventually(lambda ops=ops: is_in_state(ops, 200, "ready"))
    assert (await worker_of(service.ops), await worker_of(service.second_ops)) == waiting
    assert service.process.process.poll() is None


async def is_in_state(ops: str, status: int, word: str) -> bool:
    """Whether `/readyz` answers this."""
    return await readiness(ops) == (status, word)
