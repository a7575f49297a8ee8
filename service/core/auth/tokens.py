"""Signed tokens: verifying them and signing those of this service. Does no I/O.

`now` is an argument everywhere, in seconds since 1970. No error message repeats any part of a token.
"""

import contextlib
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import jwt
import msgspec
from cachetools import LRUCache

from service import base64url
from service.core.auth.key_ring import MALFORMED_INPUT_ERRORS, KeyRing
from service.core.auth.principal import EVERY_USER, Principal, VerifiedClaims, canonical_xuid, parse_xbl3, principal_of
from service.errors import CredentialExpired, Unauthenticated, Unavailable

CLOCK_SKEW_SECONDS = 30  # allowed between the issuer's clock and this one
MAX_LIFETIME_SECONDS = 24 * 3600
CLIENT_LIFETIME_SECONDS = 3600
CACHE_SECONDS = 300  # a withdrawn key or user is noticed after that

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_USER_HASH = re.compile(r"[0-9]{1,20}", re.ASCII)
_BEARER_MAX_BYTES = 7_900

PRINCIPAL_BYTES = 700  # of memory for a principal with its place in the cache, besides its claims


class Verifier:
    """Verifies credentials with the keys of one issuer.

    Caches up to `max_bytes` of principals (some 25 000) for at most 300 s, by a keyed hash of the credential; failures are not cached.
    Verifying takes about 0.1 ms, a cache hit about 1 µs.
    """

    def __init__(self, ring: KeyRing, *, issuer: str, audience: str, max_bytes: int = 32 * 1024 * 1024) -> None:
        self._ring = ring
        self._issuer = issuer
        self._audience = audience
        self._hash_key = secrets.token_bytes(32)
        self._cache: LRUCache[bytes, _CachedPrincipal] = LRUCache(max_bytes, getsizeof=lambda cached: cached.size_bytes)
        self.generation = 1

    @property
    def ring(self) -> KeyRing:
        """The current keys."""
        return self._ring

    def replace_keys(self, ring: KeyRing) -> None:
        """Use these keys from now on, and drop the principals that old ones verified."""
        self._ring = ring
        self.generation += 1
        self._cache.clear()

    def principal(self, field: str, now: float) -> Principal:
        """The principal of `Authorization: XBL3.0 x=<user hash>;<token>`.

        Raises:
            Unauthenticated: the field or its token is malformed, forged, expired or for another service.
            Unavailable: there are no keys yet.
        """
        text = field.encode("utf-8", "surrogatepass")  # aiohttp hands over raw bytes as lone surrogates
        digest = hashlib.blake2b(text, digest_size=16, key=self._hash_key).digest()
        known = self._cache.get(digest)
        # If the clock was set back, `nbf` must be checked again and the 300 s must not grow.
        if known is not None and known.since <= now < known.until:
            return known.principal
        credential = parse_xbl3(field)
        principal = principal_of(self.verify(credential.token, now), user_hash=credential.user_hash)
        self._cache[digest] = _CachedPrincipal(
            now, min(principal.expires_at, now + CACHE_SECONDS), principal, PRINCIPAL_BYTES + len(text)
        )
        return principal

    def bearer(self, field: str, now: float) -> Principal:
        """The principal of `Authorization: Bearer <token>`: all users of the token, and its subject.

        The name of the scheme is case-insensitive (RFC 9110 §11.1).

        Raises:
            Unauthenticated: the field or its token is malformed, forged, expired or for another service.
            Unavailable: there are no keys yet.
        """
        scheme, _, token = field.partition(" ")
        if scheme.lower() != "bearer" or _COMPACT.fullmatch(token) is None or len(token) > _BEARER_MAX_BYTES:
            raise Unauthenticated(
                f"Authorization: expected Bearer <token>, three parts of base64url, at most {_BEARER_MAX_BYTES} bytes"
            )
        return self.principal(f"XBL3.0 x={EVERY_USER};{token}", now)

    def verify(self, token: str, now: float) -> VerifiedClaims:
        """The claims of a valid token of this issuer for this audience. Caches nothing.

        Raises:
            Unauthenticated: it is invalid at `now`; the message says why. UnknownKey if only its key is unknown.
            Unavailable: there are no keys yet.
        """
        if self._ring.is_empty:
            raise Unavailable("the keys that verify tokens could not be fetched yet")
        try:
            claims = self._decode(token)
        except MALFORMED_INPUT_ERRORS as error:
            raise Unauthenticated(_reason(error)) from None
        _check_times(claims, now)
        return VerifiedClaims(claims)

    def _decode(self, token: str) -> dict[str, Any]:
        """The claims of a token that one of the keys it may be signed with verifies."""
        *others, last = self._ring.candidates(_kid(token))
        for key in others:
            with contextlib.suppress(jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
                return self._decode_with(key, token)
        return self._decode_with(last, token)

    def _decode_with(self, key: jwt.PyJWK, token: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=self._ring.algorithms,
            issuer=self._issuer,
            audience=self._audience,
            options=_OPTIONS,
        )
        return claims


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
    """The claims of a token for one player, as in an XSTS token, with this service's own claims added.

    Without a XUID it speaks only for its `subject`. `l10n` are the grants of rights on texts.

    Raises:
        ValueError: the XUID, user hash or lifetime is one that `Verifier` rejects, or there is neither a XUID nor a
            subject.
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


def client_token(
    secret: str, *, kid: str, issuer: str, audience: str, now: int, title_id: int, client_id: str, scope: str
) -> str:
    """A token for a title's application, of no user, valid for an hour, signed with HS256 under the key id `kid`.

    Raises:
        ValueError: the secret is shorter than 32 bytes.
    """
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": client_id,
        "iat": now,
        "nbf": now,
        "exp": now + CLIENT_LIFETIME_SECONDS,
        "jti": secrets.token_hex(16),
        "xti": {"tid": str(title_id)},
        "scope": scope,
    }
    return jwt.encode(claims, KeyRing.from_secret(secret).key(None), headers={"kid": kid})


def user_hash_of(xuid: str) -> str:
    """A player's default user hash: digits, the same at every call."""
    return str(int.from_bytes(hashlib.blake2b(canonical_xuid(xuid).encode(), digest_size=8).digest()))


def sign(claims: dict[str, Any], secret: str) -> str:
    """A token of these claims, signed with HS256.

    Raises:
        ValueError: the secret is shorter than 32 bytes.
    """
    return jwt.encode(claims, KeyRing.from_secret(secret).key(None))


def authorization(token: str, *, user_hash: str, scheme: Literal["xbl3", "bearer"] = "xbl3") -> str:
    """The value of an Authorization header that carries the token."""
    return f"XBL3.0 x={user_hash};{token}" if scheme == "xbl3" else f"Bearer {token}"


class _CachedPrincipal(msgspec.Struct, frozen=True, gc=False):
    """A cached principal, valid from `since` until before `until`; its claims are no longer than its credential."""

    since: float
    until: float
    principal: Principal
    size_bytes: int


class _Header(msgspec.Struct):
    """A token's header. The last three change what the signature covers or how it is read: they are rejected."""

    alg: str
    kid: str | None = None
    typ: str | msgspec.UnsetType = msgspec.UNSET
    crit: Any = msgspec.UNSET
    b64: Any = msgspec.UNSET
    zip: Any = msgspec.UNSET


_read_header = msgspec.json.Decoder(_Header).decode

_OPTIONS: jwt.types.Options = {
    "require": ["exp", "iat", "iss", "aud"],
    "enforce_minimum_key_length": True,
    # PyJWT reads the clock itself, and accepts "9999999999", true and floats as times: see _check_times.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


def _kid(token: str) -> str | None:
    """The key id in a token's header, unverified."""
    match = _COMPACT.fullmatch(token)
    if match is None:
        raise ValueError
    header = _read_header(base64url.decode(match[1]))
    if not (header.crit is header.b64 is header.zip is msgspec.UNSET):
        raise ValueError
    return header.kid


def _reason(error: BaseException) -> str:
    match error:
        case jwt.InvalidSignatureError():
            return "the token's signature does not verify"
        case jwt.InvalidAlgorithmError():
            return "the token is signed with another algorithm than its key is for"
        case jwt.InvalidIssuerError():
            return "the token is from another issuer"
        case jwt.InvalidAudienceError():
            return "the token is meant for another audience"
        case jwt.MissingRequiredClaimError():
            return f"the token lacks the claim {error.claim}"
        case _:
            return "the token is malformed"


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    """Check that `iat`, `exp` and `nbf` are whole numbers around `now`, and `iat` and `exp` at most 24 h apart."""
    issued_at, expires_at, not_before = claims["iat"], claims["exp"], claims.get("nbf", 0)
    if not type(issued_at) is type(expires_at) is type(not_before) is int:
        raise Unauthenticated("the token is malformed: iat, exp and nbf are whole numbers of seconds")
    if expires_at + CLOCK_SKEW_SECONDS <= now:
        raise CredentialExpired("the token has expired")
    if max(issued_at, not_before) > now + CLOCK_SKEW_SECONDS:
        raise Unauthenticated("the token is not yet valid")
    if expires_at - issued_at > MAX_LIFETIME_SECONDS:
        raise Unauthenticated(f"the token lives longer than {MAX_LIFETIME_SECONDS} seconds")
