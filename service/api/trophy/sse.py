"""A user's unlocks as they happen: server-sent events (WHATWG HTML §9.2), resumed without loss or repeat.

An event's id is the player's revision that wrote the unlock, and its place among those of that revision. Both stand in
the player's row, so whoever comes back with `Last-Event-ID` gets what came after it, however long ago that was.
"""

import asyncio
import re
from collections.abc import Iterator

from aiohttp import hdrs, web

from service.api.trophy import cors
from service.api.trophy.context import RequestContext
from service.api.trophy.responses import completed
from service.core.catalog.model import from_int4
from service.core.unlocks.player_progress import TitleProgress
from service.errors import InvalidParameter
from service.http.api import SERVER, Route
from service.http.services import STOPPING

HEARTBEAT = 15.0  # seconds: under what proxies close idle connections after
_ID = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})")

StreamPosition = tuple[int, int]
"""A revision, and a place in it, from 0."""


async def stream_unlocks(request: web.Request) -> web.StreamResponse:
    """A stream of a user's unlocks from now on, or from after `Last-Event-ID`."""
    context = RequestContext(request)
    player = context.player()
    place = _resume_position(request)
    async with context.services.subscriptions.subscribe(player) as changes:
        found = await context.services.progress.read_title(player, context.title_id)
        if place is None:  # from now on
            place = max((at for at, _, _ in _unlocks(found.progress)), default=(0, -1))
        response = web.StreamResponse(
            headers={
                hdrs.CONTENT_TYPE: "text/event-stream",
                hdrs.CACHE_CONTROL: "no-store",
                hdrs.SERVER: SERVER,
                "X-Accel-Buffering": "no",
                **cors.headers(request),
            }
        )
        await response.prepare(request)
        await response.write(b"retry: 1000\n\n")
        stopping = request.app[STOPPING]
        while not stopping.is_set():
            for at, number, ticks in _unlocks(found.progress):
                if at > place:
                    place = at
                    published = context.services.snapshots.current.titles.get(context.title_id, context.published)
                    body = completed(published, player, number, ticks)
                    if body is not None:
                        head = f"id: {at[0]}.{at[1]}\nevent: achievement.completed\ndata: ".encode()
                        await response.write(head + body + b"\n\n")
            try:
                async with asyncio.timeout(HEARTBEAT):
                    await changes.next()
            except TimeoutError:
                await response.write(b": still here\n\n")
            found = await context.services.progress.read_title(player, context.title_id)
    return response


def _resume_position(request: web.Request) -> StreamPosition | None:
    text = request.headers.get("Last-Event-ID") or request.rel_url.query.get("lastEventId")
    if not text:
        return None
    match = _ID.fullmatch(text)
    if match is None:
        raise InvalidParameter("Last-Event-ID", "the id of an event of this stream", text)
    return int(match[1]), int(match[2])


def _unlocks(progress: TitleProgress | None) -> Iterator[tuple[StreamPosition, int, int]]:
    """Where each unlock stands, its number, and when it was, in the order in which they were written."""
    if progress is None:
        return
    place: StreamPosition = (0, -1)
    for stored_number, revision in progress.locale_written_in().items():
        place = revision, place[1] + 1 if revision == place[0] else 0
        yield place, from_int4(stored_number), progress.unlocked_at[stored_number]


ROUTES = tuple(
    Route(hdrs.METH_GET, base + "/users/{id:(?!xuid[(]).+}/achievements/stream", "user-stream" + suffix, stream_unlocks)
    for base, suffix in (("", ""), ("/v1", "-v1"))
)
