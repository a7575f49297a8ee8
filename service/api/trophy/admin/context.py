"""What the requests of the admin API share: its permission, the items of a body, one release for many changes."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from aiohttp import hdrs, web

from service.api.trophy.responses import Shape, encode
from service.concurrency.processes import Run
from service.core.auth.permissions import may_edit
from service.core.catalog.model import Draft
from service.core.publishing.amend import Amendment, Show, amend_items, show_served
from service.errors import InvalidField, InvalidParameter
from service.http.body import decode, read_body
from service.http.services import PRINCIPAL, SERVICES

MAX_ITEMS = 100
MAX_BODY_BYTES = 1024 * 1024


class AdminContext:
    """One request of the admin API, with a key that may change its title.

    Raises:
        PermissionDenied: it may not.
    """

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.services = request.app[SERVICES]
        self.principal = request[PRINCIPAL]
        self.title_id = self.principal.title_id or 0
        may_edit(self.principal, self.title_id)
        self.issues: list[Shape] = []

    async def items(self) -> list[msgspec.Raw]:
        """The items of the body.

        Raises:
            InvalidField: none, or more than 100.
        """
        items = decode(await read_body(self.request, limit=MAX_BODY_BYTES), list[msgspec.Raw])
        if not 1 <= len(items) <= MAX_ITEMS:
            raise InvalidField("body", f"an array of 1 to {MAX_ITEMS} items, got {len(items)}")
        return items

    def ids(self) -> list[str]:
        """The ids of `?ids=a&ids=b` or `?ids=a,b`, each once.

        Raises:
            InvalidParameter: none, or more than 100.
        """
        ids = [name for field in self.request.rel_url.query.getall("ids", ()) for name in field.split(",") if name]
        if not 1 <= len(ids) <= MAX_ITEMS:
            raise InvalidParameter("ids", f"1 to {MAX_ITEMS} ids", len(ids))
        return list(dict.fromkeys(ids))

    def add_issue(self, message: str, **item: object) -> None:
        """Report an item that could not be processed; `item` names it."""
        self.issues.append({**item, "severity": "error", "message": message})

    async def show(self, show: Callable[[Draft], Any]) -> Any:
        """What is wanted of the title as it is served.

        Raises:
            NotFound: the title was deleted, or `show` raises it.
        """
        return await show_served(self.services.pool, self.title_id, show, run=self._run)

    async def amend(self, changes: Iterable[tuple[Shape, Amendment]], show: Show) -> tuple[Any, list[int]]:
        """Make the valid changes in one release; returns what is wanted of it, and the indexes of those changes.

        Each other change becomes an issue under the name that it came with.
        """
        named = list(changes)
        services, amendments = self.services, [change for _, change in named]
        result = await amend_items(
            services.pool, services.snapshots, self.principal, self.title_id, amendments, show=show, run=self._run
        )
        for index, error in result.errors.items():
            self.add_issue(str(error), **named[index][0])
        return result.shown, [index for index in range(len(named)) if index not in result.errors]

    @property
    def _run(self) -> Run:
        return self.services.processes.run_for(self.principal.name)

    def respond(self, document: object, *, status: int = 200) -> web.Response:
        """The document as JSON that no cache may store."""
        return json_response(document, status=status)


def json_response(document: object, *, status: int) -> web.Response:
    """The document as JSON that no cache may store."""
    headers = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff"}
    return web.Response(status=status, body=encode(document), headers=headers, content_type="application/json")
