"""Open Badges 3.0: what a player unlocked, and what stands beside it, as JSON documents to be signed. Pure.

Nothing in them names a player. A keyed hash stands for the player, for the credential and for its place in the status
lists, so that whoever meets one can neither read nor guess whose it is.
"""

import base64
import gzip
import hmac
import re
import urllib.parse
import uuid
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from service import ticks
from service.core.catalog.model import NO_PICTURE, Achievement
from service.core.publishing.published_title import LocalizedTexts, PublishedTitle
from service.errors import NotFound

JsonObject = dict[str, Any]

CREDENTIALS_CONTEXT = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES_CONTEXT = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
STATUS_LIST_BITS = 131_072  # 16 KiB: the fewest that a list may have (Bitstring Status List 1.0)
MAX_STATUS_LISTS = 2**32  # a title's: with them, two awards of a title share a bit once in 2**49
HOUR_SECONDS = 3600  # seconds
STATUS_LIST_LIFETIME_SECONDS = 24 * HOUR_SECONDS  # how long a copy of a list may be shown instead of a newer one

_LANGUAGE = re.compile(r"[a-z]{2,4}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")  # what OB 3.0 allows for `inLanguage`


class EarnedAchievement(msgspec.Struct, frozen=True):
    """That a player unlocked an achievement, and when, in ticks."""

    player: str
    achievement: Achievement
    unlocked_at: int


class StatusPosition(msgspec.Struct, frozen=True):
    """Where the status of an award stands: which of the title's lists, which bit of it."""

    list: int
    index: int


class IssuerContext(msgspec.Struct, frozen=True):
    """A title as an issuer of badges. `base` is what all URLs begin with; `chain` the languages of all texts."""

    base_url: str
    published: PublishedTitle
    chain: tuple[str, ...]

    @property
    def url(self) -> str:
        """What the URLs of this title begin with."""
        return title_url(self.base_url, self.published.title_id)

    def locale_of(self, words: LocalizedTexts) -> str | None:
        """The most wanted language that any of these words is in; None if there are none."""
        return None if words.first_locale is None else self.chain[words.first_locale]


def title_url(base: str, title_id: int) -> str:
    """What the URLs of a title begin with."""
    return f"{base}/open-badges/titles/{title_id}"


def issuer_url(base: str, title_id: int) -> str:
    """Who issues the badges of a title: `iss` of all that is signed for it."""
    return f"{title_url(base, title_id)}/issuer"


def status_list_url(base: str, title_id: int, number: int) -> str:
    """Where one of a title's status lists is."""
    return f"{title_url(base, title_id)}/status/{number}"


def find_achievement(published: PublishedTitle, public_id: str) -> Achievement:
    """The achievement of that public id. What is archived was earned all the same, so it stays a badge.

    Raises:
        NotFound: there is none, or it was never active.
    """
    for achievement in published.all_achievements.values():
        if achievement.public_id == public_id and achievement.status != "inactive":
            return achievement
    raise NotFound("the title has no such achievement")


def issuer_profile(issuing: IssuerContext) -> tuple[JsonObject, str | None]:
    """The title as a Profile, and the language of its name."""
    name, language = issuing.published.name(issuing.chain)
    title_id = issuing.published.title_id
    document = {
        "id": issuer_url(issuing.base_url, title_id),
        "type": ["Profile"],
        "name": name or f"Title {title_id}",
    }
    return document, language


def achievement_document(issuing: IssuerContext, one: Achievement, *, is_held: bool) -> tuple[JsonObject, str | None]:
    """What can be earned as an Achievement, and its language. A secret is told to those who hold it alone.

    `description` and `criteria` are never absent (OB 3.0, Achievement): where a text is missing, the next best stands.
    """
    words = issuing.published.texts_of(one, issuing.chain)
    locked = words.locked_description or words.name
    told = words.description or words.name
    language = issuing.locale_of(words)
    document: JsonObject = {
        "id": f"{issuing.url}/achievements/{urllib.parse.quote(one.public_id, safe='')}",
        "type": ["Achievement"],
        "name": words.name,
        "description": told if is_held or not one.is_secret else locked,
        "criteria": {"narrative": locked},
    }
    icon = next((media for media in one.media if media.kind == "Icon"), NO_PICTURE)
    if icon != NO_PICTURE and icon.url.startswith(("https://", "http://")):
        document["image"] = {"id": icon.url, "type": "Image"}
    if language is not None and _LANGUAGE.fullmatch(language):
        document["inLanguage"] = language
    return document, language


