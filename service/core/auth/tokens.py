"""Signed tokens: the keys that verify them, the verifying, and the signing of our own. Does no I/O.

`now` is an argument everywhere, in seconds since 1970. No message repeats a token, or any part of one.
"""

import base64
import collections
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, Self

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from service.core.auth.principal import EVERY_USER, Principal, VerifiedClaims, canonical_xuid, parse_xbl3, principal_of
from service.errors import Unauthenticated, Unavailable

SECONDS = 1
SKEW = 30 * SECONDS  # between the issuer's clock and ours
LONGEST_LIFETIME = 24 * 3600 * SECONDS
CLIENT_LIFETIME = 3600 * SECONDS
REMEMBERED_FOR = 300 * SECONDS  # a withdrawn key or user is noticed after this at the latest
KEY_SET_MAX_BYTES = 65_536

_KINDS = (("RSA", None, "RS256"), ("EC", "P-256", "ES256"), ("OKP", "Ed25519", "EdDSA"))  # kty, crv, alg
_USABLE = "RSA of 2048 bits or more (RS256), EC P-256 (ES256) or Ed25519 (EdDSA)"
_PUBLIC_MEMBERS = ("kty", "crv", "n", "e", "x", "y")
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_USER_HASH = re.compile(r"[0-9]{1,20}", re.ASCII)
_BEARER_MAX_BYTES = 7_900  # so that, with a scheme's name, it fits a header field
_UNREADABLE = (jwt.PyJWTError, TypeError, ValueError, KeyError, OverflowError, RecursionError)


class UnknownKey(Unauthenticated):
    """A token that names a key we do not hold: it may be newer than our set. `kid` is whatever the token says."""

    def __init__(self, kid: str | None) -> None:
        super().__init__("the token is signed with a key that is not known here")
        self.kid = kid


