"""Signed tokens: verifying them and signing those of this service. Does no I/O.

`now` is an argument everywhere, in seconds since 1970. No message repeats a token, or any part of one.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import jwt
import msgspec
from cachetools import LRUCache

from service.core.auth.key_ring import MALFORMED_INPUT_ERRORS, KeyRing
from service.core.auth.principal import EVERY_USER, Principal, VerifiedClaims, canonical_xuid, parse_xbl3, principal_of
from service.errors import Unauthenticated, Unavailable

SECONDS = 1
CLOCK_SKEW_SECONDS = 30 * SECONDS  # between the issuer's clock and ours
MAX_LIFETIME_SECONDS = 24 * 3600 * SECONDS
CLIENT_LIFETIME_SECONDS = 3600 * SECONDS
REMEMBER_SECONDS = 300 * SECONDS  # a withdrawn key or user is noticed after this at the latest

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_USER_HASH = re.compile(r"[0-9]{1,20}", re.ASCII)
_BEARER_MAX_BYTES = 7_900  # so that, with a scheme's name, it fits a header field


class Verifier:
    """Turns credentials into principals with the keys of one issuer.

    Remembers up to `capacity` principals, by a keyed hash of the credential's text and for 300 s at most; failures
    are never remembered. Verifying takes about 0.1 ms, remembering about 1 µs.
    """

    def __init__(self, ring: KeyRing, *, issuer: str, audience: str, capacity: int = 65_536) -> None:
        self._ring = ring
        self._issuer = issuer
        self._audience = audience
        self._hash_key = secrets.token_bytes(32)
        self._remembered: LRUCache[bytes, _Remembered] = LRUCache(capacity)
        self.generation = 1

    @property
    def ring(self) -> KeyRing:
        """The keys in use."""
        return self._ring

    def replace_keys(self, ring: KeyRing) -> None:
        """Use these keys from now on, and forget everyone whom the old ones vouched for."""
        self._ring = ring
        self.generation += 1
        self._remembered.clear()

    def principal(self, field: str, now: float) -> Principal:
        """Who sent this `Authorization: XBL3.0 x=<user hash>;<token>`.

        Raises:
            Unauthenticated: the field or the token in it is malformed, forged, expired or of another service.
            Unavailable: there are no keys yet.
        """
        text = field.encode("utf-8", "surrogatepass")  # aiohttp hands over raw bytes as lone surrogates
        digest = hashlib.blake2b(text, digest_size=16, key=self._hash_key).digest()
        known = self._remembered.get(digest)
        # Both ends: a clock that was set back must meet `nbf` again, and must not stretch the 300 s.
        if known is not None and known.since <= now < known.until:
            return known.principal
        asked = parse_xbl3(field)
        principal = principal_of(self.verify(asked.token, now), user_hash=asked.user_hash)
        self._remembered[digest] = _Remembered(now, min(principal.expires_at, now + REMEMBER_SECONDS), principal)
        return principal

    def bearer(self, field: str, now: float) -> Principal:
        """Who sent this `Authorization: Bearer <token>`: all users of the token, and its subject.

        Remembered like the other scheme's. The scheme's name may be in any case (RFC 9110 §11.1).

        Raises:
            Unauthenticated: the field or the token in it is malformed, forged, expired or of another service.
            Unavailable: there are no keys yet.
        """
        scheme, _, token = field.partition(" ")
        if scheme.lower() != "bearer" or _COMPACT.fullmatch(token) is None or len(token) > _BEARER_MAX_BYTES:
            raise Unauthenticated(
                f"Authorization: expected Bearer <token>, three parts of base64url, at most {_BEARER_MAX_BYTES} bytes"
            )
        return self.principal(f"XBL3.0 x={EVERY_USER};{token}", now)

    def verify(self, token: str, now: float) -> VerifiedClaims:
        """The claims of a token that our issuer signed for us and that is good at `now`. Remembers nothing.

        Raises:
            Unauthenticated: it is not; the message says which rule it broke. UnknownKey if only its key is new.
            Unavailable: there are no keys yet.
        """
        if self._ring.is_empty:
            raise Unavailable("the keys that verify tokens could not be fetched yet")
        try:
            claims = jwt.decode(
                token,
                self._ring.key(_kid(token)),
                algorithms=self._ring.algorithms,
                issuer=self._issuer,
                audience=self._audience,
                options=_OPTIONS,
            )
        except MALFORMED_INPUT_ERRORS as problem:
            raise Unauthenticated(_what_is_wrong(problem)) from None
        _check_times(claims, now)
        return VerifiedClaims(claims)


def claims_for(
    xuid: str | None,
    *,
    issuer: str,
    audience: str,
    now: int,
    lifetime_seconds: int = 3600,
    user_hash: str | None = None,
    title_id: int | None = None,
    country: str | None = None,
    scopes: Iterable[str] = (),
    subject: str | None = None,
    l10n: object = None,
) -> dict[str, Any]:
    """The claims of a token for one player, named and nested as in an XSTS token, with claims of ours added.

    Without a XUID it speaks for no player, but for its `subject`; `l10n` is what they may do with texts.

    Raises:
        ValueError: the XUID, user hash, or lifetime is one that no verifier of ours would accept, or there is neither
            a XUID nor a subject.
    """
    if not 1 <= lifetime_seconds <= MAX_LIFETIME_SECONDS:
        raise ValueError(f"expected a lifetime of 1 to {MAX_LIFETIME_SECONDS} seconds, got {lifetime_seconds}")
    if xuid is None and subject is None:
        raise ValueError("expected a XUID, or the subject of somebody who is no player")
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "iat": now,
        "nbf": now,
        "exp": now + lifetime_seconds,
        "jti": secrets.token_hex(16),
    }
    optional = {
        "xui": None if xuid is None else [_user(xuid, user_hash)],
        "sub": subject,
        "l10n": l10n,
        "xti": None if title_id is None else {"tid": str(title_id)},
        "loc": country,
        "scope": " ".join(scopes) or None,
    }
    return claims | {name: value for name, value in optional.items() if value is not None}


def _user(xuid: str, user_hash: str | None) -> dict[str, str]:
    player = canonical_xuid(xuid)
    user_hash = user_hash_of(player) if user_hash is None else user_hash
    if _USER_HASH.fullmatch(user_hash) is None:
        raise ValueError("expected a user hash of 1 to 20 digits")
    return {"xid": player, "uhs": user_hash, "gtg": f"Player{player[-4:]}", "agg": "Adult"}


def client_token(secret: str, *, kid: str, issuer: str, audience: str, now: int, title_id: int, scope: str) -> str:
    """A token for a title's own application, of no user, good for an hour; signed HS256 and naming its key `kid`.

    Raises:
        ValueError: the secret is shorter than 32 bytes.
    """
    claims = {
        "iss": issuer,
        "aud": audience,
        "iat": now,
        "nbf": now,
        "exp": now + CLIENT_LIFETIME_SECONDS,
        "jti": secrets.token_hex(16),
        "xti": {"tid": str(title_id)},
        "scope": scope,
    }
    return jwt.encode(claims, KeyRing.from_secret(secret).key(None), headers={"kid": kid})


def user_hash_of(xuid: str) -> str:
    """A user hash for a player who was given none: digits, always the same."""
    return str(int.from_bytes(hashlib.blake2b(canonical_xuid(xuid).encode(), digest_size=8).digest()))


def sign(claims: dict[str, Any], secret: str) -> str:
    """A token of these claims, signed HS256.

    Raises:
        ValueError: the secret is shorter than 32 bytes.
    """
    return jwt.encode(claims, KeyRing.from_secret(secret).key(None))


def authorization(token: str, *, user_hash: str, scheme: Literal["xbl3", "bearer"] = "xbl3") -> str:
    """The value of an Authorization header that carries the token."""
    return f"XBL3.0 x={user_hash};{token}" if scheme == "xbl3" else f"Bearer {token}"


class _Remembered(msgspec.Struct, frozen=True, gc=False):
    """A principal, and from when until before when it may be taken from memory."""

    since: float
    until: float
    principal: Principal


class _Header(msgspec.Struct):
    """A token's header. The last three change what the signature covers or how to read it: never accepted."""

    alg: str
    kid: str | None = None
    crit: Any = msgspec.UNSET
    b64: Any = msgspec.UNSET
    zip: Any = msgspec.UNSET


