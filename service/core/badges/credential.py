"""Open Badges 3.0 documents: a title as issuer, an achievement, and the credential of a player who unlocked it. Pure.

Nothing in them names a player: keyed hashes stand for the player, the credential and its bit in the status lists.
"""

import re
from collections.abc import Sequence

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
from service.core.catalog.model import Achievement
from service.core.publishing.published_title import LocalizedTexts, PublishedTitle

OPEN_BADGES_CONTEXT = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
CONTEXTS = (CREDENTIALS_CONTEXT, OPEN_BADGES_CONTEXT)

_LANGUAGE = re.compile(r"[a-z]{2,4}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")  # what OB 3.0 allows for `inLanguage`


class IssuerContext(msgspec.Struct, frozen=True):
    """A title as an issuer of badges. `base_url` is the prefix of all URLs; `chain` the languages of all texts."""

    base_url: str
    published: PublishedTitle
    chain: tuple[str, ...]


class LocalizedDocument(msgspec.Struct, frozen=True):
    """The members of a JSON document, and the locales of its texts in order of appearance; None for an id as a text."""

    members: JsonObject
    locales: tuple[str | None, ...]


def issuer_profile(issuer: IssuerContext) -> LocalizedDocument:
    """The title as a Profile."""
    name, locale = issuer.published.name(issuer.chain)
    title_id = issuer.published.title_id
    members: JsonObject = {
        "id": issuer_url(issuer.base_url, title_id),
        "type": ["Profile"],
        "name": name or f"Title {title_id}",
    }
    return LocalizedDocument(members, (locale,))


def achievement_document(issuer: IssuerContext, achievement: Achievement, *, is_held: bool) -> LocalizedDocument:
    """What can be earned as an Achievement. Only those who hold a secret one read its description.

    `description` and `criteria` are never absent (OB 3.0, Achievement): the next best text replaces a missing one.
    """
    texts = issuer.published.texts_of(achievement, issuer.chain)
    name, description, locked_description = _texts_with_locales(texts, issuer.chain)
    if not locked_description[0]:
        locked_description = name
    if achievement.is_secret and not is_held:
        description = locked_description
    elif not description[0]:
        description = name
    members: JsonObject = {
        "id": achievement_url(issuer.base_url, issuer.published.title_id, achievement.public_id),
        "type": ["Achievement"],
        "name": name[0],
        "description": description[0],
        "criteria": {"narrative": locked_description[0]},
    }
    icon = achievement.icon
    if icon is not None and icon.url.startswith(("https://", "http://")):
        members["image"] = {"id": icon.url, "type": "Image"}
    language = None if texts.first_locale is None else issuer.chain[texts.first_locale]
    if language is not None and _LANGUAGE.fullmatch(language):
        members["inLanguage"] = language
    return LocalizedDocument(members, (name[1], description[1], locked_description[1]))


def credential_claims(issuer: IssuerContext, earned: EarnedAchievement, *, secret: bytes) -> LocalizedDocument:
    """The claims of an OpenBadgeCredential.

    The same achievement in the same languages always has the same claims, unless its texts change. `validFrom` and
    `nbf` are the second of the unlock; 1970 if the unlock is older or its time is unknown.
    """
    title_id = issuer.published.title_id
    profile = issuer_profile(issuer)
    achievement = achievement_document(issuer, earned.achievement, is_held=True)
    numbers = earned.achievement.number, earned.unlocked_at
    credential_id = pseudonym(secret, "credential", title_id, earned.player, *numbers, *issuer.chain)
    subject = pseudonym(secret, "subject", title_id, earned.player)
    position = status_position(title_id, earned, secret=secret)
    list_url = status_list_url(issuer.base_url, title_id, position.list)
    valid_from = max(0, (earned.unlocked_at - ticks.from_unix(0)) // ticks.SECOND)
    members: JsonObject = {
        "@context": list(CONTEXTS),
        "id": credential_id,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": achievement.members["name"],
        "issuer": profile.members,
        "validFrom": ticks.to_text(ticks.from_unix(valid_from), 0),
        "credentialSubject": {"id": subject, "type": ["AchievementSubject"], "achievement": achievement.members},
        "credentialStatus": {
            "id": f"{list_url}#{position.index}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": str(position.index),
            "statusListCredential": list_url,
        },
        # The registered claims, each equal to a member above (OB 3.0, JWT proof format).
        "iss": profile.members["id"],
        "jti": credential_id,
        "sub": subject,
        "nbf": valid_from,
    }
    return LocalizedDocument(members, (achievement.locales[0], *profile.locales, *achievement.locales))


def status_position(title_id: int, earned: EarnedAchievement, *, secret: bytes) -> StatusPosition:
    """Where the credential's status bit is: always the same, and without the secret nobody can tell whose it is."""
    hashed = keyed_hash(secret, "status", title_id, earned.player, earned.achievement.number, earned.unlocked_at)
    return StatusPosition(int.from_bytes(hashed[:4]) % MAX_STATUS_LISTS, int.from_bytes(hashed[4:8]) % STATUS_LIST_BITS)


def _texts_with_locales(texts: LocalizedTexts, chain: tuple[str, ...]) -> Sequence[tuple[str, str | None]]:
    """Name, description and locked description, each with its locale."""
    locales = (None if index is None else chain[index] for index in texts.locales)
    return list(zip((texts.name, texts.description, texts.locked_description), locales, strict=False))
