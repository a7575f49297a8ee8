"""API keys of servers and of single players, and OAuth clients: created, stored as digests, cached and revoked.

A key is `prefix.secret`. It is found by the prefix and proven by the SHA-256 of the secret; nothing else is stored, and
no error message repeats any part of the secret. A client's id is such a prefix too, with a beginning of its own, so a
key never works as a client nor the reverse.
"""

import datetime
import hashlib
import hmac
import re
import secrets
import time
import uuid
from collections.abc import Callable, Sequence

import msgspec
from cachetools import LRUCache

from service.control_characters import LINE_EXPECTED, is_line
from service.core.auth.principal import EDIT, KEY_SCOPES, READ_ANY, WRITE, WRITE_OWN, KeyScope, Principal
from service.db import Connection
from service.db.batching import BatchLoader
from service.db.pool import Pool
from service.db.queries import query, statement
from service.errors import InvalidField, NotFound, Unauthenticated

_KEY = re.compile(r"((?:lrl|app)_[A-Za-z0-9]{10})\.([A-Za-z0-9_-]{43})", re.ASCII)
_CLIENT_ID = re.compile(r"cli_[A-Za-z0-9]{10}", re.ASCII)
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"  # no characters that look alike
_CACHE_SIZE = 65_536
_TITLE_SCOPES = frozenset({READ_ANY, WRITE, EDIT})
_PLAYER_SCOPES = frozenset({WRITE_OWN})
_FOREVER = 2**53
_USERS_SCOPES: tuple[KeyScope, ...] = ("events", "read")
_NAME_CHARACTERS = 64


def prefix_of(text: str) -> str | None:
    """The public part of a key or of a client's id; None if the text has no such form."""
    match = _KEY.fullmatch(text)
    if match is not None:
        return match[1]
    return text if _CLIENT_ID.fullmatch(text) else None


class NewKey(msgspec.Struct, frozen=True):
    """A new key, shown only once. `player` is None for a key of the title itself."""

    key_id: uuid.UUID
    key: str
    prefix: str
    player: str | None


class KeyInfo(msgspec.Struct, frozen=True):
    """What is stored of a key. `expires_at` is None for a key that never expires, `last_used_at` about a minute exact."""

    key_id: uuid.UUID
    prefix: str
    player: str | None
    name: str | None
    scopes: list[str]
    created_at: datetime.datetime
    expires_at: datetime.datetime | None
    last_used_at: datetime.datetime | None
    is_revoked: bool


class ApiKeys:
    """Authenticates keys, with a cache: a revoked key works until the next `refresh` at the latest.

    Keys that are used are collected, and written by `record_use`. `clock` is in seconds since 1970.
    """

    def __init__(self, pool: Pool, *, clock: Callable[[], float] = time.time) -> None:
        self._pool = pool
        self.clock = clock
        self._used = set[str]()
        self._loader = BatchLoader(self._load)
        self._cache: LRUCache[bytes, tuple[str, Principal]] = LRUCache(_CACHE_SIZE)
        self._clients: LRUCache[str, bool] = LRUCache(_CACHE_SIZE)

    async def principal(self, text: str) -> Principal:
        """The principal of a key: a title's servers, or one player in it.

        Raises:
            Unauthenticated: it is malformed, does not exist, was revoked, or has expired.
            Unavailable: the database is out of reach, and the key is not cached.
        """
        sha256 = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
        cached = self._cache.get(sha256)
        if cached is not None and self.clock() < cached[1].expires_at:
            self._used.add(cached[0])
            return cached[1]
        match = _KEY.fullmatch(text)
        if match is None:
            raise Unauthenticated("X-API-KEY: expected a key as it was shown when it was made")
        row = await self._verify(match[1], match[2])
        if row is None or (row.expires_at is not None and row.expires_at <= self.clock()):
            raise Unauthenticated("X-API-KEY: there is no such key, or it was revoked or has expired")
        principal = _principal(row)
        self._cache[sha256] = match[1], principal
        return principal

    async def title_of_client(self, client_id: str, client_secret: str) -> int:
        """The title of an OAuth client.

        Raises:
            Unauthenticated: there is no such client, it was revoked, or the secret is another.
            Unavailable: the database is out of reach.
        """
        row = await self._verify(client_id, client_secret) if _CLIENT_ID.fullmatch(client_id) else None
        if row is None:
            raise Unauthenticated("there is no such client, it was revoked, or its secret is wrong")
        return row.title_id

    async def is_client(self, client_id: str) -> bool:
        """Whether there is an OAuth client of this id that was not revoked before the last `refresh`.

        Raises:
            Unavailable: the database is out of reach, and the client is not cached.
        """
        if client_id in self._clients:
            return True
        is_client = _CLIENT_ID.fullmatch(client_id) is not None and await self._loader.load(client_id) is not None
        if is_client:
            self._clients[client_id] = True
        return is_client

    async def _verify(self, prefix: str, secret: str) -> "_KeyRow | None":
        """The key stored under the prefix, if the secret is right."""
        row = await self._loader.load(prefix)
        digest = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
        if row is None or not hmac.compare_digest(row.sha256, digest):
            return None
        self._used.add(prefix)
        return row

    def forget(self) -> None:
        """Forget all keys and clients."""
        self._cache.clear()
        self._clients.clear()

    async def refresh(self) -> list[str]:
        """Drop the cached keys and clients that were revoked or have expired; returns their prefixes.

        Raises:
            Unavailable: the database is out of reach.
        """
        # Others may be cached while the statement runs.
        known = {prefix for prefix, _ in self._cache.values()} | set(self._clients)
        if not known:
            return []
        async with self._pool.connection() as connection:
            rows = await _active_keys.all(connection, prefixes=sorted(known))
        revoked = known - {row.prefix for row in rows}
        for client_id in revoked:
            self._clients.pop(client_id, None)
        for sha256, (prefix, _) in list(self._cache.items()):
            if prefix in revoked:
                del self._cache[sha256]
        return sorted(revoked)

    async def record_use(self) -> None:
        """Write the time of the keys and clients that were used since the last call.

        Raises:
            Unavailable: the database is out of reach.
        """
        used, self._used = self._used, set()
        if not used:
            return
        try:
            async with self._pool.connection() as connection:
                await _record_use.run(connection, prefixes=sorted(used))
        except BaseException:
            self._used |= used
            raise

    async def _load(self, prefixes: list[str]) -> "list[_KeyRow | None]":
        async with self._pool.connection() as connection:
            rows = await _active_keys.all(connection, prefixes=prefixes)
        by_prefix = {row.prefix: row for row in rows}
        return [by_prefix.get(prefix) for prefix in prefixes]


