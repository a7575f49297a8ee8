"""Users as an application of a title knows them: under a UUID of its own, with what each may.

(The badges document's user context: `userContextId` is the number that is given here, the UUID comes with the request.)
"""

import uuid
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
from cachetools import LRUCache

from service.core.unlocks.model import Change
from service.db.batching import BatchLoader
from service.db.pool import Pool
from service.db.queries import query
from service.errors import InvalidField

Scope = Literal["AUTHENTICATED", "ADMINISTRATOR"]

MAX_NAME_CHARACTERS = 255
_MOST_PLAYER_CHARACTERS = 128
_MAX_REMEMBERED = 8_192

ContextKey = tuple[int, uuid.UUID]
"""A title, and the UUID of a context in it."""


class UserContext(msgspec.Struct, frozen=True):
    """One user of a title's applications. `player` is whose achievements they see as their own.

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
    """Who is behind a UUID. What other processes changed is known after the next `refresh` at the latest."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._found = BatchLoader(self._answer)
        self._remembered: LRUCache[ContextKey, UserContext] = LRUCache(_MAX_REMEMBERED)
        self._puts = 0  # an answer that was asked for before a put may be older than it, and is not remembered

    async def by_uuid(self, title_id: int, name: uuid.UUID) -> UserContext | None:
        """The context of that UUID in the title; None if there is none.

        Raises:
            Unavailable: the database is out of reach, and the context is not remembered.
        """
        remembered = self._remembered.get((title_id, name))
        if remembered is not None:
            return remembered
        puts = self._puts
        found = await self._found.load((title_id, name))
        if found is not None and puts == self._puts:
            self._remembered[title_id, name] = found
        return found

    async def by_uuid_uncached(self, title_id: int, name: uuid.UUID) -> UserContext | None:
        """The same as the database has it now, whatever is remembered.

        Raises:
            Unavailable: the database is out of reach.
        """
        return await self._found.load((title_id, name))

    async def by_id(self, title_id: int, context_id: int) -> UserContext | None:
        """The context of that number, if it is of this title.

        Raises:
            Unavailable: the database is out of reach.
        """
        async with self._pool.connection() as connection:
            return await _by_id.first(connection, title_id=title_id, context_id=context_id)

    async def put(self, write: Callable[[Change], Awaitable[object]], context: UserContext) -> UserContext:
        """Create or replace a context and return it with its number.

        `write` records a change of the player, who exists in the title from then on.

        Raises:
            InvalidField: a name that is empty, too long, or not printable.
            NotFound: the title is not published.
            Unavailable: the database is out of reach. Asking again is safe.
        """
        _refuse_name("displayName", context.display_name, MAX_NAME_CHARACTERS)
        _refuse_name("player", context.player, _MOST_PLAYER_CHARACTERS)
        profile = {"name": context.display_name, "is_active": context.is_active}
        await write(Change(player=context.player, title_id=context.title_id, profile=profile))
        async with self._pool.connection() as connection:
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
        self._remembered[put.title_id, put.uuid] = put
        return put

    async def refresh(self) -> None:
        """See what others changed of the contexts that are remembered."""
        names = list(self._remembered)
        if not names:
            return
        puts = self._puts
        answers = await self._answer(names)
        if puts != self._puts:
            return  # the next time will do
        for name, found in zip(names, answers, strict=True):
            if found is None:
                self._remembered.pop(name, None)
            elif name in self._remembered:
                self._remembered[name] = found

    async def _answer(self, names: list[ContextKey]) -> list[UserContext | None]:
        title_ids, uuids = zip(*names, strict=True)
        async with self._pool.connection() as connection:
            rows = await _by_uuid.all(connection, title_ids=title_ids, uuids=uuids)
        found = {(row.title_id, row.uuid): row for row in rows}
        return [found.get(name) for name in names]


def _refuse_name(field: str, text: str, most: int) -> None:
    if not 1 <= len(text) <= most or not text.isprintable() or text.isspace():
        raise InvalidField(field, f"1 to {most} characters that can be read", text)


_by_uuid = query("user_contexts.by_uuid", row=UserContext)
_by_id = query("user_contexts.by_id", row=UserContext)
_put = query("user_contexts.put", row=UserContext)
