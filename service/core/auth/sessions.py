"""A browser's session: who signed in, sealed, so that any process can read it and nobody can write it. Pure.

It holds what a verified token said, and never the token: whoever reads the cookie can use it at the workbench alone.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import zlib

import msgspec

from service.core.auth.principal import Grant, Principal
from service.errors import InvalidField, Unauthenticated

LONGEST = 3800  # characters: a browser keeps a cookie of 4096 bytes, with its name and attributes
_MAC_BYTES = 32


class _Sealed(msgspec.Struct, frozen=True, array_like=True):
    """`nonce` makes two sessions of one person differ, so that each has a form key of its own."""

    name: str
    expires_at: int
    grants: tuple[Grant, ...]
    country: str | None
    nonce: bytes


class Sessions:
    """Seals and opens sessions with a key that all processes share."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, who: Principal) -> str:
        """What the browser keeps, in characters of base64url.

        Raises:
            InvalidField: it would be longer than a browser keeps.
        """
        sealed = _Sealed(who.name, who.expires_at, who.grants, who.country, secrets.token_bytes(12))
        packed = zlib.compress(msgspec.msgpack.encode(sealed))
        text = base64.urlsafe_b64encode(self._mac(b"session", packed) + packed).decode().rstrip("=")
        if len(text) > LONGEST:
            raise InvalidField("token", "one with fewer grants: a browser keeps no more")
        return text

    def open(self, session: str, now: float) -> Principal:
        """Who signed in.

        Raises:
            Unauthenticated: it was altered, is another service's, or its time is over.
        """
        try:
            data = base64.b64decode(session.encode("ascii") + b"=" * (-len(session) % 4), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            raise Unauthenticated("the session cannot be read: sign in again") from None
        mac, packed = data[:_MAC_BYTES], data[_MAC_BYTES:]
        if len(session) > LONGEST or not hmac.compare_digest(mac, self._mac(b"session", packed)):
            raise Unauthenticated("the session is not one of this service: sign in again")
        sealed = msgspec.msgpack.decode(zlib.decompress(packed), type=_Sealed)
        if sealed.expires_at <= now:
            raise Unauthenticated("the session is over, as its token is: sign in again")
        return Principal(
            players=(), expires_at=sealed.expires_at, name=sealed.name, grants=sealed.grants, country=sealed.country
        )

    def form_key(self, session: str) -> str:
        """What a form of this session carries, so that no other site can send it."""
        return self._mac(b"form", session.encode()).hex()

    def is_form_key(self, session: str, given: str) -> bool:
        """Whether it is that, in constant time."""
        return hmac.compare_digest(self.form_key(session).encode(), given.encode("utf-8", "replace"))

    def _mac(self, purpose: bytes, data: bytes) -> bytes:
        return hmac.digest(self._key, purpose + b"\0" + data, hashlib.sha256)
