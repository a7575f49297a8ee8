"""Open Badges 3.0 documents: a title as issuer, an achievement, and the credential of a player who unlocked it. Pure.

Nothing in them names a player: keyed hashes stand for the player, the credential and its bit in the status lists.
"""

import re

import msgspec

from service import ticks
from service.core.badges.earned import EarnedAchievement
from service.core.badges.pseudonyms import keyed_hash, pseudonym
from service.core.badges.status_list import (
    CREDENTIALS_CONTEXT,
    MAX_STATUS_LISTS,
    STATUS_LIST_BITS,
    JsonObject,
    StatusPosition,
)
from service.core.badges.urls import achievement_url, issuer_url, status_list_url
from service.core.catalog.model import NO_PICTURE, Achievement
from service.core.publishing.published_title import LocalizedTexts, PublishedTitle

OPEN_BADGES_CONTEXT = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
CONTEXTS = (CREDENTIALS_CONTEXT, OPEN_BADGES_CONTEXT)

_LANGUAGE = re.compile(r"[a-z]{2,4}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")  # what OB 3.0 allows for `inLanguage`


class IssuerContext(msgspec.Struct, frozen=True):
    """A title as an issuer of badges. `base_url` is the prefix of all URLs; `chain` the languages of all texts."""

    base_url: str
    published: PublishedTitle
    chain: tuple[str, ...]

    def locale_of(self, texts: LocalizedTexts) -> str | None:
        """The best language that any of these texts is in; None if there are no texts."""
        return None if texts.first_locale is None else self.chain[texts.first_locale]


def issuer_profile(issuer: IssuerContext) -> tuple[JsonObject, str | None]:
    """The title as a Profile, and the language of its name."""
    name, locale = issuer.published.name(issuer.chain)
    title_id = issuer.published.title_id
    document: JsonObject = {
        "id": issuer_url(issuer.base_url, title_id),
        "type": ["Profile"],
        "name": name or f"Title {title_id}",
    }
    return document, locale


def achievement_document(
    issuer: IssuerContext, achievement: Achievement, *, is_held: bool
) -> tuple[JsonObject, str | None]:
    """What can be earned as an Achievement, and its language. Only those who hold a secret one read its description.

    `description` and `criteria` are never absent (OB 3.0, Achievement): the next best text replaces a missing one.
    """
    texts = issuer.published.texts_of(achievement, issuer.chain)
    locked_description = texts.locked_description or texts.name
    description = texts.description or texts.name
    locale = issuer.locale_of(texts)
    document: JsonObject = {
        "id": achievement_url(issuer.base_url, issuer.published.title_id, achievement.public_id),
        "type": ["Achievement"],
        "name": texts.name,
        "description": description if is_held or not achievement.is_secret else locked_description,
        "criteria": {"narrative": locked_description},
    }
    icon = next((media for media in achievement.media if media.kind == "Icon"), NO_PICTURE)
    if icon != NO_PICTURE and icon.url.startswith(("https://", "http://")):
        document["image"] = {"id": icon.url, "type": "Image"}
    if locale is not None and _LANGUAGE.fullmatch(locale):
        document["inLanguage"] = locale
    return document, locale


def credential_claims(
    issuer: IssuerContext, earned: EarnedAchievement, *, secret: bytes
) -> tuple[JsonObject, str | None]:
    """The claims of an OpenBadgeCredential, and the best language that its texts are in.

    The same achievement in the same languages always has the same claims, unless its texts change. `validFrom` and
    `nbf` are the second of the unlock; 1970 if the unlock is older or its time is unknown.
    """
    title_id = issuer.published.title_id
    profile, _ = issuer_profile(issuer)
    achievement, locale = achievement_document(issuer, earned.achievement, is_held=True)
    numbers = earned.achievement.number, earned.unlocked_at
    credential_id = pseudonym(secret, "credential", title_id, earned.player, *numbers, *issuer.chain)
    subject = pseudonym(secret, "subject", title_id, earned.player)
    position = status_position(title_id, earned, secret=secret)
    list_url = status_list_url(issuer.base_url, title_id, position.list)
    valid_from = max(0, (earned.unlocked_at - ticks.from_unix(0)) // ticks.SECOND)
    claims: JsonObject = {
        "@context": list(CONTEXTS),
        "id": credential_id,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": achievement["name"],
        "issuer": profile,
        "validFrom": ticks.to_text(ticks.from_unix(valid_from), 0),
        "credentialSubject": {"id": subject, "type": ["AchievementSubject"], "achievement": achievement},
        "credentialStatus": {
            "id": f"{list_url}#{position.index}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": str(position.index),
            "statusListCredential": list_url,
        },
        # The registered claims, each equal to a member above (OB 3.0, JWT proof format).
        "iss": profile["id"],
        "jti": credential_id,
        "sub": subject,
        "nbf": valid_from,
    }
    return claims, locale


def status_position(title_id: int, earned: EarnedAchievement, *, secret: bytes) -> StatusPosition:
    """Where the credential's status bit is: always the same, and without the secret nobody can tell whose it is."""
    hashed = keyed_hash(secret, "status", title_id, earned.player, earned.achievement.number, earned.unlocked_at)
    return StatusPosition(int.from_bytes(hashed[:4]) % MAX_STATUS_LISTS, int.from_bytes(hashed[4:8]) % STATUS_LIST_BITS)
