"""The keys that verify tokens: read from a secret, a PEM or a JSON Web Key Set (RFC 7517), each bound to its algorithm."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from service import base64url
from service.errors import Unauthenticated

KEY_SET_MAX_BYTES = 65_536

_KINDS = (("RSA", None, "RS256"), ("EC", "P-256", "ES256"), ("OKP", "Ed25519", "EdDSA"))  # kty, crv, alg
_USABLE = "RSA of 2048 bits or more (RS256), EC P-256 (ES256) or Ed25519 (EdDSA)"
_PUBLIC_MEMBERS = ("kty", "crv", "n", "e", "x", "y")
MALFORMED_INPUT_ERRORS = (jwt.PyJWTError, TypeError, ValueError, KeyError, OverflowError, RecursionError)


class UnknownKey(Unauthenticated):
    """A token names a key that this ring lacks; the key may be newer. `kid` is as in the token, unverified."""

    def __init__(self, kid: str | None) -> None:
        super().__init__("the token is signed with a key that is not known here")
        self.kid = kid


class KeyRing:
    """The keys that verify tokens: all public, or all secret, never both kinds (RFC 8725 §2.1). Never changes.

    Each key is bound to its algorithm, so a token cannot choose one. `unnamed` are keys without a `kid`: the current one
    and, while keys are rotated, the previous one.
    """

    def __init__(self, keys: Mapping[str, jwt.PyJWK], *, unnamed: Sequence[jwt.PyJWK] = ()) -> None:
        self._keys = keys
        self._unnamed = tuple(unnamed)
        self.algorithms: Final = tuple(sorted({key.algorithm_name for key in (*keys.values(), *unnamed)}))

    @classmethod
    def empty(cls) -> Self:
        """A ring without keys, before the first key set was fetched or after the last one expired."""
        return cls({})

    @classmethod
    def from_secret(cls, *secrets: str) -> Self:
        """HS256 secrets of 32 bytes or more (RFC 7518 §3.2), the one to sign with first.

        Raises:
            ValueError: one is shorter, or the PEM of a public key.
        """
        expected = "a secret of 32 bytes or more, no PEM"
        encoded = [base64url.encode(secret.encode()) for secret in secrets]
        return cls({}, unnamed=[_bound({"kty": "oct", "k": key}, "HS256", expected=expected) for key in encoded])

    @classmethod
    def from_public_key(cls, *pems: str) -> Self:
        """Public keys, each of which decides its algorithm by its type: RS256, ES256 or EdDSA.

        Raises:
            ValueError: one is no PEM of a public key, or the key's type or size is not supported.
        """
        return cls({}, unnamed=[_public_key(_jwk_of_pem(pem)) for pem in pems])

    @classmethod
    def from_jwks(cls, document: bytes) -> Self:
        """The usable keys of a JSON Web Key Set; others, such as symmetric ones, are ignored (RFC 7517 §5).

        A key without `kid` is used only if it is the only one. Of two keys with the same `kid` the first is used.

        Raises:
            ValueError: it is over 64 KB, no key set, or has no usable key.
        """
        if len(document) > KEY_SET_MAX_BYTES:
            raise ValueError(f"expected a key set of at most {KEY_SET_MAX_BYTES} bytes")
        try:
            listed = msgspec.json.decode(document, type=_KeySet).keys
        except RecursionError:
            raise ValueError("expected a key set, got JSON that is too deep") from None
        usable = [(jwk.get("kid"), key) for jwk in listed if (key := _key_or_none(jwk)) is not None]
        keys = {kid: key for kid, key in reversed(usable) if kid is not None}
        unnamed = [key for _, key in usable] if len(usable) == 1 and not keys else ()
        if not keys and not unnamed:
            raise ValueError(f"expected at least one key that can be used: {_USABLE}")
        return cls(keys, unnamed=unnamed)

    def key(self, kid: str | None) -> jwt.PyJWK:
        """The first of the keys that a token may be signed with.

        Raises:
            UnknownKey: as for `candidates`.
        """
        return self.candidates(kid)[0]

    def candidates(self, kid: str | None) -> tuple[jwt.PyJWK, ...]:
        """The keys that a token may be signed with: the one that it names, or all keys without a `kid`.

        A token without a `kid` is signed with the only key.

        Raises:
            UnknownKey: there is no such key, or there are several and no `kid`.
        """
        if self._unnamed:
            return self._unnamed
        if kid is None and len(self._keys) == 1:
            return tuple(self._keys.values())
        if kid is None or kid not in self._keys:
            raise UnknownKey(kid)
        return (self._keys[kid],)

    def __contains__(self, kid: str) -> bool:
        return kid in self._keys

    @property
    def is_empty(self) -> bool:
        """Whether there are no keys."""
        return not self._keys and not self._unnamed


class _KeySet(msgspec.Struct):
    keys: list[dict[str, Any]]


def _bound(jwk: dict[str, Any], algorithm: str, *, expected: str) -> jwt.PyJWK:
    """A key bound to this one algorithm."""
    try:
        key = jwt.PyJWK(jwk, algorithm)
        is_short = key.Algorithm.check_key_length(key.Algorithm.prepare_key(key.key)) is not None
    except MALFORMED_INPUT_ERRORS:
        raise ValueError(f"expected {expected}") from None
    if is_short:
        raise ValueError(f"expected {expected}")
    return key


def _jwk_of_pem(pem: str) -> Mapping[str, Any]:
    try:
        key = load_pem_public_key(pem.encode())
        match key:
            case RSAPublicKey():
                return RSAAlgorithm.to_jwk(key, as_dict=True)
            case EllipticCurvePublicKey():
                return ECAlgorithm.to_jwk(key, as_dict=True)
            case Ed25519PublicKey():
                return OKPAlgorithm.to_jwk(key, as_dict=True)
            case _:
                return {}
    except (ValueError, UnsupportedAlgorithm, jwt.PyJWTError):
        raise ValueError(f"expected the PEM of a public key: {_USABLE}") from None


def _public_key(jwk: Mapping[str, Any]) -> jwt.PyJWK:
    """A public key of a supported kind, without private members that an issuer may have leaked."""
    algorithm = next((own for *kind, own in _KINDS if [jwk.get("kty"), jwk.get("crv")] == kind), None)
    if algorithm is None or jwk.get("alg", algorithm) != algorithm:
        raise ValueError(f"expected {_USABLE}")
    return _bound({name: jwk[name] for name in _PUBLIC_MEMBERS if name in jwk}, algorithm, expected=_USABLE)


def _key_or_none(jwk: Mapping[str, Any]) -> jwt.PyJWK | None:
    """A key of a set; None if it cannot verify tokens here."""
    if jwk.get("use", "sig") != "sig" or not isinstance(jwk.get("kid"), str | None):
        return None
    try:
        return _public_key(jwk)
    except ValueError:
        return None
