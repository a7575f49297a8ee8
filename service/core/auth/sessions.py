"""A browser's session: who signed in, in a signed cookie that every process can read and none else can write. Pure.

It holds the claims of a verified token and never the token: a stolen cookie opens the workbench alone.
"""

import hashlib
import secrets

import msgspec
from itsdangerous import BadData, Signer, URLSafeSerializer

from service.core.auth.principal import Grant, Principal
from service.errors import InvalidField, Unauthenticated

MAX_CHARACTERS = 3800  # a browser keeps a cookie of 4096 bytes, with its name and attributes


class _Session(msgspec.Struct, frozen=True, array_like=True):
    """`nonce` makes two sessions of one person differ, so that each has a form key of its own."""

    name: str
    expires_at: int
    grants: tuple[Grant, ...]
    country: str | None
    nonce: bytes


class _Json:
    """Sessions as JSON text, for the serializer."""

    @staticmethod
    def dumps(session: object) -> str:
        return msgspec.json.encode(session).decode()

    @staticmethod
    def loads(text: str) -> _Session:
        return msgspec.json.decode(text, type=_Session)


class Sessions:
    """Signs and reads sessions with a key that all processes share."""

    def __init__(self, key: bytes) -> None:
        self._serializer = URLSafeSerializer(
            key,
            salt=b"session",
            serializer=_Json,
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
        self._form_signer = Signer(key, salt=b"form", key_derivation="hmac", digest_method=hashlib.sha256)

    def seal(self, principal: Principal) -> str:
        """The cookie's value, of letters, digits, `-`, `_` and `.`.

        Raises:
            InvalidField: it would be longer than a browser keeps.
        """
        session = _Session(
            principal.name, principal.expires_at, principal.grants, principal.country, secrets.token_bytes(12)
        )
        text = self._serializer.dumps(session)
        if len(text) > MAX_CHARACTERS:
            raise InvalidField("token", "one with fewer grants: a browser keeps no more")
        return text

    def open(self, session: str, now: float) -> Principal:
        """Who signed in. `now` is in seconds since 1970.

        Raises:
            Unauthenticated: the session was altered, is another service's, or has expired.
        """
        if len(session) > MAX_CHARACTERS or not session.isascii():
            raise Unauthenticated("the session is not one of this service: sign in again")
        try:
            content: _Session = self._serializer.loads(session)
        except BadData:
            raise Unauthenticated("the session is not one of this service: sign in again") from None
        if content.expires_at <= now:
            raise Unauthenticated("the session is over, as its token is: sign in again")
        return Principal(
            players=(), expires_at=content.expires_at, name=content.name, grants=content.grants, country=content.country
        )

    def form_key(self, session: str) -> str:
        """The key that forms of this session carry, so that no other site can send them."""
        return self._form_signer.get_signature(session).decode()

    def is_form_key(self, session: str, form_key: str) -> bool:
        """Whether `form_key` is that of the session, in constant time."""
        return self._form_signer.verify_signature(session.encode(), form_key)