_read_header = msgspec.json.Decoder(_Header).decode

_OPTIONS: jwt.types.Options = {
    "require": ["exp", "iat", "iss", "aud"],
    "enforce_minimum_key_length": True,
    # PyJWT reads the clock itself, and takes "9999999999", true and floats for times: see _check_times.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


def _kid(token: str) -> str | None:
    """The name of the key that a token says it is signed with, not yet believed."""
    match = _COMPACT.fullmatch(token)
    if match is None:
        raise ValueError
    header = _read_header(base64.urlsafe_b64decode(match[1] + "=="))
    if not (header.crit is header.b64 is header.zip is msgspec.UNSET):
        raise ValueError
    return header.kid


def _what_is_wrong(problem: BaseException) -> str:
    match problem:
        case jwt.InvalidSignatureError():
            return "the token's signature does not verify"
        case jwt.InvalidAlgorithmError():
            return "the token is signed with another algorithm than its key is for"
        case jwt.InvalidIssuerError():
            return "the token is from another issuer"
        case jwt.InvalidAudienceError():
            return "the token is meant for another audience"
        case jwt.MissingRequiredClaimError():
            return f"the token lacks the claim {problem.claim}"
        case _:
            return "the token is malformed"


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    """Whole `iat`, `exp` and, if there, `nbf`; that stand around `now`; not more than 24 h apart."""
    issued_at, expires_at, not_before = claims["iat"], claims["exp"], claims.get("nbf", 0)
    if not type(issued_at) is type(expires_at) is type(not_before) is int:
        raise Unauthenticated("the token is malformed: iat, exp and nbf are whole numbers of seconds")
    if expires_at + CLOCK_SKEW_SECONDS <= now:
        raise Unauthenticated("the token has expired")
    if max(issued_at, not_before) > now + CLOCK_SKEW_SECONDS:
        raise Unauthenticated("the token is not yet valid")
    if expires_at - issued_at > MAX_LIFETIME_SECONDS:
        raise Unauthenticated(f"the token lives longer than {MAX_LIFETIME_SECONDS} seconds")
