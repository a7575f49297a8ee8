"""The keys that sign Open Badges, stored in the database: load, create and rotate them, and publish them as a JWKS.

One key signs. Of former keys only the public part is stored, so that what they signed can still be verified.
"""

import asyncio
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

from service import base64url
from service.core.badges.urls import key_url
from service.db.pool import Pool
from service.db.queries import query, statement
from service.errors import NotFound

ALGORITHM: Final = "RS256"  # every verifier of Open Badges 3.0 must support it
_KEY_BITS = 2048
_SECRET_NAME = "open-badges/secret"  # noqa: S105  (the name of a row)
_KEY_NAME_PREFIX = "open-badges/key/"  # followed by the number of the key, in six digits


class SigningKeys:
    """The keys at one moment. `secret` is the key of pseudonyms (`pseudonyms.py`).

    `thumbprint` names the key that signs. `stored_names` are the keys' names in the database, that key's first.
    """

    __slots__ = ("__weakref__", "_private", "_public", "secret", "stored_names", "thumbprint")

    def __init__(self, secret: bytes, keys: Mapping[str, bytes]) -> None:
        """`keys` are DER by stored name: first the private key that signs, then the public parts of former keys."""
        private, *former = keys.values()
        self.secret = secret
        self.stored_names = tuple(keys)
        self._private = _load_private(private)
        self._public = {thumbprint(key): key for key in (self._private.public_key(), *map(_load_public, former))}
        self.thumbprint = next(iter(self._public))

    def sign(self, claims: dict[str, Any], *, base_url: str) -> str:
        """The claims as a compact JWS. `kid` is the URL of the key (OB 3.0, JOSE header)."""
        return jwt.encode(claims, self._private, ALGORITHM, headers={"kid": key_url(base_url, self.thumbprint)})

    def jwks(self, base_url: str) -> dict[str, Any]:
        """The public keys as a JSON Web Key Set, first that of the key that signs."""
        return {"keys": [self._jwk(base_url, name) for name in self._public]}

    def jwk(self, base_url: str, thumbprint: str) -> dict[str, Any]:
        """The public key with that thumbprint as a JSON Web Key.

        Raises:
            NotFound: there is none.
        """
        if thumbprint not in self._public:
            raise NotFound("there is no such key")
        return self._jwk(base_url, thumbprint)

    def _jwk(self, base_url: str, thumbprint: str) -> dict[str, Any]:
        members = _jwk_members(self._public[thumbprint])
        return {"kid": key_url(base_url, thumbprint), "use": "sig", "alg": ALGORITHM, **members}

    def current_public_key(self) -> bytes:
        """The public part of the key that signs, as DER."""
        return self._private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


async def load_signing_keys(pool: Pool) -> SigningKeys:
    """The keys that are stored now; the first call creates them, for all processes.

    Raises:
        Unavailable: the database is out of reach.
    """
    stored = await _load_stored_keys(pool)
    if _SECRET_NAME not in stored or len(stored) == 1:
        private = await asyncio.to_thread(_generate_private_key)
        async with pool.transaction() as connection:
            await _add_key.run(connection, name=_SECRET_NAME, key=secrets.token_bytes(32))
            await _add_key.run(connection, name=f"{_KEY_NAME_PREFIX}{1:06}", key=private)
        stored = await _load_stored_keys(pool)
    return _parse(tuple(stored.items()))


async def rotate_signing_key(pool: Pool, *, withdraw: bool = False) -> str:
    """Sign with a new key from now on; returns its thumbprint.

    Former keys stay published, so that what they signed stays valid. With `withdraw` they are deleted, and everything
    that they signed becomes invalid: for a key that somebody else has got hold of.

    Raises:
        Unavailable: the database is out of reach.
    """
    keys = await load_signing_keys(pool)
    private = await asyncio.to_thread(_generate_private_key)
    current_name = keys.stored_names[0]
    number = int(current_name.removeprefix(_KEY_NAME_PREFIX)) + 1
    async with pool.transaction() as connection:
        await _add_key.run(connection, name=f"{_KEY_NAME_PREFIX}{number:06}", key=private)
        if withdraw:
            for name in keys.stored_names:
                await _delete_key.run(connection, name=name)
        else:
            await _keep_public_key.run(connection, name=current_name, key=keys.current_public_key())
    return (await load_signing_keys(pool)).thumbprint


def thumbprint(key: RSAPublicKey) -> str:
    """The SHA-256 of the key's required members in lexicographic order (RFC 7638 §3)."""
    return base64url.encode(hashlib.sha256(msgspec.json.encode(_jwk_members(key))).digest())


def _jwk_members(key: RSAPublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    return {"e": _base64url_int(numbers.e), "kty": "RSA", "n": _base64url_int(numbers.n)}


def _base64url_int(value: int) -> str:
    return base64url.encode(value.to_bytes((value.bit_length() + 7) // 8))


def _generate_private_key() -> bytes:
    """A new private key as DER; this takes about 100 ms."""
    private = generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


# Reading keys checks them, which takes longer than signing. Only the current keys are kept, no withdrawn ones.
@functools.lru_cache(maxsize=1)
def _parse(stored: tuple[tuple[str, bytes], ...]) -> SigningKeys:
    keys = dict(stored)
    return SigningKeys(keys.pop(_SECRET_NAME), keys)


def _load_private(der: bytes) -> RSAPrivateKey:
    key = load_der_private_key(der, password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("the signing key of badges is not an RSA key")
    return key


def _load_public(der: bytes) -> RSAPublicKey:
    key = load_der_public_key(der)
    if not isinstance(key, RSAPublicKey):
        raise TypeError("a former signing key of badges is not an RSA key")
    return key


async def _load_stored_keys(pool: Pool) -> dict[str, bytes]:
    async with pool.connection() as connection:
        return {row.name: row.key for row in await _credential_keys.all(connection)}


class _KeyRow(msgspec.Struct, frozen=True):
    name: str
    key: bytes


_credential_keys = query("badges.credential_keys", row=_KeyRow)
_add_key = statement("service_keys.add_key")
_keep_public_key = statement("badges.keep_public_key")
_delete_key = statement("badges.delete_key")
