"""LISTEN: notifications of PostgreSQL are hints to poll at once. Losing one only delays what polling finds."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

from service.db.failures import CANNOT_CONNECT
from service.db.pool import CONNECT_TIMEOUT_SECONDS
from service.errors import Unavailable

NAME = "laurel listening"  # application_name in pg_stat_activity


async def listen(url: str, channel: str, on_notify: Callable[[], Awaitable[None]]) -> None:
    """Call `on_notify` once, and again after each notification of the channel, until the connection is lost.

    Notifications that arrive during a call cause one more call.

    Raises:
        Unavailable: the database is unreachable, or the connection was lost.
    """
    try:
        connection = await asyncpg.connect(
            url, timeout=CONNECT_TIMEOUT_SECONDS, server_settings={"application_name": NAME}
        )
    except CANNOT_CONNECT as error:
        raise Unavailable("cannot connect to listen for notifications") from error
    try:
        woken = asyncio.Event()
        connection.add_termination_listener(lambda _: woken.set())
        await connection.add_listener(channel, lambda *_: woken.set())
        while not connection.is_closed():
            await on_notify()
            await woken.wait()
            woken.clear()
    finally:
        connection.terminate()
    raise Unavailable("the connection that listens for notifications was lost")
