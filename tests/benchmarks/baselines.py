"""Baseline servers on the same aiohttp and uvloop: a constant body, without and with one read of PostgreSQL.

`python -m tests.benchmarks.baselines --body-bytes N` is the *ceiling*; with `--database URL` it is the *naive limit*.
Both accept the same requests as the service, without authorization, localization, logs or metrics.
"""

import asyncio
import contextlib
import decimal
import signal

import asyncpg
import click
import uvloop
from aiohttp import web

_KEY = "INSERT INTO naive_key (player, key) VALUES ($1, gen_random_uuid()::text) ON CONFLICT DO NOTHING"
_TOTAL = (
    "INSERT INTO naive_total AS t (player, total) VALUES ($1, $2) "
    "ON CONFLICT (player) DO UPDATE SET total = t.total + excluded.total RETURNING total"
)
_EVENT = "INSERT INTO naive_event (player, amount) VALUES ($1, $2)"
_READ = "SELECT p.revision FROM progress AS p WHERE p.player = $1 AND p.title_id = $2"


@click.command()
@click.option("--body-bytes", type=int, required=True)
@click.option("--database")
@click.option("--pool-size", type=int, default=8)
def main(*, body_bytes: int, database: str | None, pool_size: int) -> None:
    """Serve until SIGTERM; the first line of output has the URL."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(b"x" * body_bytes, database, pool_size))


async def _serve(body: bytes, database: str | None, pool_size: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        app = web.Application()
        handler = _constant(body)
        if database is not None:
            pool = await stack.enter_async_context(
                asyncpg.create_pool(database, min_size=pool_size, max_size=pool_size, reset=_keep_session)
            )
            handler = _after_one_read(body, pool)
            app.router.add_post("/metrics/{key}/event", _three_statements(pool))
        app.router.add_get("/users/xuid({xuid:[^/]*})/achievements", handler)
        app.router.add_get("/achievements", handler)
        app.router.add_post("/graphql", handler)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        click.echo(f"ready http://127.0.0.1:{runner.addresses[0][1]}")
        await stopped.wait()


def _constant(body: bytes):
    async def handle(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    return handle


def _after_one_read(body: bytes, pool: asyncpg.Pool):
    async def handle(request: web.Request) -> web.Response:
        title_id = int(request.query["titleId"])
        await pool.fetchval(_READ, request.match_info["xuid"], title_id)
        return web.Response(body=body, content_type="application/json")

    return handle


def _three_statements(pool: asyncpg.Pool):
    """An event written in the usual way: a key, a total and a row in one transaction, without evaluating anything."""

    async def handle(request: web.Request) -> web.Response:
        body = await request.json()
        player, amount = body["user"]["id"], decimal.Decimal(body["value"])
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_KEY, player)
            total = await connection.fetchval(_TOTAL, player, amount)
            await connection.execute(_EVENT, player, amount)
        return web.json_response({"total": float(total)}, status=201)

    return handle


async def _keep_session(_connection: asyncpg.Connection) -> None:
    """Skip the reset between two uses, as the service does: it would cost a second round trip."""


if __name__ == "__main__":
    main()
