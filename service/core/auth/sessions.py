"""Sessions of the workbench: who signed in, stored under the hash of the cookie, so that every process sees them end.

A session holds the claims of a verified token and never the token: a stolen cookie opens the workbench alone.
"""

import contextlib
import hashlib
import re
import secrets

import msgspec
from itsdangerous import Signer

from service.core.auth.principal import Grant, Principal
from service.db.incarnation import Incarnation
from service.db.pool import Pool
from service.db.queries import query, statement
from service.errors import CredentialExpired, Unauthenticated, Unavailable

MAX_SESSIONS = 20  # of one person; another one ends the oldest
_TOUCH_SECONDS = 60.0  # between writes of when a session was used
_COOKIE_BYTES = 32
_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class Sessions:
    """Starts, finds and ends sessions. One that was not used for `idle_seconds` is over."""

    def __init__(self, pool: Pool, key: bytes, incarnation: Incarnation, *, idle_seconds: float) -> None:
        """`key` signs forms, and all processes share it. Forms end when the database is restored (`incarnation`)."""
        self._pool = pool
        self._incarnation = incarnation
        self._idle_seconds = idle_seconds
        self._form_signer = Signer(key, salt=b"form", key_derivation="hmac", digest_method=hashlib.sha256)

    async def begin(self, principal: Principal) -> str:
        """Start a session that ends when the principal's token expires; returns the value of its cookie.

        Raises:
            Unavailable: the database is out of reach.
        """
        cookie = secrets.token_urlsafe(_COOKIE_BYTES)
        async with self._pool.transaction() as connection:
            await _begin.run(
                connection,
                sha256=_digest(cookie),
                name=principal.name,
                grants=msgspec.json.encode(principal.grants).decode(),
                country=principal.country,
                expires_at=principal.expires_at,
            )
            await _delete_old.run(connection, name=principal.name, most=MAX_SESSIONS, idle_seconds=self._idle_seconds)
        return cookie

    async def find(self, cookie: str) -> Principal:
        """Who signed in.

        Raises:
            Unauthenticated: there is no such session, or it is over.
            Unavailable: the database is out of reach.
        """
        if _COOKIE.fullmatch(cookie) is None:
            raise Unauthenticated("the session is not one of this service: sign in again")
        async with self._pool.connection() as connection:
            row = await _find.first(connection, sha256=_digest(cookie), idle_seconds=self._idle_seconds)
        if row is None:
            raise CredentialExpired("the session is over: sign in again")
        if row.unused_seconds > min(_TOUCH_SECONDS, self._idle_seconds / 2):
            with contextlib.suppress(Unavailable):  # pages are read while nothing can be written
                async with self._pool.connection() as connection:
                    await _touch.run(connection, sha256=_digest(cookie))
        return Principal(
            players=(),
            expires_at=row.expires_at,
            name=row.name,
            grants=msgspec.json.decode(row.grants, type=tuple[Grant, ...]),
            country=row.country,
        )

    async def end(self, cookie: str) -> None:
        """End a session, if it is one.

        Raises:
            Unavailable: the database is out of reach.
        """
        if _COOKIE.fullmatch(cookie) is not None:
            async with self._pool.connection() as connection:
                await _end.run(connection, sha256=_digest(cookie))

    def form_key(self, cookie: str) -> str:
        """The key that forms of this session carry, so that no other site can send them."""
        return self._form_signer.get_signature(self._signed(cookie)).decode()

    def is_form_key(self, cookie: str, form_key: str) -> bool:
        """Whether `form_key` is that of the session, in constant time."""
        return self._form_signer.verify_signature(self._signed(cookie), form_key)

    def _signed(self, cookie: str) -> bytes:
        return f"{cookie}.{self._incarnation.tag}".encode()


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()


class _SessionRow(msgspec.Struct, frozen=True):
    name: str
    grants: str
    country: str | None
    expires_at: int
    unused_seconds: float


_begin = statement("sessions.begin")
_find = query("sessions.find", row=_SessionRow)
_touch = statement("sessions.touch")
_end = statement("sessions.end_session")
_delete_old = statement("sessions.delete_old")
