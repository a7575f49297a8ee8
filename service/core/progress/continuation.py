"""Continuation tokens: an opaque, authenticated encoding of the cursor at which the next page begins."""

import base64
import functools
import hashlib
import hmac
import re
import struct
import zlib

from service.core.progress.ordering import Cursor, ListSpec, Order
from service.db.incarnation import Incarnation
from service.errors import InvalidToken

_FORMAT = 1
_PAYLOAD = struct.Struct(">BBBIIII")  # format and order, player's tag, list's tag, title, number, as of, version
_MAC_BYTES = 5  # 40 bits: a guess moves only the guesser's own cursor
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")  # 24 bytes, no padding; 32 is the documented maximum of the wire
_CACHED_TITLES = 32  # of a list: longer ones are not cached


class ContinuationTokens:
    """Makes and reads continuation tokens: opaque, authenticated, deterministic, 32 characters of base64url.

    The message authentication code covers the player, the filters and the order, so a token of another list is always
    rejected, and one from before the database went back in time (`incarnation`). Two one-byte tags in the token only serve to name the difference in the error message.
    """

    def __init__(self, key: bytes, incarnation: Incarnation) -> None:
        self._incarnation = incarnation
        self._key = hashlib.blake2b(key, person=b"continuation").digest()

    def make(self, cursor: Cursor, *, player: str, spec: ListSpec) -> str:
        """The token of the page after the cursor."""
        payload = _PAYLOAD.pack(
            _FORMAT << 4 | spec.order,
            _tag(player),
            _tag(_filters(spec)),
            cursor.title_id,
            cursor.number,
            cursor.as_of,
            cursor.version,
        )
        return base64.urlsafe_b64encode(payload + self._mac(payload, player, spec)).decode()

    def read(self, token: str, *, player: str, spec: ListSpec) -> Cursor:
        """The cursor in a token.

        Raises:
            InvalidToken: the token was altered, or belongs to another player, filter or order; the message says which.
        """
        if _TOKEN.fullmatch(token) is None:
            raise _invalid("it is not a token of this service; send one as it came, or an offset such as 32")
        raw = base64.urlsafe_b64decode(token)
        payload = raw[:-_MAC_BYTES]
        kind, player_tag, list_tag, title_id, number, as_of, version = _PAYLOAD.unpack(payload)
        if hmac.compare_digest(raw[-_MAC_BYTES:], self._mac(payload, player, spec)):
            return Cursor(title_id=title_id, number=number, as_of=as_of, version=version)
        if kind >> 4 == _FORMAT:
            if player_tag != _tag(player):
                raise _invalid("it belongs to another player")
            if kind & 15 != spec.order and kind & 15 in list(Order):
                raise _invalid("it belongs to another orderBy")
            if list_tag != _tag(_filters(spec)):
                raise _invalid("it belongs to another list or filter (titleId, types, unlockedOnly, possibleOnly)")
        raise _invalid(
            "it was altered, or the data was restored since; send a token as it came, or begin again without"
        )

    def _mac(self, payload: bytes, player: str, spec: ListSpec) -> bytes:
        context = f"\0{player}\0{spec.order:d}\0{_filters(spec)}\0{self._incarnation.tag}".encode()
        return hashlib.blake2b(payload + context, digest_size=_MAC_BYTES, key=self._key).digest()


def _tag(text: str) -> int:
    """One byte that differs for most other texts. It protects nothing; it only helps to explain a mismatch."""
    return zlib.crc32(text.encode()) & 0xFF


def _filters(spec: ListSpec) -> str:
    return _cached_filters(spec) if len(spec.titles) <= _CACHED_TITLES else _cached_filters.__wrapped__(spec)


@functools.lru_cache(maxsize=4096)  # players share few lists
def _cached_filters(spec: ListSpec) -> str:
    return f"{spec.of} {spec.titles} {spec.own_title} {spec.kind} {spec.unlocked_only} {spec.possible_only}"


def _invalid(reason: str) -> InvalidToken:
    return InvalidToken(f"continuationToken: {reason}")
