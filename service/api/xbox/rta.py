"""`GET /connect`: real-time activity, the websocket protocol by which Xbox titles hear of progress as it happens.

Messages are JSON arrays: `[1, sequence, uri]` subscribes and is answered `[1, sequence, code, id, data]`,
`[2, sequence, id]` ends a subscription, `[3, id, data]` tells of a change, `[4]` says that anything may have been
missed. Codes: 0 fine, 1 an unknown resource, 2 too many subscriptions, 3 nothing to be read, 1001 too many messages,
1002 not for now.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from service import ticks
from service.api.xbox.json_fragments import encode
from service.core.auth.permissions import may_read_progress
from service.core.auth.principal import canonical_xuid
from service.core.catalog.model import to_int4
from service.core.events.subscriptions import Subscription
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.player_progress import TitleProgress
from service.errors import BadRequest, LaurelError, NotFound, Unavailable
from service.http.services import PRINCIPAL, SERVICES, STOPPING, Services

PROTOCOL = "rta.xboxlive.com.V2"
MOST_SUBSCRIPTIONS = 32  # of one connection
_MOST_BYTES = 4096  # of a message
_HEARTBEAT = 30.0  # seconds
_OK, _UNKNOWN, _LIMIT, _NO_DATA, _UNAVAILABLE = 0, 1, 2, 3, 1002
_URI = re.compile(
    r"https?://[^/]{1,255}/users/xuid\(([0-9]{1,20})\)/achievements/"
    r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})/?"
)


async def connect(request: web.Request) -> web.StreamResponse:
    """A connection that tells of the progress of players, for as long as it and the credential last."""
    socket = web.WebSocketResponse(protocols=(PROTOCOL,), heartbeat=_HEARTBEAT, max_msg_size=_MOST_BYTES)
    try:
        is_asked_for = socket.can_prepare(request).ok
    except web.HTTPException:
        is_asked_for = False
    if not is_asked_for:
        raise BadRequest(f"Upgrade: expected a websocket of the protocol {PROTOCOL}")
    await socket.prepare(request)
    connection = _Connection(request, socket)
    left = max(0.0, request[PRINCIPAL].expires_at - time.time())
    ending = asyncio.create_task(_end(request, socket, left))
    try:
        async for message in socket:
            if message.type is not WSMsgType.TEXT or not await connection.handle(message.data):
                break
    finally:
        ending.cancel()
        await connection.close()
    await socket.close()
    return socket


async def _end(request: web.Request, socket: web.WebSocketResponse, left: float) -> None:
    """Close the socket when the credential runs out, or the service ends."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(left):
            await request.app[STOPPING].wait()
    await socket.close()


class _Connection:
    """One connection and its subscriptions."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._services: Services = request.app[SERVICES]
        self._principal = request[PRINCIPAL]
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._last = 0

    async def handle(self, text: str) -> bool:
        """Answer a message; False if it is none of this protocol, and the connection is over."""
        try:
            message = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return False
        match message:
            case [1, int() as sequence, str() as uri]:
                await self._socket.send_str(encode([1, sequence, *await self._subscribe(uri)]).decode())
            case [2, int() as sequence, int() as subscription]:
                task = self._tasks.pop(subscription, None)
                if task is not None:
                    task.cancel()
                await self._socket.send_str(encode([2, sequence, _OK if task else _UNKNOWN]).decode())
            case _:
                return False
        return True

    async def close(self) -> None:
        """End every subscription."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _subscribe(self, uri: str) -> tuple[Any, ...]:
        """The code, and with 0 the subscription's id and what is so now."""
        if len(self._tasks) >= MOST_SUBSCRIPTIONS:
            return _LIMIT, 0, None
        try:
            player, published = self._resource(uri)
        except NotFound:
            return _UNKNOWN, 0, None
        except (LaurelError, ValueError):
            return _NO_DATA, 0, None
        self._last += 1
        subscription, ready = self._last, asyncio.get_running_loop().create_future()
        self._tasks[subscription] = asyncio.create_task(self._follow(subscription, player, published, ready))
        try:
            return _OK, subscription, await ready
        except Unavailable:
            del self._tasks[subscription]
            return _UNAVAILABLE, 0, None

    def _resource(self, uri: str) -> tuple[str, PublishedTitle]:
        match = _URI.fullmatch(uri)
        if match is None:
            raise NotFound("there is no such resource")
        player = canonical_xuid(match[1])
        may_read_progress(self._principal, player, policy=self._services.settings.read_policy)
        snapshot = self._services.snapshots.current
        published = snapshot.titles.get(snapshot.by_scid.get(match[2].lower(), 0))
        if published is None:
            raise NotFound("there is no such service config")
        return player, published

    async def _follow(
        self, subscription: int, player: str, published: PublishedTitle, ready: "asyncio.Future[Any]"
    ) -> None:
        """Give what is so now to whoever waits for it, then tell of each change."""
        try:
            async with self._services.subscriptions.subscribe(player) as changes:
                known = await self._progression(player, published)
                ready.set_result(_data(published, known))
                while True:
                    known = await self._tell(subscription, player, published, changes, known)
        except LaurelError as error:
            if not ready.done():
                ready.set_exception(error)
        except ConnectionError:
            pass

    async def _tell(
        self,
        subscription: int,
        player: str,
        published: PublishedTitle,
        changes: Subscription,
        known: Mapping[int, dict[str, Any]],
    ) -> Mapping[int, dict[str, Any]]:
        await changes.next()
        try:
            now = await self._progression(player, published)
        except Unavailable:  # the next look will show it
            await self._socket.send_str("[4]")
            return known
        changed = {number: item for number, item in now.items() if known.get(number) != item}
        if changed:
            await self._socket.send_str(encode([3, subscription, _data(published, changed)]).decode())
        return now

    async def _progression(self, player: str, published: PublishedTitle) -> Mapping[int, dict[str, Any]]:
        found = await self._services.progress.read_title(player, published.title_id)
        return {} if found.progress is None else progression(published, found.progress)


def progression(published: PublishedTitle, progress: TitleProgress) -> Mapping[int, dict[str, Any]]:
    """What is not as at the beginning, by achievement number."""
    currents = published.current_values(progress)
    items: dict[int, dict[str, Any]] = {}
    for achievement in published.achievements:
        number = to_int4(achievement.number)
        at, values = progress.unlocked_at.get(number), currents.get(number)
        if at is None and values is None:
            continue
        is_begun = any(value is not None and float(value) != 0 for value in values or ())
        items[achievement.number] = {
            "id": str(achievement.number),
            "progressState": "Achieved" if at is not None else "InProgress" if is_begun else "NotStarted",
            "timeUnlocked": ticks.wire(at or 0),
            "requirements": [
                {
                    "id": requirement.id,
                    "current": values[index] if values is not None and index < len(values) else None,
                    "target": requirement.target,
                    "operationType": requirement.operation,
                    "valueType": requirement.value_type,
                    "ruleParticipationType": requirement.participation,
                }
                for index, requirement in enumerate(achievement.requirements)
            ],
        }
    return items


def _data(published: PublishedTitle, items: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    return {"serviceConfigId": published.title.scid, "progression": list(items.values())}
