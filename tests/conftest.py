"""Fixtures for a real PostgreSQL: one server per process, a rolled-back transaction or an own database for each test.

`LAUREL_TEST_DATABASE_URL` names a server to use instead of the embedded one; its user must be allowed to create
databases.
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
import hypothesis
import pytest
from playwright.async_api import Browser

from service.db import Connection
from service.db.embedded import EmbeddedPostgres
from service.db.migrate import migrate
from service.db.pool import Pool
from tests.browser import chromium
from tests.lent_pool import LentPool

# A deadline of Hypothesis measures the load of the machine.
hypothesis.settings.register_profile("without deadlines", deadline=None)
hypothesis.settings.load_profile("without deadlines")

NewDatabase = Callable[..., AbstractAsyncContextManager[str]]

SLOW_FILES = (
    "faults/test_database.py",
    "api/workbench/test_browser.py",
    "api/test_fuzz.py",
    "benchmarks/test_bench.py",
    "docs/test_examples.py",
    "isolation/test_isolation.py",
    "cli/test_serve.py",
    "cli/test_catalog.py",
    "cli/test_main.py",
    "docs/test_site.py",
    "test_wheel.py",
    "cli/test_badge.py",
    "faults/test_workers.py",
    "api/graphql/engine/test_compiled_query.py",
)
"""Files that take longest, slowest first."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the slowest files first, so that parallel processes end at the same time; the others stay in random order."""
    folder = pathlib.Path(__file__).parent
    ranks = {folder / file: rank for rank, file in enumerate(SLOW_FILES)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server without data."""
    if url := os.environ.get("LAUREL_TEST_DATABASE_URL"):
        yield url
        return
    # Not in pytest's temporary folder: another run removes the permissions of the user that PostgreSQL runs as.
    with (
        tempfile.TemporaryDirectory(prefix="laurel-tests-") as folder,
        EmbeddedPostgres(pathlib.Path(folder), durable=False) as url,
    ):
        yield url


@pytest.fixture(scope="session")
def new_database(postgres: str) -> NewDatabase:
    """Create a database, empty or a copy of `template`; it is dropped at the end of the block."""

    @contextlib.asynccontextmanager
    async def create(template: str | None = None) -> AsyncIterator[str]:
        name = f"laurel_{secrets.token_hex(8)}"
        copy = "" if template is None else f" TEMPLATE {urllib.parse.urlsplit(template).path[1:]}"
        server = await asyncpg.connect(postgres)
        try:
            await server.execute(f"CREATE DATABASE {name}{copy}")
            try:
                yield urllib.parse.urlsplit(postgres)._replace(path=f"/{name}").geturl()
            finally:
                await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        finally:
            await server.close()

    return create


@pytest.fixture(scope="session")
async def template(new_database: NewDatabase) -> AsyncIterator[str]:
    """A migrated database without connections, from which others are copied."""
    async with new_database() as url:
        await migrate(url)
        yield url


@pytest.fixture(scope="session")
async def database(new_database: NewDatabase, template: str) -> AsyncIterator[str]:
    """The migrated database that tests share; they roll back their changes."""
    async with new_database(template) as url:
        yield url


@pytest.fixture
async def own_database(new_database: NewDatabase, template: str) -> AsyncIterator[str]:
    """A migrated database for one test that commits, listens, or needs several connections (about 60 ms)."""
    async with new_database(template) as url:
        yield url


@pytest.fixture(scope="session")
async def shared_connection(database: str) -> AsyncIterator[Connection]:
    """The connection of all tests that are rolled back, because connecting takes fifty times as long as a rollback."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


@pytest.fixture
async def connection(shared_connection: Connection) -> AsyncIterator[Connection]:
    """A connection in a transaction that is rolled back (0.1 ms). `now()` is constant in it."""
    transaction = shared_connection.transaction()
    await transaction.start()
    yield shared_connection
    await transaction.rollback()


@pytest.fixture
def pool(connection: Connection) -> Pool:
    """A pool of the test's own connection, so that the application works inside its transaction."""
    return LentPool(connection)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser of this process; each test opens its own page or context."""
    async with chromium() as started:
        yield started
