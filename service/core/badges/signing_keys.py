"""The keys of badges, in the database for all processes: one that signs, those that others verify with, and a secret.

Only the key in use is kept whole: of those before it the public part alone is left.
"""

import asyncio
import base64
import functools
import hashlib
import secrets
from collections.abc import Mapping
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from service.db.pool import Pool
from service.db.queries import query, statement

ALGORITHM: Final = "RS256"  # what every verifier of Open Badges 3.0 must know
_KEY_BITS = 2048
_SECRET_NAME = "open-badges/secret"  # noqa: S105  (its name)
_KEY_NAME_PREFIX = "open-badges/key/"  # and the number of the key, in six digits


class SigningKeys:
    """The keys as they are at one moment. `secret` makes pseudonyms of players (`open_badges.py`)."""

    __slots__ = ("_private", "_public", "secret", "stored_names", "thumbprint")

    def __init__(self, secret: bytes, keys: Mapping[str, bytes]) -> None:
        """`keys` are the signing keys by name, the one in use first: that one whole, the others' public parts."""
        in_use, *before = keys.values()
        self.secret = secret
        self.stored_names = tuple(keys)
        self._private = _load_private(in_use)
        self._public = {thumbprint(key): key for key in (self._private.public_key(), *map(_load_public, before))}
        self.thumbprint = next(iter(self._public))

    def sign(self, claims: dict[str, Any], *, base: str) -> str:
        """The claims as a compact JWS. `kid` is the URL of the key, as OB 3.0 wants it (JOSE header)."""
        return jwt.encode(claims, self._private, ALGORITHM, headers={"kid": key_url(base, self.thumbprint)})

    def jwks(self, base: str) -> dict[str, Any]:
        """The public keys as a JSON Web Key Set, the one in use first."""
        return {"keys": [self.jwk(base, name) for name in self._public]}

    def jwk(self, base: str, wanted: str) -> dict[str, Any] | None:
        """The public key of that thumbprint as a JSON Web Key; None if there is none."""
        if wanted not in self._public:
            return None
        return {"kid": key_url(base, wanted), "use": "sig", "alg": ALGORITHM, **_jwk_members(self._public[wanted])}

    def current_public_key(self) -> bytes:
        """What others verify with, of the key in use."""
        return self._private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


async def load_signing_keys(pool: Pool) -> SigningKeys:
    """The keys as they are now; the first to ask has made them, and all processes agree on them.

    Raises:
        Unavailable: the database is out of reach.
    """
    found = await _load_stored_keys(pool)
    if _SECRET_NAME not in found or len(found) == 1:
        private = await asyncio.to_thread(_generate_private_key)
        async with pool.transaction() as connection:
            await _make_key.run(connection, name=_SECRET_NAME, key=secrets.token_bytes(32))
            await _make_key.run(connection, name=f"{_KEY_NAME_PREFIX}{1:06}", key=private)
        found = await _load_stored_keys(pool)
    secret = found.pop(_SECRET_NAME)
    return SigningKeys(secret, found)


async def rotate_signing_key(pool: Pool, *, withdraw: bool = False) -> str:
    """Sign with a new key from now on; gives its thumbprint.

    The keys of before stay published, so that what they signed is good. With `withdraw` they go, and with them
    everything that they signed: that is for a key that others have.

    Raises:
        Unavailable: the database is out of reach.
    """
    keys = await load_signing_keys(pool)
    private = await asyncio.to_thread(_generate_private_key)
    in_use = keys.stored_names[0]
    number = int(in_use.removeprefix(_KEY_NAME_PREFIX)) + 1
    async with pool.transaction() as connection:
        await _make_key.run(connection, name=f"{_KEY_NAME_PREFIX}{number:06}", key=private)
        if withdraw:
            for name in keys.stored_names:
                await _forget_key.run(connection, name=name)
        else:
            await _retire_key.run(connection, name=in_use, key=keys.current_public_key())
    return (await load_signing_keys(pool)).thumbprint


def key_url(base: str, name: str) -> str:
    """Where the public key of that thumbprint is, and what it is called."""
    return f"{base}/open-badges/keys/{name}"


def thumbprint(key: RSAPublicKey) -> str:
    """What the key is called everywhere: SHA-256 of its members in their order (RFC 7638 §3)."""
    return _base64url(hashlib.sha256(msgspec.json.encode(_jwk_members(key))).digest())


def _jwk_members(key: RSAPublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    return {"e": _base64url_int(numbers.e), "kty": "RSA", "n": _base64url_int(numbers.n)}


def _base64url_int(value: int) -> str:
    return _base64url(value.to_bytes((value.bit_length() + 7) // 8))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _generate_private_key() -> bytes:
    """A new private key; some 100 ms of work."""
    private = generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@functools.lru_cache(maxsize=4)  # reading one checks it, which takes longer than signing
def _load_private(der: bytes) -> RSAPrivateKey:
    key = load_der_private_key(der, password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("the signing key of badges is no RSA key")
    return key


@functools.lru_cache(maxsize=64)
def _load_public(der: bytes) -> RSAPublicKey:
    key = load_der_public_key(der)
    if not isinstance(key, RSAPublicKey):
        raise TypeError("a former signing key of badges is no RSA key")
    return key


async def _load_stored_keys(pool: Pool) -> dict[str, bytes]:
    async with pool.connection() as connection:
        return {row.name: row.key for row in await _keys.all(connection)}


class _KeyRow(msgspec.Struct, frozen=True):
    name: str
    key: bytes


_keys = query("badges.keys", row=_KeyRow)
_make_key = statement("keys.make_key")
_retire_key = statement("badges.retire_key")
_forget_key = statement("badges.forget_key")
