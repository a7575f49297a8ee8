"""User contexts: users of a title's application, under a UUID that it chooses, with their scopes.

(The badge document's user context: `userContextId` is the number assigned here, the UUID comes with the request.)
"""

import uuid
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
from cachetools import LRUCache

from service.control_characters import LINE_EXPECTED, is_line
from service.core.auth.permissions import may_put_user_context
from service.core.auth.principal import PLAYER_EXPECTED, Principal, parse_player
from service.core.unlocks.model import Change
from service.db.batching import BatchLoader
from service.db.limits import WRITE
from service.db.pool import Pool
from service.db.queries import query
from service.errors import InvalidField

Scope = Literal["AUTHENTICATED", "ADMINISTRATOR"]

MAX_NAME_CHARACTERS = 255
_CACHE_SIZE = 8_192

ContextKey = tuple[int, uuid.UUID]
"""A title and the UUID of a context in it."""


class UserContext(msgspec.Struct, frozen=True):
    """One user of a title's applications. `player` is the player whose achievements are theirs.

    `context_id` is unique in the whole service, 0 for a user who is named by a token instead.
    """

    context_id: int
    title_id: int
    uuid: uuid.UUID
    player: str
    display_name: str
    is_active: bool
    scopes: list[Scope]


class UserContexts:
    """Contexts by UUID, with a cache: changes by other processes are seen after the next `refresh` at the latest."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._loader = BatchLoader(self._load)
        self._cache: LRUCache[ContextKey, UserContext] = LRUCache(_CACHE_SIZE)
        self._puts = 0  # a context that was read before a put may be older than it, and is not cached

    async def by_uuid(self, title_id: int, name: uuid.UUID) -> UserContext | None:
        """The context with this UUID in the title; None if there is none.

        Raises:
            Unavailable: the database is out of reach, and the context is not cached.
        """
        cached = self._cache.get((title_id, name))
        if cached is not None:
            return cached
        puts = self._puts
        context = await self._loader.load((title_id, name))
        if context is not None and puts == self._puts:
            self._cache[title_id, name] = context
        return context

    async def by_uuid_uncached(self, title_id: int, name: uuid.UUID) -> UserContext | None:
        """The same, read from the database now.

        Raises:
            Unavailable: the database is out of reach.
        """
        return await self._loader.load((title_id, name))

    async def by_id(self, title_id: int, context_id: int) -> UserContext | None:
        """The context with this number; None if the title has none.

        Raises:
            Unavailable: the database is out of reach.
        """
        async with self._pool.connection() as connection:
            return await _by_id.first(connection, title_id=title_id, context_id=context_id)

    async def put(
        self, principal: Principal, write: Callable[[Change], Awaitable[object]], context: UserContext
    ) -> UserContext:
        """Create or replace a context and return it with its number.

        `write` writes a change of the player, who exists in the title from then on.

        Raises:
            PermissionDenied: the caller may not create contexts of the title.
            InvalidField: the display name is empty, too long or no line, or the player is not valid.
            NotFound: the title is not published.
            Unavailable: the database is out of reach. Retrying is safe.
        """
        may_put_user_context(principal, context.title_id)
        name = context.display_name
        if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not is_line(name) or name.isspace():
            raise InvalidField("displayName", f"1 to {MAX_NAME_CHARACTERS} characters {LINE_EXPECTED}", name)
        try:
            parse_player(context.player)
        except ValueError:
            raise InvalidField("player", PLAYER_EXPECTED, ascii(context.player)) from None
        profile = {"name": context.display_name, "is_active": context.is_active}
        await write(Change(player=context.player, title_id=context.title_id, profile=profile))
        async with self._pool.connection(WRITE) as connection:
            put = await _put.one(
                connection,
                title_id=context.title_id,
                uuid=context.uuid,
                player=context.player,
                display_name=context.display_name,
                is_active=context.is_active,
                scopes=sorted(set(context.scopes)),
            )
        self._puts += 1
        self._cache[put.title_id, put.uuid] = put
        return put

    def forget(self) -> None:
        """Forget all contexts, those that are being read included."""
        self._puts += 1
        self._cache.clear()

    async def refresh(self) -> None:
        """Read the cached contexts again.

        Raises:
            Unavailable: the database is out of reach.
        """
        names = list(self._cache)
        if not names:
            return
        puts = self._puts
        contexts = await self._load(names)
        if puts != self._puts:
            return  # the next refresh will do
        for name, context in zip(names, contexts, strict=True):
            if context is None:
                self._cache.pop(name, None)
            elif name in self._cache:
                self._cache[name] = context

    async def _load(self, names: list[ContextKey]) -> list[UserContext | None]:
        title_ids, uuids = zip(*names, strict=True)
        async with self._pool.connection() as connection:
            rows = await _by_uuid.all(connection, title_ids=title_ids, uuids=uuids)
        by_key = {(row.title_id, row.uuid): row for row in rows}
        return [by_key.get(name) for name in names]


_by_uuid = query("user_contexts.by_uuid", row=UserContext)
_by_id = query("user_contexts.by_id", row=UserContext)
_put = query("user_contexts.put", row=UserContext)
