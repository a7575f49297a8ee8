"""Key pairs made for a run, and their public halves as PEM and as JSON Web Keys."""

import base64
import json

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

RSA = rsa.generate_private_key(65537, 2048)
WEAK_RSA = rsa.generate_private_key(65537, 1024)  # noqa: S505  (made to be refused)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
KINDS = {"RS256": (RSA, RSAAlgorithm), "ES256": (EC, ECAlgorithm), "EdDSA": (ED, OKPAlgorithm)}


def part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def pem(key):
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def jwk(algorithm, **more):
    key, family = KINDS[algorithm]
    return family.to_jwk(key.public_key(), as_dict=True) | more


def jwks(*keys):
    return json.dumps({"keys": keys}).encode()
