"""The admin API: a title's attributes, metrics, achievements and users' keys, and events in bulk.

Every collection follows one pattern: a bare array in, at most 100; what was done out, with an issue for each item that
could not be. 201 if anything was made, else 200.
"""

import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from aiohttp import hdrs, web

from service.api.trophy.admin import schemas as bodies
from service.api.trophy.responses import Shape, encode
from service.core.auth.permissions import may_edit
from service.core.catalog.model import Achievement, Attribute, Draft, Metric
from service.core.publishing import amend
from service.errors import InvalidCatalog, InvalidField, InvalidParameter, LaurelError, NotFound
from service.http.api import Route
from service.http.body import decode, read_body
from service.http.params import query_int
from service.http.services import PRINCIPAL, SERVICES

MOST_ITEMS = 100
MOST_BYTES = 1024 * 1024  # of a body
Definition = Attribute | Metric | Achievement


class Collection(NamedTuple):
    """One kind of thing of the admin API, and how it is shown, made and changed."""

    name: str
    noun: str
    definitions: Callable[[Draft], Sequence[Definition]]
    shape: Callable[[Draft, Any], Shape]
    create: Callable[[Draft, bytes, str], Draft]
    update: Callable[[Draft, Any, dict[str, Any]], Draft]


def _create_attribute(draft: Draft, raw: bytes, public_id: str) -> Draft:
    return bodies.with_attribute(draft, bodies.decode_item(raw, bodies.AttributeItem), public_id)


def _create_metric(draft: Draft, raw: bytes, public_id: str) -> Draft:
    return bodies.with_metric(draft, bodies.decode_item(raw, bodies.MetricItem), public_id)


def _create_achievement(draft: Draft, raw: bytes, public_id: str) -> Draft:
    return bodies.with_achievement(draft, bodies.decode_item(raw, bodies.AchievementItem), public_id)


def _update_attribute(draft: Draft, known: Attribute, patch: dict[str, Any]) -> Draft:
    _immutable(patch, key=known.key, type=known.kind)
    raw = msgspec.json.encode(bodies.attribute_shape(known) | patch)
    name = bodies.decode_item(raw, bodies.AttributeItem).name
    others = [one for one in draft.title.attributes if one.public_id != known.public_id]
    renamed = msgspec.structs.replace(known, name=name)
    title = msgspec.structs.replace(draft.title, attributes=(*others, renamed))
    return msgspec.structs.replace(draft, title=title)


def _update_metric(draft: Draft, known: Metric, patch: dict[str, Any]) -> Draft:
    _immutable(patch, key=known.key)
    raw = msgspec.json.encode(bodies.metric_shape(draft, known) | patch)
    others = tuple(one for one in draft.title.metrics if one.public_id != known.public_id)
    without = msgspec.structs.replace(draft, title=msgspec.structs.replace(draft.title, metrics=others))
    return bodies.with_metric(without, bodies.decode_item(raw, bodies.MetricItem), known.public_id)


def _update_achievement(draft: Draft, known: Achievement, patch: dict[str, Any]) -> Draft:
    raw = bodies.apply_patch(bodies.achievement_shape(draft, known), patch)
    return bodies.with_achievement(draft, bodies.decode_item(raw, bodies.AchievementItem), known.public_id)


COLLECTIONS = (
    Collection(
        "attributes",
        "Attribute",
        lambda draft: draft.title.attributes,
        lambda _draft, attribute: bodies.attribute_shape(attribute),
        _create_attribute,
        _update_attribute,
    ),
    Collection(
        "metrics",
        "Metric",
        lambda draft: [metric for metric in draft.title.metrics if metric.status == "active"],
        bodies.metric_shape,
        _create_metric,
        _update_metric,
    ),
    Collection(
        "achievements",
        "Achievement",
        lambda draft: [one for one in draft.achievements if one.status != "archived"],
        bodies.achievement_shape,
        _create_achievement,
        _update_achievement,
    ),
)


