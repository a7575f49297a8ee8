"""OAuth clients of a title: client credentials (RFC 6749 §4.4) exchanged for tokens that this service signs.

The signing key is stored in the database and differs from the keys that verify players' tokens, so neither kind of
token can be signed with the key of the other.
"""

import time

import msgspec

from service import base64url
from service.core.auth import tokens
from service.core.auth.api_keys import ApiKeys
from service.core.auth.key_ring import KeyRing
from service.core.auth.principal import CONTEXTS, UNKNOWN, Principal
from service.core.auth.tokens import Verifier
from service.errors import Unauthenticated

_KID = "application"
_HEADER = base64url.encode(msgspec.json.encode({"alg": "HS256", "kid": _KID, "typ": "JWT"}))


class OAuthClients:
    """Issues tokens to clients and verifies them."""

    def __init__(self, keys: ApiKeys, *, key: bytes, issuer: str, audience: str) -> None:
        self._keys = keys
        self._secret = key.hex()
        self._issuer = f"{issuer}/oauth"
        self._audience = audience
        self._verifier = Verifier(KeyRing.from_secret(self._secret), issuer=self._issuer, audience=audience)

    async def issue_token(self, client_id: str, client_secret: str) -> str:
        """A token of the client's title and of no user, valid for an hour.

        Raises:
            Unauthenticated: there is no such client, it was revoked, or the secret is wrong.
            Unavailable: the database is out of reach.
        """
        return tokens.client_token(
            self._secret,
            kid=_KID,
            issuer=self._issuer,
            audience=self._audience,
            now=int(time.time()),
            title_id=await self._keys.title_of_client(client_id, client_secret),
            client_id=client_id,
            scope=CONTEXTS,
        )

    async def principal(self, field: str, now: float) -> Principal:
        """The principal of `Authorization: Bearer <token>`. `now` is in seconds since 1970.

        Raises:
            Unauthenticated: it is no token of a client, was altered, or has expired, or the client was revoked.
            Unavailable: the database is out of reach, and the client is not cached.
        """
        principal = self._verifier.bearer(field, now)
        # Processes of the version before, which run beside this one in an upgrade, issue tokens that name no client.
        if principal.name != UNKNOWN and not await self._keys.is_client(principal.name):
            raise Unauthenticated("the client of this token was revoked")
        return principal

    @staticmethod
    def is_client_token(field: str) -> bool:
        """Whether the field looks like a token of a client: it only decides which key must verify it."""
        return field[7:].startswith(_HEADER)