def credential_claims(
    issuing: IssuerContext, award: EarnedAchievement, *, secret: bytes
) -> tuple[JsonObject, str | None]:
    """The claims of an award's OpenBadgeCredential in these languages, and the most wanted one that it is in.

    The same award in the same languages has the same claims for ever, unless its texts were changed. `validFrom` and
    `nbf` are the second of the unlock; 1970 where the unlock is older, as one without a known time is.
    """
    title_id = issuing.published.title_id
    profile, _ = issuer_profile(issuing)
    shown, language = achievement_document(issuing, award.achievement, is_held=True)
    numbers = award.achievement.number, award.unlocked_at
    credential_id = _urn(secret, "credential", title_id, award.player, *numbers, *issuing.chain)
    subject = _urn(secret, "subject", title_id, award.player)
    place = status_position(title_id, award, secret=secret)
    since = max(0, (award.unlocked_at - ticks.from_unix(0)) // ticks.SECOND)
    claims = {
        "@context": [CREDENTIALS_CONTEXT, OPEN_BADGES_CONTEXT],
        "id": credential_id,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": shown["name"],
        "issuer": profile,
        "validFrom": _moment(since),
        "credentialSubject": {"id": subject, "type": ["AchievementSubject"], "achievement": shown},
        "credentialStatus": {
            "id": f"{status_list_url(issuing.base_url, title_id, place.list)}#{place.index}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": str(place.index),
            "statusListCredential": status_list_url(issuing.base_url, title_id, place.list),
        },
        # The registered claims, each the same as a member above (OB 3.0, JWT proof format).
        "iss": profile["id"],
        "jti": credential_id,
        "sub": subject,
        "nbf": since,
    }
    return claims, language


def status_position(title_id: int, award: EarnedAchievement, *, secret: bytes) -> StatusPosition:
    """Where the award's status stands: always the same, and no telling whose it is without the secret."""
    digest = _digest(secret, "status", title_id, award.player, award.achievement.number, award.unlocked_at)
    return StatusPosition(int.from_bytes(digest[:4]) % MAX_STATUS_LISTS, int.from_bytes(digest[4:8]) % STATUS_LIST_BITS)


def status_list_claims(base: str, title_id: int, number: int, indexes: Iterable[int], *, now: int) -> JsonObject:
    """The claims of one of a title's status lists, in which these bits are set: a BitstringStatusListCredential.

    `now` is in seconds since 1970. The list is the same for an hour, and good for a day.
    """
    bits = bytearray(STATUS_LIST_BITS // 8)
    for index in indexes:
        bits[index // 8] |= 0x80 >> index % 8  # from the left: index 0 is the highest bit
    encoded = base64.urlsafe_b64encode(gzip.compress(bits, mtime=0)).decode().rstrip("=")
    url, since = status_list_url(base, title_id, number), now - now % HOUR_SECONDS
    return {
        "@context": [CREDENTIALS_CONTEXT],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer_url(base, title_id),
        "validFrom": _moment(since),
        "validUntil": _moment(since + STATUS_LIST_LIFETIME_SECONDS),
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": f"u{encoded}",  # multibase: base64url without padding
        },
        "iss": issuer_url(base, title_id),
        "jti": url,
        "nbf": since,
        "exp": since + STATUS_LIST_LIFETIME_SECONDS,
    }


def _moment(seconds: int) -> str:
    return ticks.to_text(ticks.from_unix(seconds), 0)


def _digest(secret: bytes, what: Literal["credential", "subject", "status"], *parts: str | int) -> bytes:
    return hmac.digest(secret, msgspec.json.encode([what, *parts]), "sha256")


def _urn(secret: bytes, what: Literal["credential", "subject"], *parts: str | int) -> str:
    """A UUID of our own making (RFC 9562, version 8)."""
    value = int.from_bytes(_digest(secret, what, *parts)[:16])
    value = value & ~(0xF << 76) & ~(0x3 << 62) | 8 << 76 | 2 << 62
    return uuid.UUID(int=value).urn
