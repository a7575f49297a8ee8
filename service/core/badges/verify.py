"""Verifying badges, whoever issued them: what one says of itself, whether it holds, and where its status stands. Pure.

Nothing that a credential says is believed before its signature is verified, but for where its issuer's keys are.
"""

import base64
import datetime
import re
import urllib.parse
import zlib
from collections.abc import Mapping
from typing import Any

import jwt
import msgspec

from service.core.auth.key_ring import KEY_SET_MAX_BYTES, KeyRing, UnknownKey
from service.core.badges.credential import CREDENTIALS_CONTEXT, OPEN_BADGES_CONTEXT

ALGORITHMS = ("RS256", "ES256")  # what OB 3.0's own validator takes; never what a token asks for besides
CLOCK_SKEW_SECONDS = 60  # seconds between the issuer's clock and ours
MAX_DOCUMENT_BYTES = 1_048_576  # of a credential, a key set or a status list
_MAX_STATUS_LIST_BITS = 8 * 4_194_304  # of a status list once it is unpacked: a small file can hold a very long one
_MAX_STATUSES = 8  # each is a list to be fetched from wherever the badge says
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+", re.ASCII)
_CREDENTIAL_TYPES = {"OpenBadgeCredential", "AchievementCredential"}
_UNREADABLE = (jwt.PyJWTError, TypeError, ValueError, KeyError, OverflowError, RecursionError)
_DECODE_OPTIONS: jwt.types.Options = {
    "enforce_minimum_key_length": True,
    "verify_aud": False,
    # PyJWT reads the clock itself: see _check_times.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


class VerificationError(Exception):
    """A badge that must not be believed; the message says why, in words for whoever was shown it."""


class UnverifiedCredential(msgspec.Struct, frozen=True):
    """A token before its signature was looked at. `issuer` is its `iss`, an https or http URL, and not yet believed.

    `kid` is the URL of a key at the issuer's own origin, None where the header names its key otherwise or not at all.
    """

    token: str
    issuer: str
    kid: str | None

    @property
    def key_url(self) -> str:
        """Where its key should be: what `kid` names, else the key set of the issuer's origin."""
        return self.kid or f"{origin(self.issuer)}/.well-known/jwks.json"


class StatusEntry(msgspec.Struct, frozen=True):
    """Where the status of a badge stands, and what it would mean if the bit there is set: revocation or suspension."""

    url: str
    index: int
    purpose: str


class VerifiedCredential(msgspec.Struct, frozen=True):
    """A badge whose signature, times and types are in order; whether it was revoked is another question.

    `valid_from` and `valid_until` are as the badge prints them.
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
    """The compact JWS that a file or an answer holds: by itself, or as `credential` of a JSON object.

    Raises:
        VerificationError: it holds none.
    """
    if len(content) > MAX_DOCUMENT_BYTES:
        raise VerificationError(f"there are more than the {MAX_DOCUMENT_BYTES} bytes that are read")
    try:
        text = content.decode().strip()
        if text.startswith("{"):
            text = msgspec.json.decode(text, type=dict[str, Any])["credential"]
        if _COMPACT.fullmatch(text):
            return text
    except _UNREADABLE:
        pass
    raise VerificationError('this is no signed badge: expected a compact JWS, or JSON such as {"credential": "eyJ…"}')


def read_unverified(token: str) -> UnverifiedCredential:
    """Where a token says that its issuer and its key are.

    Raises:
        VerificationError: it is signed in a way that is not believed, names no issuer, or a key of somebody else.
    """
    try:
        header, claims = (
            msgspec.json.decode(_decode_base64url(part), type=dict[str, Any]) for part in token.split(".")[:2]
        )
    except _UNREADABLE:
        raise VerificationError("the token is malformed") from None
    algorithm, issuer, kid = header.get("alg"), claims.get("iss"), header.get("kid")
    is_plain = header.keys().isdisjoint({"crit", "b64", "zip"}) and header.get("typ", "JWT") in ("JWT", "vc+jwt")
    if algorithm not in ALGORITHMS or not is_plain:
        raise VerificationError(
            f"the header asks for what is not believed: expected alg {' or '.join(ALGORITHMS)}, and typ JWT"
        )
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
        VerificationError: it is neither, or holds no key that could have signed a badge.
    """
    try:
        found = msgspec.json.decode(document, type=dict[str, Any])
        if "keys" not in found:
            document = msgspec.json.encode({"keys": [found]})
        return KeyRing.from_jwks(document)
    except _UNREADABLE:
        raise VerificationError(
            f"the keys cannot be used: expected a key set of at most {KEY_SET_MAX_BYTES} bytes"
        ) from None


def verify_credential(found: UnverifiedCredential, ring: KeyRing, *, now: float) -> VerifiedCredential:
    """The badge, if one of these keys signed it and it holds together. `now` is in seconds since 1970.

    Raises:
        VerificationError: it does not; the message says what is wrong (OB 3.0, "OpenBadgeCredential Verification").
    """
    claims = _verify_signature(found.token, ring)
    try:
        subject, achievement = claims["credentialSubject"], claims["credentialSubject"]["achievement"]
        contexts, types, issuer = claims["@context"], _as_list(claims["type"]), claims["issuer"]
        issuer_id = issuer["id"] if isinstance(issuer, dict) else issuer
        same = (("iss", issuer_id), ("jti", claims["id"]), ("sub", subject["id"]))
        made = VerifiedCredential(
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
        msgspec.convert(msgspec.to_builtins(made), VerifiedCredential)  # the types too
        is_of_this_kind = contexts[0] == CREDENTIALS_CONTEXT and _is_badge_context(contexts[1])
    except (*_UNREADABLE, IndexError, AttributeError):
        raise VerificationError("this is no OpenBadgeCredential: a member is missing, or is of another type") from None
    if not is_of_this_kind or "VerifiableCredential" not in types or _CREDENTIAL_TYPES.isdisjoint(types):
        raise VerificationError("this is no OpenBadgeCredential: its contexts or types are of something else")
    for name, member in same:
        if claims.get(name) != member:
            raise VerificationError(f"{name} is not what the credential itself says")
    if len(made.statuses) > _MAX_STATUSES:
        raise VerificationError(f"credentialStatus: expected at most {_MAX_STATUSES}, got {len(made.statuses)}")
    _check_times(claims, now)
    return made


def check_status_list(
    made: VerifiedCredential, status: StatusEntry, found: UnverifiedCredential, ring: KeyRing, *, now: float
) -> None:
    """Nothing, if the bit of this status is not set in this list, which the badge's own issuer signed.

    Raises:
        VerificationError: the bit is set, or the list is not to be believed.
    """
    claims = _verify_signature(found.token, ring)
    try:
        subject, types = claims["credentialSubject"], _as_list(claims["type"])
        is_it = (claims["iss"], claims["id"]) == (made.issuer, status.url) and "BitstringStatusListCredential" in types
        is_it = is_it and status.purpose in _as_list(subject["statusPurpose"]) and subject.get("statusSize", 1) == 1
        bits = _decode_bits(subject["encodedList"])
        is_set = bits[status.index // 8] & 0x80 >> status.index % 8
    except (*_UNREADABLE, IndexError, AttributeError, zlib.error):
        raise VerificationError("the status list cannot be read") from None
    if not is_it:
        raise VerificationError("the status list is of another issuer, or for something else")
    _check_times(claims, now)
    if is_set:
        raise VerificationError("it was revoked" if status.purpose == "revocation" else "it is suspended")


def origin(url: str) -> str | None:
    """Scheme, host and port of an http or https URL; None if it is none, or carries a user's name."""
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return f"{parts.scheme}://{parts.netloc}"


def _verify_signature(token: str, ring: KeyRing) -> Mapping[str, Any]:
    """The claims of a token that one of these keys signed with its own algorithm."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        key = ring.key(kid)
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
    """`nbf` is the second of `validFrom` (OB 3.0, "Verify a Credential"), and now stands between that and every end."""
    try:
        since = _parse_time(claims["validFrom"])
        ends = [_parse_time(claims["validUntil"])] if "validUntil" in claims else []
        if "exp" in claims:
            ends.append(float(claims["exp"]))
        if int(claims["nbf"]) != int(since):
            raise VerificationError("nbf: expected the second of validFrom")
    except _UNREADABLE:
        raise VerificationError("its times cannot be read") from None
    if since > now + CLOCK_SKEW_SECONDS:
        raise VerificationError("it is not valid yet")
    if not all(end + CLOCK_SKEW_SECONDS > now for end in ends):
        raise VerificationError("it has expired")


def _parse_time(moment: str) -> float:
    """A time with its zone, in seconds since 1970."""
    found = datetime.datetime.fromisoformat(moment)
    if found.tzinfo is None:
        raise ValueError
    return found.timestamp()


def _parse_status_entry(entry: Mapping[str, Any]) -> StatusEntry:
    if entry["type"] != "BitstringStatusListEntry" or entry["statusPurpose"] not in ("revocation", "suspension"):
        raise VerificationError("credentialStatus: expected BitstringStatusListEntry, for revocation or suspension")
    index = int(entry["statusListIndex"])
    if not 0 <= index < _MAX_STATUS_LIST_BITS:
        raise ValueError
    return StatusEntry(entry["statusListCredential"], index, entry["statusPurpose"])


def _decode_bits(encoded: str) -> bytes:
    """The bits of an `encodedList`: multibase base64url of gzip, unpacked no further than is allowed."""
    if not encoded.startswith("u"):
        raise ValueError
    unpacking = zlib.decompressobj(wbits=31)
    bits = unpacking.decompress(_decode_base64url(encoded[1:]), _MAX_STATUS_LIST_BITS // 8)
    if not unpacking.eof:
        raise ValueError
    return bits


def _is_badge_context(context: object) -> bool:
    """Whether it is the context of OB 3.0, of this or another of its versions."""
    start, _, end = OPEN_BADGES_CONTEXT.partition("-3.0.3")
    return (
        isinstance(context, str)
        and re.fullmatch(re.escape(start) + r"(-3\.\d+\.\d+)?" + re.escape(end), context) is not None
    )


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _decode_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
