"""`GET /connect`: real-time activity (RTA), the websocket protocol that notifies Xbox titles of a player's progress.

Messages are JSON arrays. Clients send `[1, sequence, uri]` to subscribe and get `[1, sequence, code, id, data]`; they
send `[2, sequence, id]` to unsubscribe and get `[2, sequence, code]`. A resource has one subscription: to subscribe to it
again returns the same one. The server sends `[3, id, data]` for a change, and
`[4]` if changes may have been missed. Codes: 0 success, 1 unknown resource, 2 too many subscriptions, 3 no data (the
client may not read it), 1002 temporarily unavailable.
"""

import asyncio
import contextlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from service import ticks
from service.api.xbox.context import GUID, title_of_service_config
from service.api.xbox.json_fragments import encode, progress_state
from service.core.auth.permissions import may_read_progress
from service.core.auth.principal import canonical_xuid
from service.core.catalog.model import to_int4
from service.core.events.subscriptions import Subscription
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.player_progress import TitleProgress, derive
from service.errors import (
    BadRequest,
    InvalidParameter,
    LaurelError,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from service.http.authenticate import authenticate_xbl3
from service.http.limits.open_streams import OpenStream
from service.http.limits.shares import SHARE
from service.http.problem import nearest
from service.http.services import PRINCIPAL, SERVICES, STOPPING, Services

PROTOCOL = "rta.xboxlive.com.V2"
MAX_SUBSCRIPTIONS = 32  # of one connection
_MAX_MESSAGE_BYTES = 4096
_HEARTBEAT_SECONDS = 30.0
_OK, _UNKNOWN = 0, 1
_CODES: Mapping[type[LaurelError], int] = {NotFound: _UNKNOWN, TooManyRequests: 2, LaurelError: 3, Unavailable: 1002}
Resource = tuple[str, int]
"""A player and a title."""
_URI = re.compile(
    r"https?://[^/]{1,255}/users/xuid\(([0-9]{1,20})\)/achievements/"
    rf"({GUID})/?"
)


async def connect(request: web.Request) -> web.StreamResponse:
    """Notify the client of the progress of players until it disconnects or its credential is no longer valid."""
    socket = web.WebSocketResponse(
        protocols=(PROTOCOL,),
        heartbeat=_HEARTBEAT_SECONDS,
        max_msg_size=_MAX_MESSAGE_BYTES,
        autoping=False,  # aiohttp would answer pings as fast as they come
    )
    try:
        is_websocket = socket.can_prepare(request).ok
    except web.HTTPException:
        is_websocket = False
    if not is_websocket:
        raise BadRequest(f"Upgrade: expected a websocket of the protocol {PROTOCOL}")
    with request.app[SERVICES].open_streams.open(request[SHARE]) as place:
        await socket.prepare(request)
        code, reason = WSCloseCode.OK, b""
        async with asyncio.TaskGroup() as tasks:  # a bug in one task ends the connection
            connection = _Connection(request, socket, tasks, place)
            closing = tasks.create_task(_close_at_shutdown(request, socket))
            try:
                async with place.while_valid(lambda: authenticate_xbl3(request)):
                    await _handle_messages(request, socket, connection)
            except Unauthenticated as error:
                code, reason = WSCloseCode.POLICY_VIOLATION, str(error).encode()
            except (TooManyRequests, Unavailable) as error:
                code, reason = WSCloseCode.TRY_AGAIN_LATER, str(error).encode()
            closing.cancel()
            connection.close()
    await socket.close(code=code, message=reason)
    return socket


async def _handle_messages(request: web.Request, socket: web.WebSocketResponse, connection: "_Connection") -> None:
    """Handle messages until the client leaves or violates the protocol, no faster than the caller may send requests."""
    with contextlib.suppress(ConnectionError):  # the client left before it got a response
        async for message in socket:
            await request[SHARE].pace()
            if message.type is WSMsgType.PING:
                await socket.pong(message.data)
            if message.type in (WSMsgType.PING, WSMsgType.PONG):
                continue
            if message.type is not WSMsgType.TEXT or not await connection.handle(message.data):
                break


async def _close_at_shutdown(request: web.Request, socket: web.WebSocketResponse) -> None:
    """Send the client away when this process ends (RFC 6455 §7.4.1)."""
    await request.app[STOPPING].wait()
    await socket.close(code=WSCloseCode.GOING_AWAY)


class _Connection:
    """One connection and its subscriptions."""

    def __init__(
        self, request: web.Request, socket: web.WebSocketResponse, tasks: asyncio.TaskGroup, place: OpenStream
    ) -> None:
        self._socket = socket
        self._place = place
        self._group = tasks
        self._services: Services = request.app[SERVICES]
        self._principal = request[PRINCIPAL]
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._resources: dict[int, Resource] = {}
        self._last_id = 0

    async def handle(self, text: str) -> bool:
        """Handle a message of the client; False if it violates the protocol and the connection must be closed."""
        try:
            message = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return False
        match message:
            case [1, int() as sequence, str() as uri]:
                await self._socket.send_str(encode([1, sequence, *await self._answer(uri)]).decode())
            case [2, int() as sequence, int() as subscription]:
                code = _OK if self._end(subscription) else _UNKNOWN
                await self._socket.send_str(encode([2, sequence, code]).decode())
            case _:
                return False
        return True

    def close(self) -> None:
        """End every subscription."""
        for subscription in tuple(self._tasks):
            self._end(subscription)

    def _end(self, subscription: int) -> bool:
        """End a subscription; False if there is none with this id."""
        task = self._tasks.pop(subscription, None)
        if task is None:
            return False
        del self._resources[subscription]
        self._place.remove_unit()
        task.cancel()
        return True

    async def _answer(self, uri: str) -> tuple[int, int, Any]:
        """The code of the response, the subscription's id and the current progress (0 and None for an error)."""
        try:
            return _OK, *await self._subscribe(uri)
        except LaurelError as error:
            return nearest(error, _CODES), 0, None

    async def _subscribe(self, uri: str) -> tuple[int, Any]:
        """The id of the resource's subscription, which is made unless there is one, and the current progress."""
        player, published = self._resource(uri)
        resource = player, published.title_id
        for known, subscribed in self._resources.items():
            if subscribed == resource:
                return known, _data(published, await self._progression(player, published))
        if len(self._tasks) >= MAX_SUBSCRIPTIONS:
            raise TooManyRequests("too many subscriptions", policy="subscriptions", limit=MAX_SUBSCRIPTIONS)
        self._place.add_unit()
        self._last_id += 1
        subscription, ready = self._last_id, asyncio.get_running_loop().create_future()
        self._tasks[subscription] = self._group.create_task(self._follow(subscription, player, published, ready))
        self._resources[subscription] = resource
        try:
            return subscription, await ready
        except LaurelError:
            self._end(subscription)
            raise

    def _resource(self, uri: str) -> tuple[str, PublishedTitle]:
        match = _URI.fullmatch(uri)
        if match is None:
            raise NotFound("there is no such resource")
        try:
            player = canonical_xuid(match[1])
        except ValueError:
            raise InvalidParameter("xuid", "a decimal below 2^64", match[1]) from None
        may_read_progress(self._principal, player, policy=self._services.settings.read_policy)
        return player, title_of_service_config(self._services.snapshots.current, match[2])

    async def _follow(
        self, subscription: int, player: str, published: PublishedTitle, ready: "asyncio.Future[Any]"
    ) -> None:
        """Resolve `ready` with the current progress, then send each change."""
        try:
            async with self._services.subscriptions.subscribe(player) as changes:
                sent = await self._progression(player, published)
                ready.set_result(_data(published, sent))
                while True:
                    sent = await self._send_change(subscription, player, published, changes, sent)
        except LaurelError as error:
            if not ready.done():
                ready.set_exception(error)
        except ConnectionError:
            pass

    async def _send_change(
        self,
        subscription: int,
        player: str,
        published: PublishedTitle,
        changes: Subscription,
        sent: "Progression",
    ) -> "Progression":
        """Wait for a change, send the items that differ from those sent before, and return all current items."""
        await changes.next()
        try:
            row = await self._services.progress.read_title(player, published.title_id)
        except Unavailable:  # the next change is compared with what was sent last
            await self._socket.send_str("[4]")
            return sent
        if row.progress is None:
            return {}
        changed = _changed(published, row.progress, sent)
        if changed is not None:
            await self._socket.send_str(encode([3, subscription, changed]).decode())
        return _progression(published, row.progress)

    async def _progression(self, player: str, published: PublishedTitle) -> "Progression":
        row = await self._services.progress.read_title(player, published.title_id)
        return {} if row.progress is None else _progression(published, row.progress)


Progression = Mapping[int, dict[str, Any]]
"""The items about achievements by number."""


def _progression(published: PublishedTitle, progress: TitleProgress) -> Progression:
    """The same as `progression`, one object for all connections that were notified together."""
    return derive(progress.derived, ("progression", published.key), lambda: progression(published, progress))


def _changed(published: PublishedTitle, progress: TitleProgress, sent: Progression) -> msgspec.Raw | None:
    """The data of a message about the items that differ from those sent before; None if none do.

    Connections that were notified together have sent the same before, so that it is encoded once for all of them.
    """
    encoded: dict[int, tuple[Progression, msgspec.Raw | None]]
    encoded = derive(progress.derived, ("changed", published.key), dict)
    known = encoded.get(id(sent))
    if known is None or known[0] is not sent:
        current = _progression(published, progress)
        changed = {number: item for number, item in current.items() if sent.get(number) != item}
        known = encoded[id(sent)] = sent, msgspec.Raw(encode(_data(published, changed))) if changed else None
    return known[1]


def progression(published: PublishedTitle, progress: TitleProgress) -> Progression:
    """The achievements that are unlocked or have current values, by number."""
    current_values = published.current_values(progress)
    items: dict[int, dict[str, Any]] = {}
    for achievement in published.achievements:
        number = to_int4(achievement.number)
        time_unlocked, values = progress.unlocked_at.get(number), current_values.get(number)
        if time_unlocked is None and values is None:
            continue
        items[achievement.number] = {
            "id": str(achievement.number),
            "progressState": progress_state(values or (), is_unlocked=time_unlocked is not None),
            "timeUnlocked": ticks.to_text(time_unlocked or 0),
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


def _data(published: PublishedTitle, items: Progression) -> dict[str, Any]:
    return {"serviceConfigId": published.title.scid, "progression": list(items.values())}