async def create_key(
    connection: Connection,
    *,
    title_id: int,
    player: str | None = None,
    name: str | None = None,
    scopes: Sequence[KeyScope] = (),
    expires_at: datetime.datetime | None = None,
) -> NewKey:
    """Create a key of the title, or of one player in it; without `scopes`, for all that such a key can have.

    Raises:
        InvalidField: the name is no short line, a player's key would be for authoring, or the expiry has passed.
        NotFound: there is no such title.
    """
    possible = KEY_SCOPES if player is None else _USERS_SCOPES
    if not set(scopes) <= set(possible):
        raise InvalidField("scope", f"{' or '.join(possible)} for a key of one user", ", ".join(scopes))
    if name is not None and (not 1 <= len(name.strip()) <= _NAME_CHARACTERS or not is_line(name)):
        raise InvalidField("name", f"1 to {_NAME_CHARACTERS} characters {LINE_EXPECTED}", name)
    if expires_at is not None and expires_at <= datetime.datetime.now(datetime.UTC):
        raise InvalidField("expires", "a time in the future", expires_at.isoformat())
    return await _create(
        connection,
        "lrl_" if player is None else "app_",
        title_id=title_id,
        player=player,
        name=name,
        scopes=[scope for scope in possible if scope in scopes or not scopes],
        expires_at=expires_at,
    )


async def create_client(connection: Connection, *, title_id: int) -> tuple[str, str]:
    """Create an OAuth client of the title; returns its id and its secret.

    Raises:
        NotFound: there is no such title.
    """
    key = await _create(connection, "cli_", title_id=title_id, player=None)
    return key.prefix, key.key.removeprefix(f"{key.prefix}.")


async def _create(
    connection: Connection,
    kind: str,
    *,
    title_id: int,
    player: str | None,
    name: str | None = None,
    scopes: Sequence[str] = (),
    expires_at: datetime.datetime | None = None,
) -> NewKey:
    prefix = kind + "".join(secrets.choice(_ALPHABET) for _ in range(10))
    secret = secrets.token_urlsafe(32)
    key_id = uuid.uuid4()
    added = await _add_key.run(
        connection,
        key_id=key_id,
        title_id=title_id,
        prefix=prefix,
        sha256=hashlib.sha256(secret.encode()).digest(),
        player=player,
        name=name,
        scopes=scopes,
        expires_at=expires_at,
    )
    if not added:
        raise NotFound(f"there is no title {title_id}")
    return NewKey(key_id, f"{prefix}.{secret}", prefix, player)


async def revoke(connection: Connection, *, title_id: int, key_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Revoke these keys of a title; returns those that were valid until now."""
    return [row.key_id for row in await _revoke.all(connection, title_id=title_id, key_ids=list(key_ids))]


async def list_keys(connection: Connection, title_id: int) -> list[KeyInfo]:
    """All keys of a title, the newest first."""
    return await _keys_of_title.all(connection, title_id=title_id)


class _KeyRow(msgspec.Struct, frozen=True):
    prefix: str
    sha256: bytes
    title_id: int
    player: str | None
    name: str | None
    scopes: list[str]
    expires_at: int | None


class _KeyIdRow(msgspec.Struct, frozen=True):
    key_id: uuid.UUID


def _principal(row: _KeyRow) -> Principal:
    return Principal(
        players=() if row.player is None else (row.player,),
        expires_at=_FOREVER if row.expires_at is None else row.expires_at,
        title_id=row.title_id,
        scopes=_TITLE_SCOPES if row.player is None else _PLAYER_SCOPES,
        name=row.prefix if row.name is None else f"{row.name} ({row.prefix})",
        key_prefix=row.prefix,
        key_scopes=frozenset(row.scopes),
    )


_active_keys = query("api_keys.active_keys", row=_KeyRow)
_keys_of_title = query("api_keys.keys_of_title", row=KeyInfo)
_add_key = statement("api_keys.add_key")
_record_use = statement("api_keys.record_use")
_revoke = query("api_keys.revoke", row=_KeyIdRow)
