"""Hearing what Postgres tells: a hint that something is new, never the news itself. Losing it loses nothing."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

from service.db.pool import CONNECT_TIMEOUT, REFUSED
from service.errors import Unavailable

NAME = "laurel listening"  # what the connection is called in pg_stat_activity


async def listen(url: str, channel: str, heard: Callable[[], Awaitable[None]]) -> None:
    """Do something once, and again whenever the channel is told of, until the connection is lost.

    Hints that come while it is being done are one more time of it.

    Raises:
        Unavailable: the database cannot be connected to, or the connection was lost.
    """
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT, server_settings={"application_name": NAME})
    except REFUSED as error:
        raise Unavailable("there is no connection to listen on") from error
    try:
        woken = asyncio.Event()
        connection.add_termination_listener(lambda _: woken.set())
        await connection.add_listener(channel, lambda *_: woken.set())
        while not connection.is_closed():
            await heard()
            await woken.wait()
            woken.clear()
    finally:
        connection.terminate()
    raise Unavailable("the connection that listened was lost")
