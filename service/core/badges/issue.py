"""Issue signed Open Badges documents: the credential of a player, and the status lists of a title."""

import msgspec

from service.core.badges.credential import IssuerContext, credential_claims
from service.core.badges.earned import find_earned
from service.core.badges.revocations import revoked_positions
from service.core.badges.signing_keys import SigningKeys, load_signing_keys
from service.core.badges.status_list import JsonObject, status_list_claims
from service.core.progress.reader import ProgressReader
from service.db.pool import Pool


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