class KeyRing:
    """The keys that verify tokens: all public, or one secret, never both kinds (RFC 8725 §2.1). Never changes.

    Each key is bound to its algorithm, so a token cannot choose one.
    """

    def __init__(self, keys: Mapping[str | None, jwt.PyJWK]) -> None:
        self._keys = keys
        self.algorithms: Final = tuple(sorted({key.algorithm_name for key in keys.values()}))

    @classmethod
    def empty(cls) -> Self:
        """A ring before the first key set came, or after the last one grew too old: nothing can be verified."""
        return cls({})

    @classmethod
    def from_secret(cls, secret: str) -> Self:
        """One HS256 secret of 32 bytes or more (RFC 7518 §3.2).

        Raises:
            ValueError: it is shorter, or is the PEM of a public key.
        """
        encoded = base64.urlsafe_b64encode(secret.encode()).decode()
        return cls(
            {None: _bound({"kty": "oct", "k": encoded}, "HS256", expected="a secret of 32 bytes or more, no PEM")}
        )

    @classmethod
    def from_public_key(cls, pem: str) -> Self:
        """One public key, whose type decides the algorithm: RS256, ES256 or EdDSA.

        Raises:
            ValueError: it is no PEM of a public key, or of a type or size that is not used here.
        """
        try:
            key = load_pem_public_key(pem.encode())
            match key:
                case RSAPublicKey():
                    jwk = RSAAlgorithm.to_jwk(key, as_dict=True)
                case EllipticCurvePublicKey():
                    jwk = ECAlgorithm.to_jwk(key, as_dict=True)
                case Ed25519PublicKey():
                    jwk = OKPAlgorithm.to_jwk(key, as_dict=True)
                case _:
                    jwk = {}
        except (ValueError, UnsupportedAlgorithm, jwt.PyJWTError):
            raise ValueError(f"expected the PEM of a public key: {_USABLE}") from None
        return cls({None: _public_key(jwk)})

    @classmethod
    def from_jwks(cls, document: bytes) -> Self:
        """The usable keys of a JSON Web Key Set; others, symmetric ones above all, are passed over (RFC 7517 §5).

        A key without `kid` is used only where it is the only one. Of two keys with one `kid` the first is used.

        Raises:
            ValueError: it is over 64 KB, no key set, or holds nothing usable.
        """
        if len(document) > KEY_SET_MAX_BYTES:
            raise ValueError(f"expected a key set of at most {KEY_SET_MAX_BYTES} bytes")
        try:
            listed = msgspec.json.decode(document, type=_KeySet).keys
        except RecursionError:
            raise ValueError("expected a key set, got JSON that is too deep") from None
        usable = [(jwk.get("kid"), key) for jwk in listed if (key := _key_or_none(jwk)) is not None]
        keys = {kid: key for kid, key in reversed(usable) if kid is not None or len(usable) == 1}
        if not keys:
            raise ValueError(f"expected at least one key that can be used: {_USABLE}")
        return cls(keys)

    def key(self, kid: str | None) -> jwt.PyJWK:
        """The key that a token names; the only key where either has no name.

        Raises:
            UnknownKey: there is none of that name, or several and no name.
        """
        if len(self._keys) == 1 and (kid is None or None in self._keys):
            return next(iter(self._keys.values()))
        if kid is None or kid not in self._keys:
            raise UnknownKey(kid)
        return self._keys[kid]

    def __contains__(self, kid: str) -> bool:
        return kid in self._keys

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be verified."""
        return not self._keys


class Verifier:
    """Turns credentials into principals with the keys of one issuer.

    Remembers up to `capacity` principals, by a keyed hash of the credential's text and for 300 s at most; failures
    are never remembered. Verifying takes about 0.1 ms, remembering about 1 µs.
    """

    def __init__(self, ring: KeyRing, *, issuer: str, audience: str, capacity: int = 65_536) -> None:
        self._ring = ring
        self._issuer = issuer
        self._audience = audience
        self._capacity = capacity
        self._hash_key = secrets.token_bytes(32)
        self._remembered: collections.OrderedDict[bytes, _Remembered] = collections.OrderedDict()
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
            self._remembered.move_to_end(digest)
            return known.principal
        asked = parse_xbl3(field)
        principal = principal_of(self.verify(asked.token, now), user_hash=asked.user_hash)
        self._remembered[digest] = _Remembered(now, min(principal.expires_at, now + REMEMBERED_FOR), principal)
        self._remembered.move_to_end(digest)
        if len(self._remembered) > self._capacity:
            self._remembered.popitem(last=False)
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
        except _UNREADABLE as problem:
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
    if not 1 <= lifetime_seconds <= LONGEST_LIFETIME:
        raise ValueError(f"expected a lifetime of 1 to {LONGEST_LIFETIME} seconds, got {lifetime_seconds}")
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
        "exp": now + CLIENT_LIFETIME,
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


class _KeySet(msgspec.Struct):
    keys: list[dict[str, Any]]


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
    if expires_at + SKEW <= now:
        raise Unauthenticated("the token has expired")
    if max(issued_at, not_before) > now + SKEW:
        raise Unauthenticated("the token is not yet valid")
    if expires_at - issued_at > LONGEST_LIFETIME:
        raise Unauthenticated(f"the token lives longer than {LONGEST_LIFETIME} seconds")


def _bound(jwk: dict[str, Any], algorithm: str, *, expected: str) -> jwt.PyJWK:
    """A key that verifies with this algorithm alone."""
    try:
        key = jwt.PyJWK(jwk, algorithm)
        is_short = key.Algorithm.check_key_length(key.Algorithm.prepare_key(key.key)) is not None
    except _UNREADABLE:
        raise ValueError(f"expected {expected}") from None
    if is_short:
        raise ValueError(f"expected {expected}")
    return key


def _public_key(jwk: Mapping[str, Any]) -> jwt.PyJWK:
    """A key of a kind that is used here, without its private members should an issuer have leaked them."""
    algorithm = next((own for *kind, own in _KINDS if [jwk.get("kty"), jwk.get("crv")] == kind), None)
    if algorithm is None or jwk.get("alg", algorithm) != algorithm:
        raise ValueError(f"expected {_USABLE}")
    return _bound({name: jwk[name] for name in _PUBLIC_MEMBERS if name in jwk}, algorithm, expected=_USABLE)


def _key_or_none(jwk: Mapping[str, Any]) -> jwt.PyJWK | None:
    """A key of a set, or None where it is not for verifying tokens here."""
    if jwk.get("use", "sig") != "sig" or not isinstance(jwk.get("kid"), str | None):
        return None
    try:
        return _public_key(jwk)
    except ValueError:
        return None
