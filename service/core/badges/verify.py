"""Verify Open Badges of any issuer: signature, types, times, and the bit in the status list. Pure.

Until the signature is verified, only the address of the issuer's keys is taken from a credential.
"""

import datetime
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

import jwt
import msgspec

from service import base64url
from service.core.auth.key_ring import KEY_SET_MAX_BYTES, KeyRing, UnknownKey
from service.core.badges.credential import OPEN_BADGES_CONTEXT
from service.core.badges.status_list import CREDENTIALS_CONTEXT, decode_bits, is_set

ALGORITHMS = ("RS256", "ES256")  # what OB 3.0's own validator accepts
CLOCK_SKEW_SECONDS = 60  # between the issuer's clock and ours
MAX_DOCUMENT_BYTES = 1_048_576  # of a credential, a key set or a status list
_MAX_STATUSES = 8  # each one is a list to fetch from an address that the badge chooses
_MAX_STATUS_INDEX = 2**25  # status lists are read up to 4 MiB
_COMPACT_JWS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+", re.ASCII)
_CREDENTIAL_TYPES = {"OpenBadgeCredential", "AchievementCredential"}
_UNREADABLE = (
    jwt.PyJWTError,
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)
_DECODE_OPTIONS: jwt.types.Options = {
    "enforce_minimum_key_length": True,
    "verify_aud": False,
    # PyJWT reads the clock itself: see _check_times.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


class VerificationError(Exception):
    """A badge that is not valid; the message gives the reason to the person who verifies it."""


class UnverifiedCredential(msgspec.Struct, frozen=True):
    """A token whose signature is not verified yet. `issuer` is its `iss`, an http or https URL.

    `kid` is the URL of a key on the issuer's own origin; None if the header names its key otherwise or not at all.
    """

    token: str
    issuer: str
    kid: str | None

    @property
    def key_url(self) -> str:
        """Where to fetch the key: `kid`, or the key set of the issuer's origin."""
        return self.kid or f"{origin(self.issuer)}/.well-known/jwks.json"


class StatusEntry(msgspec.Struct, frozen=True):
    """A bit in a status list, and what it means if it is set: revocation or suspension."""

    url: str
    index: int
    purpose: str


class VerifiedCredential(msgspec.Struct, frozen=True):
    """A badge with a good signature, types and times; whether it was revoked is not checked yet.

    `valid_from` and `valid_until` are written as in the badge.
    """

    issuer: str
    issuer_name: str | None
    subject: str
    achievement: str
    description: str
    language: str | None
    valid_from: str
    valid_until: str | None
    statuses: tuple[StatusEntry, ...]


def extract_token(content: bytes) -> str:
    """The compact JWS in a file or response: the whole text, or the member `credential` of a JSON object.

    Raises:
        VerificationError: there is none.
    """
    if len(content) > MAX_DOCUMENT_BYTES:
        raise VerificationError(f"expected at most {MAX_DOCUMENT_BYTES} bytes")
    try:
        text = content.decode().strip()
        if text.startswith("{"):
            text = msgspec.json.decode(text, type=dict[str, Any])["credential"]
        if _COMPACT_JWS.fullmatch(text):
            return text
    except _UNREADABLE:
        pass
    raise VerificationError(
        'this is not a signed badge: expected a compact JWS, or JSON such as {"credential": "eyJ…"}'
    )


def read_unverified(token: str) -> UnverifiedCredential:
    """The issuer and the key that a token names.

    Raises:
        VerificationError: the header asks for an algorithm or an extension that is not accepted, there is no issuer,
            or the key is on another origin than the issuer.
    """
    try:
        header, claims = (
            msgspec.json.decode(base64url.decode(part), type=dict[str, Any]) for part in token.split(".")[:2]
        )
    except _UNREADABLE:
        raise VerificationError("the token is malformed") from None
    algorithm, issuer, kid = header.get("alg"), claims.get("iss"), header.get("kid")
    has_extensions = not header.keys().isdisjoint({"crit", "b64", "zip"})
    if algorithm not in ALGORITHMS or has_extensions or header.get("typ", "JWT") not in ("JWT", "vc+jwt"):
        raise VerificationError(f"the header is not accepted: expected alg {' or '.join(ALGORITHMS)}, and typ JWT")
    if not isinstance(issuer, str) or origin(issuer) is None:
        raise VerificationError("iss: expected the URL of an issuer")
    if not isinstance(kid, str) or origin(kid) is None:
        return UnverifiedCredential(token, issuer, None)
    if origin(kid) != origin(issuer):
        raise VerificationError("kid: the key is of another host than the issuer")
    return UnverifiedCredential(token, issuer, kid)


def parse_keys(document: bytes) -> KeyRing:
    """The keys of a JSON Web Key Set, or the one key of a JSON Web Key.

    Raises:
        VerificationError: it is neither, or has no key that could have signed a badge.
    """
    try:
        members = msgspec.json.decode(document, type=dict[str, Any])
        if "keys" not in members:
            document = msgspec.json.encode({"keys": [members]})
        return KeyRing.from_jwks(document)
    except _UNREADABLE:
        raise VerificationError(
            f"the keys cannot be used: expected a key set of at most {KEY_SET_MAX_BYTES} bytes"
        ) from None


def verify_credential(unverified: UnverifiedCredential, keys: KeyRing, *, now: float) -> VerifiedCredential:
    """The badge, if one of these keys signed it and its claims agree. `now` is in seconds since 1970.

    Raises:
        VerificationError: it is not valid (OB 3.0, "OpenBadgeCredential Verification").
    """
    claims = _verify_signature(unverified.token, keys)
    try:
        subject, issuer = claims["credentialSubject"], claims["issuer"]
        contexts, types = claims["@context"], _as_list(claims["type"])
        achievement = subject["achievement"]
        registered = {
            "iss": issuer["id"] if isinstance(issuer, dict) else issuer,
            "jti": claims["id"],
            "sub": subject["id"],
        }
        credential = VerifiedCredential(
            issuer=claims["iss"],
            issuer_name=issuer.get("name") if isinstance(issuer, dict) else None,
            subject=subject["id"],
            achievement=achievement["name"],
            description=achievement["description"],
            language=achievement.get("inLanguage"),
            valid_from=claims["validFrom"],
            valid_until=claims.get("validUntil"),
            statuses=tuple(map(_parse_status_entry, _as_list(claims.get("credentialStatus", [])))),
        )
        msgspec.convert(msgspec.to_builtins(credential), VerifiedCredential)  # checks the types of all members
        is_open_badge = contexts[0] == CREDENTIALS_CONTEXT and _is_open_badges_context(contexts[1])
        is_open_badge &= "VerifiableCredential" in types and not _CREDENTIAL_TYPES.isdisjoint(types)
    except _UNREADABLE:
        raise VerificationError(
            "this is not an OpenBadgeCredential: a member is missing, or is of another type"
        ) from None
    if not is_open_badge:
        raise VerificationError("this is not an OpenBadgeCredential: it has other contexts or types")
    for name, member in registered.items():
        if claims.get(name) != member:
            raise VerificationError(f"{name} differs from the same member of the credential")
    if len(credential.statuses) > _MAX_STATUSES:
        raise VerificationError(f"credentialStatus: expected at most {_MAX_STATUSES}, got {len(credential.statuses)}")
    _check_times(claims, now)
    return credential


def check_status_list(
    credential: VerifiedCredential, status: StatusEntry, unverified: UnverifiedCredential, keys: KeyRing, *, now: float
) -> None:
    """Check that the credential's issuer signed this status list, and that the credential's bit is not set in it.

    Raises:
        VerificationError: the bit is set, or the list is not valid.
    """
    claims = _verify_signature(unverified.token, keys)
    try:
        subject = claims["credentialSubject"]
        is_expected_list = (
            (claims["iss"], claims["id"]) == (credential.issuer, status.url)
            and "BitstringStatusListCredential" in _as_list(claims["type"])
            and status.purpose in _as_list(subject["statusPurpose"])
            and subject.get("statusSize", 1) == 1
        )
        has_status = is_set(decode_bits(subject["encodedList"]), status.index)
    except _UNREADABLE:
        raise VerificationError("the status list cannot be read") from None
    if not is_expected_list:
        raise VerificationError("the status list has another issuer or purpose")
    _check_times(claims, now)
    if has_status:
        raise VerificationError("it was revoked" if status.purpose == "revocation" else "it is suspended")


def origin(url: str) -> str | None:
    """Scheme, host and port of an http or https URL; None if it is another URL, or has a user name in it."""
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return f"{parts.scheme}://{parts.netloc}"


def _verify_signature(token: str, keys: KeyRing) -> Mapping[str, Any]:
    """The claims of a token that one of these keys signed with the algorithm that the key is for."""
    try:
        key = keys.key(jwt.get_unverified_header(token).get("kid"))
        if key.algorithm_name not in ALGORITHMS:
            raise VerificationError(f"its key is not for {' or '.join(ALGORITHMS)}")
        return jwt.decode(token, key, algorithms=[key.algorithm_name], options=_DECODE_OPTIONS)
    except UnknownKey:
        raise VerificationError("it is signed with a key that the issuer does not publish") from None
    except jwt.InvalidSignatureError:
        raise VerificationError("the signature does not verify: it was altered, or somebody else signed it") from None
    except jwt.InvalidAlgorithmError:
        raise VerificationError("it is signed with another algorithm than its key is for") from None
    except _UNREADABLE:
        raise VerificationError("the token is malformed") from None


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    """Check that `nbf` is the second of `validFrom`, and that it is valid now (OB 3.0, "Verify a Credential")."""
    try:
        valid_from = _parse_time(claims["validFrom"])
        ends = [_parse_time(claims["validUntil"])] if "validUntil" in claims else []
        if "exp" in claims:
            ends.append(float(claims["exp"]))
        if int(claims["nbf"]) != int(valid_from):
            raise VerificationError("nbf: expected the second of validFrom")
    except _UNREADABLE:
        raise VerificationError("its times cannot be read") from None
    if valid_from > now + CLOCK_SKEW_SECONDS:
        raise VerificationError("it is not valid yet")
    if not all(end + CLOCK_SKEW_SECONDS > now for end in ends):
        raise VerificationError("it has expired")


def _parse_time(text: str) -> float:
    """A time with a zone, in seconds since 1970."""
    time = datetime.datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError
    return time.timestamp()


def _parse_status_entry(entry: Mapping[str, Any]) -> StatusEntry:
    if entry["type"] != "BitstringStatusListEntry" or entry["statusPurpose"] not in ("revocation", "suspension"):
        raise VerificationError("credentialStatus: expected BitstringStatusListEntry, for revocation or suspension")
    index = int(entry["statusListIndex"])
    if not 0 <= index < _MAX_STATUS_INDEX:
        raise ValueError
    return StatusEntry(entry["statusListCredential"], index, entry["statusPurpose"])


def _is_open_badges_context(context: object) -> bool:
    """Whether it is the context of Open Badges 3, in any of its versions."""
    start, _, end = OPEN_BADGES_CONTEXT.partition("-3.0.3")
    return (
        isinstance(context, str)
        and re.fullmatch(re.escape(start) + r"(-3\.\d+\.\d+)?" + re.escape(end), context) is not None
    )


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]
