"""A user's unlocks as server-sent events (WHATWG HTML §9.2), resumed by `Last-Event-ID` without gaps or duplicates.

The id of an event is the revision of the player that wrote the unlock, its index among the unlocks of that revision,
and the incarnation of the database. The first two are kept with the player's progress, so a client may resume after any
time. After a restore of the database, in which the same revisions come again, it gets all unlocks once more.
"""

import asyncio
import bisect
import contextlib
import functools
import itertools
import re
from collections.abc import Iterator, Sequence

from aiohttp import hdrs, web
from aiohttp_sse import EventSourceResponse

from service.api.trophy import cors
from service.api.trophy.context import USER_PATH, RequestContext
from service.api.trophy.renderer import completed_message
from service.core.catalog.model import from_int4
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.player_progress import TitleProgress, derive
from service.errors import InvalidParameter, LaurelError
from service.http.api import SERVER, Route
from service.http.authenticate import authenticate_api_key
from service.http.limits.admission import STREAMS
from service.http.limits.open_streams import OpenStream
from service.http.limits.retry import reconnect_milliseconds
from service.http.limits.shares import SHARE
from service.http.services import STOPPING
from service.integers import parse_integer

HEARTBEAT_SECONDS = 15.0  # less than the idle timeout of common proxies
_MAX_REVISION, _MAX_INDEX = 2**63 - 1, 2**31 - 1
_EVENT_ID = re.compile(r"([0-9]+)\.([0-9]+)(?:\.([0-9a-f]{8}))?", re.ASCII)

StreamPosition = tuple[int, int]
"""A revision, and an index of an unlock in it, from 0."""
Unlock = tuple[StreamPosition, int, int]
"""The position, number and time (ticks) of an unlock."""

_BEFORE_ALL: StreamPosition = 0, -1


async def stream_unlocks(request: web.Request) -> web.StreamResponse:
    """A stream of a user's unlocks from now on, or from after `Last-Event-ID`; it ends once its key is revoked."""
    context = RequestContext(request)
    player = context.player()
    position = _resume_position(request, context.services.incarnation.tag)
    with context.services.open_streams.open(request[SHARE]) as place:
        return await _stream_after(request, context, player, position, place)


async def _stream_after(
    request: web.Request, context: RequestContext, player: str, position: StreamPosition | None, place: OpenStream
) -> web.StreamResponse:
    async with context.services.subscriptions.subscribe(player) as subscription:
        progress = await _read(context, player)
        if position is None:
            position = max((at for at, _, _ in _unlocks(progress)), default=_BEFORE_ALL)
        stream = await _open_stream(request)
        # The client left or reads no more; its key was revoked, others needed its place, or the unlocks cannot be read
        # now: it resumes later.
        with contextlib.suppress(ConnectionResetError, TimeoutError, LaurelError):
            async with place.while_valid(lambda: authenticate_api_key(request)), stream:
                if request.method == hdrs.METH_GET:
                    await stream.write(b"retry: 1000\n\n")
                while _is_open(request):
                    position = await _send_after(stream, context, player, progress, position)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(HEARTBEAT_SECONDS):
                            await subscription.next()
                    await authenticate_api_key(request)
                    progress = await _read(context, player)
                if request.method == hdrs.METH_GET and request.app[STOPPING].is_set():
                    await stream.write(f"retry: {reconnect_milliseconds()}\n\n".encode())
    return stream


async def _open_stream(request: web.Request) -> EventSourceResponse:
    headers = {hdrs.SERVER: SERVER, **cors.headers(request)}
    stream = EventSourceResponse(headers=headers, sep="\n", ping_interval=HEARTBEAT_SECONDS, allow_all_methods=True)
    stream.headers[hdrs.CACHE_CONTROL] = "no-store"
    await stream.prepare(request)
    return stream


def _is_open(request: web.Request) -> bool:
    is_connected = request.transport is not None
    return is_connected and request.method == hdrs.METH_GET and not request.app[STOPPING].is_set()


async def _send_after(
    stream: EventSourceResponse,
    context: RequestContext,
    player: str,
    progress: TitleProgress | None,
    position: StreamPosition,
) -> StreamPosition:
    """Send the unlocks after a position; the position of the last one."""
    if progress is None:
        return position
    unlocks = derive(progress.derived, "unlocks", lambda: list(_unlocks(progress)))
    for unlock in itertools.islice(unlocks, _index_after(unlocks, position), None):
        position = unlock[0]
        event = _render_once(context, progress, player, unlock)
        if event is None:  # another process may have unlocked it in a release that this one has not loaded yet
            await context.services.snapshots.refresh()
            event = _render_once(context, progress, player, unlock)
        if event is not None:
            await stream.write(event)
    return position


def _index_after(unlocks: Sequence[Unlock], position: StreamPosition) -> int:
    return bisect.bisect_right(unlocks, position, key=lambda unlock: unlock[0])


def _render_once(context: RequestContext, progress: TitleProgress, player: str, unlock: Unlock) -> bytes | None:
    """The event of an unlock, rendered once for all streams of the player; None if its achievement is not served."""
    published = context.services.snapshots.current.titles.get(context.title_id, context.published)
    incarnation = context.services.incarnation.tag
    render = functools.partial(_event, published, player, unlock, incarnation)
    return derive(progress.derived, ("unlock event", published.key, incarnation, unlock[1]), render)


def _event(published: PublishedTitle, player: str, unlock: Unlock, incarnation: str) -> bytes | None:
    at, number, unlocked_at = unlock
    body = completed_message(published, player, number, unlocked_at)
    if body is None:
        return None
    event_id = f"{at[0]}.{at[1]}.{incarnation}"
    return b"id: %b\nevent: achievement.completed\ndata: %b\n\n" % (event_id.encode(), body)


async def _read(context: RequestContext, player: str) -> TitleProgress | None:
    return (await context.services.progress.read_title(player, context.title_id)).progress


def _resume_position(request: web.Request, incarnation: str) -> StreamPosition | None:
    text = request.headers.get("Last-Event-ID") or request.rel_url.query.get("lastEventId")
    if not text:
        return None
    match = _EVENT_ID.fullmatch(text)
    revision, index, event_incarnation = ("", "", None) if match is None else match.groups()
    try:
        position = parse_integer(revision, most=_MAX_REVISION), parse_integer(index, most=_MAX_INDEX)
    except ValueError:
        raise InvalidParameter("Last-Event-ID", "the id of an event of this stream", text) from None
    # Ids of Laurel 0.2 end without an incarnation.
    return position if event_incarnation in (None, incarnation) else _BEFORE_ALL


def _unlocks(progress: TitleProgress | None) -> Iterator[Unlock]:
    """The position, number and time (ticks) of each unlock, in the order in which they were written."""
    if progress is None:
        return
    position = _BEFORE_ALL
    for stored_number, revision in progress.revisions_of_unlocks().items():
        position = revision, position[1] + 1 if revision == position[0] else 0
        yield position, from_int4(stored_number), progress.unlocked_at[stored_number]


ROUTES = (Route(hdrs.METH_GET, f"{USER_PATH}/achievements/stream", "user-stream", stream_unlocks, STREAMS),)
