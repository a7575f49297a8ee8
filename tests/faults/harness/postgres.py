"""A PostgreSQL server of the fault suite alone, which can be stopped, killed and started again."""

import asyncio
import contextlib
import os
import pathlib
import secrets
import signal
import subprocess
import tempfile
import time
import urllib.parse
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from service.core.auth import api_keys
from service.db.embedded import EmbeddedPostgres, binaries, running_url
from service.db.migrate import migrate
from service.db.pool import open_pool
from tests.factories import achievement, counted, draft, metric, publish_draft
from tests.servers import PATIENCE

TARGET = 1_000_000_000
"""Of the achievement that nobody unlocks."""

ACHIEVEMENTS = 30
"""Of title 2."""

TEMPLATE = "laurel_template"


class PrivatePostgres:
    """A durable server on a folder. `url` leads to its database `postgres`."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._cluster = folder / "postgres"
        self._socket = str(self._cluster / ".s.PGSQL.5432")
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    async def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        await asyncio.to_thread(self._start)

    def _start(self) -> None:
        owner = self._cluster.stat()
        account: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            account = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": ()}
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._cluster),
            "recovery_init_sync_method": "syncfs",  # not every file, which takes seconds
            "max_prepared_transactions": "2",
            "shared_buffers": "64MB",
        }
        log, deadline = self.folder / "server.log", time.monotonic() + PATIENCE
        while (url := running_url(self.folder)) is None:
            if self._process is None or self._process.poll() is not None:
                # Again, if the last backend of a killed server still holds the shared memory.
                with log.open("ab") as output:
                    self._process = subprocess.Popen(  # noqa: S603  (the programs of the embedded server)
                        [binaries() / "postgres", "-D", self._cluster, *(f"--{k}={v}" for k, v in options.items())],
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=output,
                        cwd=self._cluster,
                        **account,
                    )
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        self.url = url

    async def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT ends sessions, SIGQUIT ends without a checkpoint, SIGKILL ends only the postmaster."""
        if self._process is not None:
            self._process.send_signal(number)
            await asyncio.to_thread(self._process.wait, PATIENCE)

    async def restart(self, number: signal.Signals) -> None:
        """Stop and start."""
        await self.stop(number)
        await self.start()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection for a proxy."""
        return await asyncio.open_unix_connection(self._socket)

    @contextlib.asynccontextmanager
    async def database(self) -> AsyncIterator["Database"]:
        """A new database with titles 1 and 2; it is dropped at the end of the block."""
        made = Database(self, f"laurel_{secrets.token_hex(8)}")
        administration = Database(self, "postgres")
        await administration.execute(f"CREATE DATABASE {made.name} TEMPLATE {TEMPLATE}")
        try:
            yield made
        finally:
            await administration.execute(f"DROP DATABASE {made.name} WITH (FORCE)")


class Database:
    """A database of the server, as seen by an administrator; the service reaches it through a proxy."""

    def __init__(self, server: PrivatePostgres, name: str) -> None:
        self.server = server
        self.name = name

    @property
    def url(self) -> str:
        """The URL that leads to it directly."""
        return urllib.parse.urlsplit(self.server.url)._replace(path=f"/{self.name}").geturl()

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection outside the service."""
        connection = await asyncpg.connect(self.url)
        try:
            yield connection
        finally:
            connection.terminate()

    async def execute(self, *statements: str) -> None:
        """Run statements, each in a transaction of its own."""
        async with self.session() as connection:
            for statement in statements:
                await connection.execute(statement)

    async def value(self, statement: str, *arguments: object) -> Any:
        """The value that a query returns."""
        async with self.session() as connection:
            return await connection.fetchval(statement, *arguments)

    async def make_keys(self, count: int, *, title_id: int = 1) -> list[str]:
        """API keys of a title."""
        async with await open_pool(self.url, size=1) as pool, pool.transaction() as connection:
            return [(await api_keys.create_key(connection, title_id=title_id)).key for _ in range(count)]


async def publish_titles(url: str) -> None:
    """Publish what the scenarios need.

    Title 1 counts words: achievement 1 is unlocked by the first event, 2 by none; only release 2 has achievement 3.
    Title 2 has French texts, all of them the same.
    """
    first = (counted(1, 1), counted(2, TARGET))
    drafts = [draft(1, achievements, metrics=(metric(),)) for achievements in (first, (*first, counted(3, 1)))]
    second = draft(2, tuple(achievement(number) for number in range(1, ACHIEVEMENTS + 1)))
    drafts.append(draft(2, second.achievements, texts={"fr-FR": dict.fromkeys(second.texts["en-US"], "Texte 0")}))
    async with await open_pool(url, size=1) as pool:
        for new in drafts:
            async with pool.transaction() as connection:
                await publish_draft(connection, new)


@contextlib.asynccontextmanager
async def private_postgres() -> AsyncIterator[PrivatePostgres]:
    """A running server, and in it the template of a database with titles 1 and 2."""
    with tempfile.TemporaryDirectory(prefix="laurel-faults-") as name:
        folder = pathlib.Path(name)
        with EmbeddedPostgres(folder, durable=False) as url:  # creates the cluster, and is quick
            administration = await asyncpg.connect(url)
            await administration.execute(f"CREATE DATABASE {TEMPLATE}")
            await administration.close()
            template = urllib.parse.urlsplit(url)._replace(path=f"/{TEMPLATE}").geturl()
            await migrate(template)
            await publish_titles(template)
        server = PrivatePostgres(folder)
        await server.start()
        try:
            yield server
        finally:
            await server.stop(signal.SIGQUIT)
