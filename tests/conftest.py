"""A real Postgres for every test: one server a run, its changes rolled back, or a database of its own.

`LAUREL_TEST_DATABASE_URL` names a server to use instead of the private one; its user must be allowed to make databases.
"""

import contextlib
import os
import pathlib
import secrets
import tempfile
import urllib.parse
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager

import asyncpg
import pytest
from playwright.async_api import Browser

from service.db import Connection
from service.db.embedded import EmbeddedPostgres
from service.db.migrate import migrate
from service.db.pool import LentPool, Pool
from tests.browser import chromium

NewDatabase = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server that holds nothing of anyone's."""
    if url := os.environ.get("LAUREL_TEST_DATABASE_URL"):
        yield url
        return
    # Not under pytest's own temporary folder: another run closes that to the user that Postgres runs as.
    with (
        tempfile.TemporaryDirectory(prefix="laurel-tests-") as folder,
        EmbeddedPostgres(pathlib.Path(folder), durable=False) as url,
    ):
        yield url


@pytest.fixture(scope="session")
def new_database(postgres: str) -> NewDatabase:
    """Makes a database, empty or like `template`, which goes at the end of the block with whoever is connected."""

    @contextlib.asynccontextmanager
    async def made(template: str | None = None) -> AsyncIterator[str]:
        name = f"laurel_{secrets.token_hex(8)}"
        like = "" if template is None else f" TEMPLATE {urllib.parse.urlsplit(template).path[1:]}"
        server = await asyncpg.connect(postgres)
        try:
            await server.execute(f"CREATE DATABASE {name}{like}")
            try:
                yield urllib.parse.urlsplit(postgres)._replace(path=f"/{name}").geturl()
            finally:
                await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        finally:
            await server.close()

    return made


@pytest.fixture(scope="session")
async def template(new_database: NewDatabase) -> AsyncIterator[str]:
    """A migrated database that nobody stays connected to, so that others can be copied from it."""
    async with new_database() as url:
        await migrate(url)
        yield url


@pytest.fixture(scope="session")
async def database(new_database: NewDatabase, template: str) -> AsyncIterator[str]:
    """The migrated database that tests share: what they change in it they roll back."""
    async with new_database(template) as url:
        yield url


@pytest.fixture
async def own_database(new_database: NewDatabase, template: str) -> AsyncIterator[str]:
    """A migrated database for one test that commits, listens, or needs several connections (some 60 ms)."""
    async with new_database(template) as url:
        yield url


@pytest.fixture(scope="session")
async def shared_connection(database: str) -> AsyncIterator[Connection]:
    """The one connection of every test that is rolled back: connecting takes fifty times as long as rolling back."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


@pytest.fixture
async def connection(shared_connection: Connection) -> AsyncIterator[Connection]:
    """A connection in a transaction that is rolled back (0.1 ms). `now()` stands still in it."""
    transaction = shared_connection.transaction()
    await transaction.start()
    yield shared_connection
    await transaction.rollback()


@pytest.fixture
def pool(connection: Connection) -> Pool:
    """A pool that lends the test's own connection, so that the app works inside its transaction."""
    return LentPool(connection)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The one browser of a run; each test opens a page or a context of its own."""
    async with chromium() as started:
        yield started