class AdminContext:
    """One request of the admin API, of a key that may change its title."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.services = request.app[SERVICES]
        principal = request[PRINCIPAL]
        self.title_id = principal.title_id or 0
        may_edit(principal, self.title_id)
        self.issues: list[Shape] = []

    async def items(self) -> list[msgspec.Raw]:
        """The items of the body: 1 to 100 of them."""
        raw = decode(await read_body(self.request, limit=MOST_BYTES), list[msgspec.Raw])
        if not 1 <= len(raw) <= MOST_ITEMS:
            raise InvalidField("body", f"an array of 1 to {MOST_ITEMS} items, got {len(raw)}")
        return raw

    async def draft(self) -> Draft:
        """What is served of the title.

        Raises:
            NotFound: there is no such title any more.
        """
        async with self.services.pool.connection() as connection:
            draft = await amend.served(connection, self.title_id)
        if draft is None:
            raise NotFound("there is no title of this key")
        return draft

    async def amend(self, changes: Iterable[tuple[Shape, amend.Amendment]]) -> tuple[Draft, list[int]]:
        """Make each change that can be made, all in one release; gives it, and which of them those were.

        The others are issues, under the names that they came with.
        """
        wanted = list(changes)
        draft = await self.draft()
        good: list[int] = []
        for index, (name, change) in enumerate(wanted):
            try:
                tried = change(draft)
                errors = amend.publish_errors(tried)
                if errors:
                    raise InvalidCatalog(errors)
            except LaurelError as refusal:
                self.issues.append({**name, "severity": "error", "message": str(refusal)})
            else:
                draft = tried
                good.append(index)

        def all_of_them(before: Draft) -> Draft:
            for index in good:
                before = wanted[index][1](before)
            return before

        if good:
            async with self.services.pool.transaction() as connection:
                draft = await amend.amend(connection, self.title_id, all_of_them)
            await self.services.snapshots.refresh()
        return draft, good

    def answer(self, document: object, *, status: int = 200) -> web.Response:
        """The document, never kept by anybody."""
        body = encode(document)
        headers = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff"}
        return web.Response(status=status, body=body, headers=headers, content_type="application/json")


def _routes_of(collection: Collection) -> tuple[Route, ...]:
    async def list_them(request: web.Request) -> web.Response:
        draft = await (context := AdminContext(request)).draft()
        things = collection.definitions(draft)
        skip, limit = (
            query_int(request, "skip", default=0, most=10**9),
            query_int(request, "limit", default=10, most=MOST_ITEMS, least=1),
        )
        return context.answer([collection.shape(draft, thing) for thing in things[skip : skip + limit]])

    async def get_one(request: web.Request) -> web.Response:
        draft = await (context := AdminContext(request)).draft()
        thing = _found(collection, draft, request.match_info["id"])
        return context.answer(collection.shape(draft, thing))

    async def create(request: web.Request) -> web.Response:
        context = AdminContext(request)
        items = [(bytes(raw), str(uuid.uuid4())) for raw in await context.items()]
        draft, good = await context.amend(
            (
                {"index": index},
                lambda before, raw=raw, public_id=public_id: collection.create(before, raw, public_id),  # type: ignore[misc]
            )
            for index, (raw, public_id) in enumerate(items)
        )
        made = [collection.shape(draft, _found(collection, draft, items[index][1])) for index in good]
        return context.answer({"created": made, "issues": context.issues}, status=201 if made else 200)

    async def update(request: web.Request) -> web.Response:
        context = AdminContext(request)
        patches = [bodies.decode_item(bytes(raw), dict[str, Any]) for raw in await context.items()]
        named = [(str(patch.pop("id", "")), patch) for patch in patches]

        def change(public_id: str, patch: dict[str, Any]) -> amend.Amendment:
            return lambda before: collection.update(before, _found(collection, before, public_id), patch)

        draft, good = await context.amend(({"id": name}, change(name, patch)) for name, patch in named)
        changed = [collection.shape(draft, _found(collection, draft, named[index][0])) for index in good]
        return context.answer({"updated": changed, "issues": context.issues})

    async def delete(request: web.Request) -> web.Response:
        context = AdminContext(request)
        ids = ids_of(request)

        def change(public_id: str) -> amend.Amendment:
            def without(before: Draft) -> Draft:
                _found(collection, before, public_id)
                return bodies.archived(before, public_id)

            return without

        _, good = await context.amend(({"id": name}, change(name)) for name in ids)
        return context.answer({"deleted": [{"id": ids[index]} for index in good], "issues": context.issues})

    base = f"/admin/v1/{collection.name}"
    named: tuple[tuple[str, str, str, Callable[[web.Request], Awaitable[web.Response]], str], ...] = (
        (hdrs.METH_GET, base, "list", list_them, f"The {collection.name} of the title."),
        (hdrs.METH_POST, base, "create", create, f"Make {collection.name}."),
        (hdrs.METH_PATCH, base, "update", update, f"Change {collection.name}: what is left out stays."),
        (hdrs.METH_DELETE, base, "delete", delete, f"Take {collection.name} away; what was earned stays."),
        (hdrs.METH_GET, base + "/{id}", "get", get_one, f"One of the {collection.name}."),
    )
    routes = []
    for method, path, verb, handler, about in named:
        handler.__doc__ = about
        routes.append(Route(method, path, f"admin-{verb}-{collection.name}", handler))
    return tuple(routes)


def _found(collection: Collection, draft: Draft, public_id: str) -> Any:
    for thing in collection.definitions(draft):
        if thing.public_id == public_id:
            return thing
    raise NotFound(f"{collection.noun} not found by ID")


def _immutable(patch: dict[str, Any], **known: str) -> None:
    for name, value in known.items():
        if patch.get(name, value) != value:
            raise InvalidField(name, f"the {name} that it has, {value}: it never changes", patch[name])


def ids_of(request: web.Request) -> list[str]:
    """The ids of `?ids=a&ids=b`, or with commas between.

    Raises:
        InvalidParameter: none, or more than 100.
    """
    ids = [name for field in request.rel_url.query.getall("ids", ()) for name in field.split(",") if name]
    if not 1 <= len(ids) <= MOST_ITEMS:
        raise InvalidParameter("ids", f"1 to {MOST_ITEMS} ids", len(ids))
    return list(dict.fromkeys(ids))


ROUTES = tuple(route for collection in COLLECTIONS for route in _routes_of(collection))
