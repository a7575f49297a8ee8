"""PgBouncer in transaction mode: requests go through it as LAUREL_POOLER_URL, everything else reaches the server itself."""

import asyncio
import contextlib
import io
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import urllib.parse

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from service.core.auth import api_keys
from service.db import limits
from service.db.pool import open_pool
from service.errors import ConfigurationError, DatabaseTimeout
from service.server.app import make_application, make_services
from service.server.jobs import background
from service.settings import Settings
from service.telemetry import Observer
from tests.factories import PLAYER, SECRET, authorization, counted, draft, metric, publish_draft
from tests.servers import PATIENCE

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
SESSIONS = 2

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed: apt-get install pgbouncer")


@contextlib.contextmanager
def pgbouncer(url):
    """A PgBouncer in front of a database, with two sessions; its URL."""
    parts = urllib.parse.urlsplit(url)
    name, query = parts.path[1:], urllib.parse.parse_qs(parts.query)
    host, user = query.get("host", [parts.hostname])[0], parts.username
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    account = {}
    with tempfile.TemporaryDirectory(prefix="laurel-pgbouncer-") as folder:
        file = pathlib.Path(folder, "pgbouncer.ini")
        file.write_text(
            f"[databases]\n{name} = host={host} port={parts.port or 5432} dbname={name} user={user}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = transaction\ndefault_pool_size = {SESSIONS}\nmax_client_conn = 200\nserver_login_retry = 1\n"
        )
        if os.geteuid() == 0:  # PgBouncer refuses to run as root
            nobody = pwd.getpwnam("nobody")
            account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}
            pathlib.Path(folder).chmod(0o755)
        process = subprocess.Popen(  # noqa: S603  (installed by the system)
            [PGBOUNCER, "--quiet", str(file)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **account
        )
        try:
            yield f"postgresql://{user}@127.0.0.1:{port}/{name}"
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)


async def until_it_accepts(url):
    """Wait until PgBouncer accepts connections."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", urllib.parse.urlsplit(url).port)
                writer.close()
                return
            await asyncio.sleep(0.02)


@pytest.fixture
async def pooler_url(own_database):
    with pgbouncer(own_database) as url:
        await until_it_accepts(url)
        yield url


async def test_players_read_and_write_through_the_pooler(own_database, pooler_url):
    """More connections than the pooler has sessions."""
    async with await open_pool(pooler_url, size=8, is_pooler=True) as pool:
        async with pool.transaction(limits.IMPORT) as connection:
            await publish_draft(connection, draft(1, (counted(1, 3),), metrics=(metric(),)))
            key = (await api_keys.create_key(connection, title_id=1)).key
        services = await make_services(Settings(jwt_secret=SECRET), pool, Observer(level="error", stream=io.StringIO()))
        async with (
            background(services, url=own_database),
            TestClient(TestServer(make_application(services))) as client,
        ):

            async def send(number):
                body = {"user": {"id": str(number % 10)}, "value": 1}
                async with client.post("/metrics/words/event", json=body, headers={"X-API-KEY": key}) as response:
                    return response.status

            async def read():
                headers = {"Authorization": authorization(PLAYER), "x-xbl-contract-version": "2"}
                async with client.get(f"/users/xuid({PLAYER})/achievements", headers=headers) as response:
                    return response.status

            assert set(await asyncio.gather(*(send(number) for number in range(60)))) == {201}
            assert set(await asyncio.gather(*(read() for _ in range(30)))) == {200}
    direct = await asyncpg.connect(own_database)
    assert await direct.fetchval("SELECT count(*) FROM event") == 60
    await direct.close()


async def test_limits_hold_in_the_transaction_and_stay_in_no_session(pooler_url):
    async with await open_pool(pooler_url, size=8, is_pooler=True) as pool:
        for chosen, expected in ((limits.READ, "1s"), (limits.CATALOG, "10s"), (limits.IMPORT, "1min")):
            async with pool.connection(chosen) as connection:
                assert await connection.fetchval("SELECT current_setting('statement_timeout')") == expected
        with pytest.raises(DatabaseTimeout):
            async with pool.connection(limits.READ) as connection:
                await connection.execute("SELECT pg_sleep(10)")
    others = await asyncpg.connect(pooler_url, statement_cache_size=0)
    for _ in range(2 * SESSIONS):
        assert await others.fetchval("SELECT current_setting('statement_timeout')") == "0"
    await others.close()


async def test_without_the_setting_the_pooler_refuses_the_sessions(pooler_url):
    with pytest.raises(ConfigurationError, match="cannot connect"):
        await open_pool(pooler_url, size=1)
