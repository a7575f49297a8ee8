"""A title's own applications: client credentials (RFC 6749 §4.4) exchanged for tokens that this service alone signs.

The key is the database's, apart from those that verify players' tokens: neither kind of token can be made with the
other's key.
"""

import base64
import time

import msgspec

from service.core.auth import tokens
from service.core.auth.api_keys import ApiKeys
from service.core.auth.key_ring import KeyRing
from service.core.auth.principal import CONTEXTS, Principal
from service.core.auth.tokens import Verifier

_KID = "application"
_BEGINNING = (
    base64.urlsafe_b64encode(msgspec.json.encode({"alg": "HS256", "kid": _KID, "typ": "JWT"})).decode().rstrip("=")
)


class OAuthClients:
    """Gives tokens to clients, and knows its own again."""

    def __init__(self, keys: ApiKeys, *, key: bytes, issuer: str, audience: str) -> None:
        self._keys = keys
        self._secret = key.hex()
        self._issuer = f"{issuer}/oauth"
        self._audience = audience
        self._verifier = Verifier(KeyRing.from_secret(self._secret), issuer=self._issuer, audience=audience)

    async def issue_token(self, client_id: str, client_secret: str) -> str:
        """A token for an hour, of the client's title and of no user.

        Raises:
            Unauthenticated: there is no such client, it was revoked, or the secret is another.
            Unavailable: the database is out of reach.
        """
        return tokens.client_token(
            self._secret,
            kid=_KID,
            issuer=self._issuer,
            audience=self._audience,
            now=int(time.time()),
            title_id=await self._keys.title_of_client(client_id, client_secret),
            scope=CONTEXTS,
        )

    def principal(self, field: str, now: float) -> Principal:
        """Who sent this `Authorization: Bearer <token>`.

        Raises:
            Unauthenticated: it is none of these tokens, was altered, or has expired.
        """
        return self._verifier.bearer(field, now)

    @staticmethod
    def is_client_token(field: str) -> bool:
        """Whether the field claims to carry one of these tokens: that only says which key has to prove it."""
        return field[7:].startswith(_BEGINNING)
