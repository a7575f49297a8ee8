import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from service.core.auth.key_ring import KeyRing
from tests.core.auth.key_material import RSA, WEAK_RSA, jwk, jwks, part, pem


@pytest.mark.parametrize(
    "unusable",
    [
        pytest.param({"kty": "oct", "k": part(b"k" * 32), "kid": "x"}, id="a secret"),
        pytest.param({"kty": "oct", "k": part(b"k" * 32), "kid": "x", "alg": "RS256"}, id="a secret said to be RSA"),
        pytest.param(jwk("RS256", kid="x", use="enc"), id="for encryption"),
        pytest.param(jwk("RS256", kid="x", alg="HS256"), id="RSA for HMAC"),
        pytest.param(jwk("RS256", kid="x", alg="RS512"), id="an algorithm not used here"),
        pytest.param(jwk("ES256", kid="x", crv="P-384"), id="another curve than its coordinates"),
        pytest.param(jwk("ES256", kid="x", x="AAAA"), id="not on the curve"),
        pytest.param(jwk("EdDSA", kid="x", crv="Ed448"), id="Ed448"),
        pytest.param(jwk("RS256", kid="x", n=7), id="a modulus that is a number"),
        pytest.param(jwk("RS256", kid="x", n="!!"), id="a modulus that is no base64"),
        pytest.param(jwk("RS256", kid=7), id="a name that is a number"),
        pytest.param(jwk("RS256"), id="no name in a set of two"),
        pytest.param({"kty": ["RSA"], "kid": "x"}, id="a list for its type"),
        pytest.param({}, id="nothing"),
        pytest.param(
            RSAAlgorithm.to_jwk(WEAK_RSA.public_key(), as_dict=True) | {"kid": "x"},
            id="RSA of 1024 bits",
        ),
    ],
)
def test_unusable_key_is_ignored(unusable):
    ring = KeyRing.from_jwks(jwks(unusable, jwk("ES256", kid="good")))

    assert "good" in ring
    assert "x" not in ring
    assert ring.algorithms == ("ES256",)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": ["x"]}',
        b"\xff",
        jwks({"kty": "oct", "k": part(b"k" * 32)}),
        jwks(jwk("RS256"), jwk("ES256")),
        b'{"keys": [' + b"[" * 60_000,
        b'{"keys": [{"kty":' + b"[" * 30_000 + b"]" * 30_000 + b"}]}",
        jwks(jwk("RS256", kid="x" * 65_536)),
    ],
    ids=lambda document: repr(document[:16]),
)
def test_key_set_without_a_usable_key_is_rejected(document):
    with pytest.raises(ValueError, match=r".") as caught:
        KeyRing.from_jwks(document)

    assert len(str(caught.value)) < 200


@given(st.binary())
def test_parsing_any_key_set_raises_only_value_error(document):
    with pytest.raises(ValueError, match=r"."):
        KeyRing.from_jwks(document)


@pytest.mark.parametrize(
    "key",
    [
        WEAK_RSA,
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.BrainpoolP256R1()),
        ed448.Ed448PrivateKey.generate(),
        dsa.generate_private_key(2048),
    ],
    ids=lambda key: type(key).__name__,
)
def test_unsupported_public_key_is_rejected(key):
    with pytest.raises(ValueError, match="RSA of 2048 bits or more"):
        KeyRing.from_public_key(pem(key))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-----BEGIN PUBLIC KEY-----\n!!\n-----END PUBLIC KEY-----",
        RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    ],
    ids=["nothing", "garbage", "a private key"],
)
def test_invalid_pem_is_rejected_without_quoting_it(text):
    with pytest.raises(ValueError, match=r"^expected the PEM of a public key: [^\n]{,90}$"):
        KeyRing.from_public_key(text)


@pytest.mark.parametrize("secret", ["x" * 31, "", pem(RSA)], ids=["31 bytes", "nothing", "a PEM"])
def test_short_or_pem_secret_is_rejected(secret):
    with pytest.raises(ValueError, match="32 bytes or more, no PEM"):
        KeyRing.from_secret(secret)
