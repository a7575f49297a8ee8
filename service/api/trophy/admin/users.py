"""Users in the admin API: keys that reach one user each, and events of many users at once."""

import asyncio
import uuid

import msgspec
from aiohttp import hdrs, web

from service.api.trophy.admin.context import MAX_BODY_BYTES, AdminContext, json_response
from service.api.trophy.admin.schemas import decode_item
from service.api.trophy.context import RequestContext
from service.api.trophy.responses import Shape
from service.api.trophy.schemas import BatchEvent, check_idempotency_key, parse_user_id
from service.core.auth import api_keys
from service.core.auth.permissions import may_write_many
from service.core.events.change_queue import WriteResult
from service.core.unlocks.model import Change, Event
from service.db.limits import WRITE
from service.errors import InvalidField, LaurelError, NotFound, UnknownMetric
from service.http.api import Route
from service.http.body import decode, read_body
from service.http.limits.admission import CATALOGS
from service.http.security_events import log_event

MAX_EVENTS = 1000
_REFUSALS = (InvalidField, NotFound, UnknownMetric)  # of one user's events; those of others were written


class NewKeyItem(msgspec.Struct, kw_only=True, rename="camel"):
    """The user whom a new key is for."""

    user_id: str


async def create_keys(request: web.Request) -> web.Response:
    """Create keys that reach one user each. A key is shown whole only in this response."""
    context = AdminContext(request)
    created = []
    for index, raw in enumerate(await context.items()):
        try:
            player = parse_user_id(decode_item(bytes(raw), NewKeyItem).user_id, "userId")
        except InvalidField as error:
            context.add_issue(str(error), index=index)
            continue
        if (await context.services.progress.read_title(player, context.title_id)).revision < 0:
            context.add_issue("User does not exist", userId=player)
            continue
        async with context.services.pool.connection(WRITE) as connection:
            key = await api_keys.create_key(connection, title_id=context.title_id, player=player)
        log_event(request, "key_created", other_key=key.prefix)
        created.append({"id": str(key.key_id), "userId": player, "key": key.key, "prefix": key.prefix})
    return context.respond({"created": created, "issues": context.issues}, status=201 if created else 200)


async def delete_keys(request: web.Request) -> web.Response:
    """Revoke keys of users."""
    context = AdminContext(request)
    key_ids = list[uuid.UUID]()
    for name in context.ids():
        try:
            key_ids.append(uuid.UUID(name))
        except ValueError:
            context.add_issue("id must be a valid UUID", id=name)
    async with context.services.pool.connection(WRITE) as connection:
        revoked = await api_keys.revoke(connection, title_id=context.title_id, key_ids=key_ids)
    await context.services.api_keys.refresh()
    for key_id in revoked:
        log_event(request, "key_revoked", key_id=str(key_id))
    for key_id in key_ids:
        if key_id not in revoked:
            context.add_issue("API key not found by ID", id=str(key_id))
    return context.respond({"deleted": [{"id": str(key_id)} for key_id in revoked], "issues": context.issues})


async def send_events(request: web.Request) -> web.Response:
    """Count up to 1000 events. With `Prefer: respond-sync` the response has the result of each of them."""
    context = RequestContext(request)
    may_write_many(context.principal, context.title_id)
    items = decode(await read_body(request, limit=MAX_BODY_BYTES), list[BatchEvent])
    if not 1 <= len(items) <= MAX_EVENTS:
        raise InvalidField("body", f"an array of 1 to {MAX_EVENTS} events, got {len(items)}")
    batches = _batches_by_player(items, context)
    results = await _write_batches(batches, context)
    issues = [result for result in results if "message" in result]
    document: Shape = {"accepted": len(items) - len(issues)}
    if "respond-sync" in request.headers.get("Prefer", ""):
        document |= {"events": results, "issues": issues}
    return json_response(document, status=202)


class _Batch:
    """The events of one user in their order, with their indexes in the request."""

    def __init__(self) -> None:
        self.indexes: list[int] = []
        self.events: list[Event] = []
        self.profile: dict[str, object] = {}

    def add(self, index: int, item: BatchEvent, context: RequestContext) -> None:
        """Add one event.

        Raises:
            NotFound, UnknownMetric: its metric does not exist, or is archived.
            InvalidField: a value is invalid.
        """
        rules, field = context.published.rules, f"[{index}]."
        if item.key not in rules.metrics:
            raise NotFound("Metric not found")
        key = check_idempotency_key(item.idempotency_key, f"{field}idempotencyKey")
        event = item.event(item.key, key=key, now=context.now, field=field)
        rules.check_event(event, field=field)
        rules.check_attributes("user", item.user.attributes or (), field=f"{field}user.attributes")
        self.profile |= item.user.profile(f"{field}user")
        self.indexes.append(index)
        self.events.append(event)

    def change(self, player: str, title_id: int) -> Change:
        """All events as one change."""
        return Change(player=player, title_id=title_id, events=tuple(self.events), profile=self.profile)

    def results(self, outcome: WriteResult | LaurelError) -> dict[int, Shape]:
        """The result of each event, by its index in the request."""
        if isinstance(outcome, LaurelError):
            return {index: {"index": index, "severity": "error", "message": str(outcome)} for index in self.indexes}
        return {
            index: {"eventId": str(recorded.event_id), "idempotentReplayed": recorded.is_replay}
            for index, recorded in zip(self.indexes, outcome.recorded, strict=True)
        }


def _batches_by_player(items: list[BatchEvent], context: RequestContext) -> dict[str, _Batch]:
    batches: dict[str, _Batch] = {}
    for index, item in enumerate(items):
        player = parse_user_id(item.user.id, f"[{index}].user.id")
        batches.setdefault(player, _Batch()).add(index, item, context)
    return batches


async def _write_batches(batches: dict[str, _Batch], context: RequestContext) -> list[Shape]:
    """Write all batches at once; the results in the order of the request."""
    outcomes = await asyncio.gather(
        *(context.write(batch.change(player, context.title_id)) for player, batch in batches.items()),
        return_exceptions=True,
    )
    results: dict[int, Shape] = {}
    for batch, outcome in zip(batches.values(), outcomes, strict=True):
        if isinstance(outcome, BaseException) and not isinstance(outcome, _REFUSALS):
            raise outcome
        results |= batch.results(outcome)
    return [results[index] for index in sorted(results)]


ROUTES = (
    Route(hdrs.METH_POST, "/admin/v1/metrics/events", "admin-events", send_events),
    Route(hdrs.METH_POST, "/admin/v1/application-api-keys", "admin-create-keys", create_keys, CATALOGS),
    Route(hdrs.METH_DELETE, "/admin/v1/application-api-keys", "admin-delete-keys", delete_keys, CATALOGS),
)
