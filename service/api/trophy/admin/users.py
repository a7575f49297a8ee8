"""The admin API's two ways to users: keys that reach one of them, and events of many at once."""

import asyncio
import uuid

import msgspec
from aiohttp import hdrs, web

from service.api.trophy.admin import schemas as bodies
from service.api.trophy.admin.collections import MOST_BYTES, AdminContext, ids_of
from service.api.trophy.context import RequestContext
from service.api.trophy.responses import Shape
from service.api.trophy.schemas import BatchEvent, idempotency_key, user_id
from service.core.auth import api_keys
from service.core.events.change_queue import WriteResult
from service.core.unlocks.model import Change, Event
from service.errors import InvalidField, NotFound, UnknownMetric
from service.http.api import Route
from service.http.body import decode, read_body

MOST_EVENTS = 1000


class NewKeyItem(msgspec.Struct, kw_only=True, rename="camel"):
    """A user whom a key is to be made for."""

    user_id: str


async def create_keys(request: web.Request) -> web.Response:
    """Make keys that reach one user each. The whole key is shown this once."""
    administering = AdminContext(request)
    created = []
    for index, raw in enumerate(await administering.items()):
        try:
            player = user_id(bodies.decode_item(bytes(raw), NewKeyItem).user_id, "userId")
        except InvalidField as refusal:
            administering.issues.append({"index": index, "severity": "error", "message": str(refusal)})
            continue
        found = await administering.services.progress.read_title(player, administering.title_id)
        if found.revision < 0:
            issue = {"userId": player, "severity": "error", "message": "User does not exist"}
            administering.issues.append(issue)
            continue
        async with administering.services.pool.connection() as connection:
            key = await api_keys.create_key(connection, title_id=administering.title_id, player=player)
        created.append({"id": str(key.key_id), "userId": player, "key": key.key, "prefix": key.prefix})
    return administering.answer({"created": created, "issues": administering.issues}, status=201 if created else 200)


async def delete_keys(request: web.Request) -> web.Response:
    """End users' keys."""
    administering = AdminContext(request)
    ids, good = ids_of(request), list[uuid.UUID]()
    for name in ids:
        try:
            good.append(uuid.UUID(name))
        except ValueError:
            administering.issues.append({"id": name, "severity": "error", "message": "id must be a valid UUID"})
    async with administering.services.pool.connection() as connection:
        ended = await api_keys.revoke(connection, title_id=administering.title_id, key_ids=good)
    await administering.services.api_keys.refresh()
    unknown = [key_id for key_id in good if key_id not in ended]
    administering.issues += [
        {"id": str(key_id), "severity": "error", "message": "API key not found by ID"} for key_id in unknown
    ]
    return administering.answer({"deleted": [{"id": str(key_id)} for key_id in ended], "issues": administering.issues})


async def send_events(request: web.Request) -> web.Response:
    """Count up to 1000 events. With `Prefer: respond-sync` the answer says what became of each of them."""
    administering, context = AdminContext(request), RequestContext(request)
    items = decode(await read_body(request, limit=MOST_BYTES), list[BatchEvent])
    if not 1 <= len(items) <= MOST_EVENTS:
        raise InvalidField("body", f"an array of 1 to {MOST_EVENTS} events, got {len(items)}")
    batches: dict[str, _Batch] = {}
    for index, item in enumerate(items):
        player = user_id(item.user.id, f"[{index}].user.id")
        batches.setdefault(player, _Batch()).add(index, item, context)
    outcomes = await asyncio.gather(
        *(context.write(batch.change(player, context.title_id)) for player, batch in batches.items()),
        return_exceptions=True,
    )
    results: dict[int, Shape] = {}
    for batch, outcome in zip(batches.values(), outcomes, strict=True):
        if isinstance(outcome, BaseException) and not isinstance(outcome, InvalidField):
            raise outcome
        results |= batch.results(outcome)
    issues = [results[index] for index in sorted(results) if "message" in results[index]]
    answer: Shape = {"accepted": len(items) - len(issues)}
    if "respond-sync" in request.headers.get("Prefer", ""):
        answer |= {"events": [results[index] for index in range(len(items))], "issues": issues}
    return administering.answer(answer, status=202)


class _Batch:
    """The events of one user, in their order, and where they stood."""

    def __init__(self) -> None:
        self.indexes: list[int] = []
        self.events: list[Event] = []
        self.profile: dict[str, object] = {}

    def add(self, index: int, item: BatchEvent, context: RequestContext) -> None:
        """Take one event in.

        Raises:
            NotFound, UnknownMetric: of a metric that is not counted, or no more.
            InvalidField: a value that will not do.
        """
        rules, field = context.published.rules, f"[{index}]."
        if item.key not in rules.metrics:
            raise NotFound("Metric not found")
        if rules.metrics[item.key].status == "archived":
            raise UnknownMetric("Metric not found: it is archived")
        key = idempotency_key(item.idempotency_key, f"{field}idempotencyKey")
        event = item.event(item.key, key=key, now=context.now, field=field)
        rules.refuse_attributes("event", event.attributes, field=f"{field}attributes")
        rules.refuse_attributes("user", item.user.attributes or (), field=f"{field}user.attributes")
        self.profile |= item.user.profile(f"{field}user")
        self.indexes.append(index)
        self.events.append(event)

    def change(self, player: str, title_id: int) -> Change:
        """All of it, as one change."""
        return Change(player=player, title_id=title_id, events=tuple(self.events), profile=self.profile)

    def results(self, outcome: WriteResult | BaseException) -> dict[int, Shape]:
        """What became of each event, by where it stood."""
        if not isinstance(outcome, WriteResult):
            return {index: {"index": index, "severity": "error", "message": str(outcome)} for index in self.indexes}
        return {
            index: {"eventId": str(recorded.event_id), "idempotentReplayed": recorded.is_replay}
            for index, recorded in zip(self.indexes, outcome.recorded, strict=True)
        }


ROUTES = (
    Route(hdrs.METH_POST, "/admin/v1/metrics/events", "admin-events", send_events),
    Route(hdrs.METH_POST, "/admin/v1/application-api-keys", "admin-create-keys", create_keys),
    Route(hdrs.METH_DELETE, "/admin/v1/application-api-keys", "admin-delete-keys", delete_keys),
)
