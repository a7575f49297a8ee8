"""Issue signed Open Badges documents: the credential of a player, and the status lists of a title."""

import hashlib
import time

import msgspec
from cachetools import LRUCache

from service.core.badges.credential import IssuerContext, credential_claims
from service.core.badges.earned import find_earned
from service.core.badges.revocations import revoked_positions
from service.core.badges.signing_keys import SigningKeys, load_signing_keys
from service.core.badges.status_list import JsonObject, status_list_claims
from service.core.progress.reader import ProgressReader
from service.db.pool import Pool
from service.errors import TooManyRequests
from service.quotas import Quota, TokenBucket

_PUBLIC_SIGNATURES = Quota(200, 10.0)  # about 2 % of a process
_MAX_TOKENS = 256  # of at most 30 KB each


class SignableDocument(msgspec.Struct, frozen=True):
    """Claims and the keys to sign them with: signing costs about a millisecond, so it waits until a token is sent.

    `locales` are those of its texts in order of appearance.
    """

    claims: JsonObject
    keys: SigningKeys
    base_url: str
    locales: tuple[str | None, ...] = ()

    def sign(self) -> str:
        """The claims as a compact JWS."""
        return self.keys.sign(self.claims, base_url=self.base_url)


class PublicSignatures:
    """Signs documents that anybody may request: each once, and only so many in a time.

    A title has 2**32 status lists, and nobody can tell which of them are in use, so that a stranger could have any
    number of them signed.
    """

    def __init__(self) -> None:
        self._tokens: LRUCache[bytes, str] = LRUCache(_MAX_TOKENS)
        self._bucket = TokenBucket()

    def sign(self, document: SignableDocument) -> str:
        """The document as a compact JWS, as it was signed before if it is the same.

        Raises:
            TooManyRequests: too many others were signed just now.
        """
        content = msgspec.json.encode((document.keys.thumbprint, document.base_url, document.claims))
        digest = hashlib.sha256(content).digest()
        token = self._tokens.get(digest)
        if token is None:
            wait_seconds = self._bucket.take(_PUBLIC_SIGNATURES, time.perf_counter())
            if wait_seconds:
                raise TooManyRequests(
                    "too many status lists are requested that were not requested before",
                    policy="signatures",
                    limit=_PUBLIC_SIGNATURES.amount,
                    window_seconds=int(_PUBLIC_SIGNATURES.window_seconds),
                    retry_after=wait_seconds,
                )
            token = self._tokens[digest] = document.sign()
        return token


async def issue_credential(
    pool: Pool, progress: ProgressReader, issuer: IssuerContext, *, player: str, public_id: str
) -> SignableDocument:
    """The credential of a player who unlocked the achievement with that public id.

    Raises:
        NotFound: there is no such achievement, or the player has not unlocked it.
        Unavailable: the database is out of reach.
    """
    earned = await find_earned(progress, issuer.published, player=player, public_id=public_id)
    keys = await load_signing_keys(pool)
    claims = credential_claims(issuer, earned, secret=keys.secret)
    return SignableDocument(claims.members, keys, issuer.base_url, claims.locales)


async def issue_status_list(pool: Pool, *, base_url: str, title_id: int, number: int, now: int) -> SignableDocument:
    """One of a title's status lists; `now` is in seconds since 1970.

    Raises:
        NotFound: the title has no list of that number.
        Unavailable: the database is out of reach.
    """
    indexes = await revoked_positions(pool, title_id=title_id, number=number)
    keys = await load_signing_keys(pool)
    return SignableDocument(status_list_claims(base_url, title_id, number, indexes, now=now), keys, base_url)
