"""Attributes, metrics and achievements in the admin API: list, get, create, update and delete them.

Every collection follows one pattern: a bare array of at most 100 items in; out what was done, with an issue for each
item that is invalid. 201 if anything was created, else 200.
"""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from aiohttp import hdrs, web

from service.api.trophy.admin import definitions
from service.api.trophy.admin.context import MAX_ITEMS, AdminContext
from service.api.trophy.admin.schemas import achievement_shape, attribute_shape, decode_item, metric_shape
from service.api.trophy.responses import Shape
from service.core.catalog.model import Achievement, Attribute, Draft, Metric
from service.errors import InvalidField, NotFound
from service.http.api import Route
from service.http.limits.admission import CATALOGS
from service.http.params import query_int

Definition = Attribute | Metric | Achievement


class Collection(NamedTuple):
    """One kind of definition: how the admin API names, lists, shows, creates and updates it."""

    name: str
    noun: str
    list_definitions: Callable[[Draft], Sequence[Definition]]
    shape: Callable[[Draft, Any], Shape]
    create: Callable[[Draft, bytes, str], Draft]
    update: Callable[[Draft, Any, dict[str, Any]], Draft]

    def find(self, draft: Draft, public_id: str) -> Any:
        """The definition with this id.

        Raises:
            NotFound: there is none.
        """
        for definition in self.list_definitions(draft):
            if definition.public_id == public_id:
                return definition
        raise NotFound(f"{self.noun} not found by ID")


COLLECTIONS = (
    Collection(
        "attributes",
        "Attribute",
        lambda draft: draft.title.attributes,
        lambda _draft, attribute: attribute_shape(attribute),
        definitions.create_attribute,
        definitions.update_attribute,
    ),
    Collection(
        "metrics",
        "Metric",
        lambda draft: [metric for metric in draft.title.metrics if metric.status == "active"],
        metric_shape,
        definitions.create_metric,
        definitions.update_metric,
    ),
    Collection(
        "achievements",
        "Achievement",
        lambda draft: [achievement for achievement in draft.achievements if achievement.status != "archived"],
        achievement_shape,
        definitions.create_achievement,
        definitions.update_achievement,
    ),
)


_BY_NAME = {collection.name: collection for collection in COLLECTIONS}


class _Handlers:
    """The handlers of one collection.

    What they do with the title is done in another process where the title is large, so it names the collection.
    """

    def __init__(self, collection: Collection) -> None:
        self._name = collection.name

    async def list(self, request: web.Request) -> web.Response:
        context = AdminContext(request)
        skip = query_int(request, "skip", default=0, most=10**9)
        limit = query_int(request, "limit", default=10, least=1, most=MAX_ITEMS)
        return context.respond(await context.show(partial(_show_page, self._name, skip, skip + limit)))

    async def get(self, request: web.Request) -> web.Response:
        context = AdminContext(request)
        return context.respond(await context.show(partial(_show_one, self._name, request.match_info["id"])))

    async def create(self, request: web.Request) -> web.Response:
        context = AdminContext(request)
        items = [(bytes(raw), str(uuid.uuid4())) for raw in await context.items()]
        shapes, _ = await context.amend(
            (
                ({"index": index}, partial(_create, self._name, raw, public_id))
                for index, (raw, public_id) in enumerate(items)
            ),
            partial(_show_changed, self._name, [public_id for _, public_id in items]),
        )
        return context.respond({"created": shapes, "issues": context.issues}, status=201 if shapes else 200)

    async def update(self, request: web.Request) -> web.Response:
        context = AdminContext(request)
        patches: list[tuple[str, dict[str, Any]]] = []
        for index, raw in enumerate(await context.items()):
            try:
                patch = decode_item(bytes(raw), dict[str, Any])
            except InvalidField as error:
                context.add_issue(str(error), index=index)
            else:
                patches.append((str(patch.pop("id", "")), patch))
        shapes, _ = await context.amend(
            (({"id": name}, partial(_update, self._name, name, patch)) for name, patch in patches),
            partial(_show_changed, self._name, [name for name, _ in patches]),
        )
        return context.respond({"updated": shapes, "issues": context.issues})

    async def delete(self, request: web.Request) -> web.Response:
        context = AdminContext(request)
        ids = context.ids()
        _, deleted = await context.amend(
            (({"id": name}, partial(_delete, self._name, name)) for name in ids), _show_nothing
        )
        return context.respond({"deleted": [{"id": ids[index]} for index in deleted], "issues": context.issues})


def _create(name: str, raw: bytes, public_id: str, draft: Draft) -> Draft:
    return _BY_NAME[name].create(draft, raw, public_id)


def _update(name: str, public_id: str, patch: dict[str, Any], draft: Draft) -> Draft:
    collection = _BY_NAME[name]
    return collection.update(draft, collection.find(draft, public_id), patch)


def _delete(name: str, public_id: str, draft: Draft) -> Draft:
    _BY_NAME[name].find(draft, public_id)
    return definitions.archive(draft, public_id)


def _show_page(name: str, start: int, stop: int, draft: Draft) -> list[Shape]:
    collection = _BY_NAME[name]
    return [collection.shape(draft, each) for each in collection.list_definitions(draft)[start:stop]]


def _show_one(name: str, public_id: str, draft: Draft) -> Shape:
    collection = _BY_NAME[name]
    return collection.shape(draft, collection.find(draft, public_id))


def _show_changed(name: str, public_ids: Sequence[str], draft: Draft, indexes: Sequence[int]) -> list[Shape]:
    return [_show_one(name, public_ids[index], draft) for index in indexes]


def _show_nothing(_draft: Draft, _indexes: Sequence[int]) -> None:
    return None


def _routes_of(collection: Collection) -> tuple[Route, ...]:
    handlers, name, base = _Handlers(collection), collection.name, f"/admin/v1/{collection.name}"
    named: tuple[tuple[str, str, str, Callable[[web.Request], Awaitable[web.Response]], str], ...] = (
        (hdrs.METH_GET, base, "list", handlers.list, f"List the {name} of the title."),
        (hdrs.METH_POST, base, "create", handlers.create, f"Create {name}."),
        (hdrs.METH_PATCH, base, "update", handlers.update, f"Update {name}: members that are left out stay."),
        (hdrs.METH_DELETE, base, "delete", handlers.delete, f"Delete {name}; what players earned stays."),
        (hdrs.METH_GET, base + "/{id}", "get", handlers.get, f"Get one of the {name}."),
    )
    return tuple(
        Route(method, path, f"admin-{verb}-{name}", _described(handler, summary), CATALOGS)
        for method, path, verb, handler, summary in named
    )


def _described(
    handler: Callable[[web.Request], Awaitable[web.Response]], summary: str
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The handler with a docstring, from which the OpenAPI document takes its summary."""

    async def described(request: web.Request) -> web.Response:
        return await handler(request)

    described.__doc__ = summary
    return described


ROUTES = tuple(route for collection in COLLECTIONS for route in _routes_of(collection))
