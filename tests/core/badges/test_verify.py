"""Verify Open Badges: every defect of a credential or status list raises VerificationError with its reason."""

import base64
import contextlib
import gzip
import hmac
import json

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from service.core.badges import verify
from service.core.badges.credential import CREDENTIALS_CONTEXT, IssuerContext, credential_claims, status_position
from service.core.badges.earned import EarnedAchievement
from service.core.badges.status_list import decode_bits, encode_bits, is_set, status_list_claims
from service.core.badges.verify import VerificationError
from service.core.publishing.published_title import PublishedTitle
from tests.factories import PLAYER, achievement, draft

NOW = 1_800_000_000
BASE = "https://badges.example.com"
KID = f"{BASE}/keys/1"
KEYS = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ABSENT = object()  # leave this member out


def jwk(key, **members):
    algorithm = {
        rsa.RSAPublicKey: jwt.algorithms.RSAAlgorithm,
        ec.EllipticCurvePublicKey: jwt.algorithms.ECAlgorithm,
        ed25519.Ed25519PublicKey: jwt.algorithms.OKPAlgorithm,
    }
    (members_of_key,) = (
        a.to_jwk(key.public_key(), as_dict=True) for kind, a in algorithm.items() if isinstance(key.public_key(), kind)
    )
    return members_of_key | {"kid": KID} | members


def ring(key=KEYS["RS256"]):
    return verify.parse_keys(json.dumps({"keys": [jwk(key)]}).encode())


def earned_badge():
    title = draft(7, (achievement(1),))
    published = PublishedTitle(
        publication_id=1, release=1, title=title.title, achievements=title.achievements, texts=title.texts
    )
    issuer = IssuerContext(BASE, published, ("en-US",))
    return issuer, EarnedAchievement(PLAYER, title.achievements[0], 634_939_895_403_087_016)


def claims(**changes):
    members = credential_claims(*earned_badge(), secret=b"secret").members | changes
    return {name: member for name, member in members.items() if member is not ABSENT}


def token(payload=None, *, key=KEYS["RS256"], algorithm="RS256", **header):
    return jwt.encode(claims() if payload is None else payload, key, algorithm, headers={"kid": KID} | header)


def verify_text(text, *, key=KEYS["RS256"], now=NOW):
    unverified = verify.read_unverified(verify.extract_token(text.encode()))
    return verify.verify_credential(unverified, ring(key), now=now)


@pytest.mark.parametrize("algorithm", verify.ALGORITHMS)
def test_valid_credential_is_verified(algorithm):
    key = KEYS[algorithm]

    credential = verify_text(token(key=key, algorithm=algorithm), key=key)

    assert (credential.achievement, credential.issuer, credential.language) == (
        "Name 1",
        f"{BASE}/open-badges/titles/7/issuer",
        "en-US",
    )
    assert credential.statuses[0].purpose == "revocation"


def test_token_may_be_a_member_of_a_json_object():
    assert verify_text(json.dumps({"credential": token(), "more": 1})) == verify_text(f"  {token()}\n")


def test_issuer_may_be_a_url_instead_of_an_object():
    assert verify_text(token(claims(issuer=claims()["iss"]))).issuer_name is None


def b64(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def forged(header, sign=lambda _: b"x"):
    """A token with this header and valid claims, signed by a function of the attacker."""
    head = f"{b64(header)}.{b64(claims())}"
    return f"{head}.{base64.urlsafe_b64encode(sign(head.encode())).decode().rstrip('=')}"


PEM = KEYS["RS256"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def altered():
    head, _, signature = token().split(".")
    return f"{head}.{b64(claims(name='Another name'))}.{signature}"


INVALID_CREDENTIALS = {
    "altered": (altered, "signature does not verify"),
    "signed by another key": (lambda: token(key=OTHER_KEY), "signature does not verify"),
    "not signed": (lambda: forged({"alg": "none", "kid": KID}), "expected alg RS256 or ES256"),
    "signed with the public key as a secret": (
        lambda: forged({"alg": "HS256", "kid": KID}, lambda head: hmac.digest(PEM, head, "sha256")),
        "expected alg RS256 or ES256",
    ),
    "signed with another algorithm than the key's": (
        lambda: token(key=KEYS["ES256"], algorithm="ES256"),
        "another algorithm than its key",
    ),
    "signed with what is not believed": (lambda: token(key=KEYS["RS256"], algorithm="RS512"), "expected alg RS256"),
    "with a header that must be understood": (lambda: token(crit=["exp"]), "is not accepted"),
    "of another type of token": (lambda: token(typ="at+jwt"), "typ JWT"),
    "with a key of another host": (lambda: token(kid="https://evil.example/keys/1"), "key is of another host"),
    "with a key that is not published": (lambda: token(kid=f"{BASE}/keys/2"), "does not publish"),
    "of no issuer": (lambda: token(claims(iss=ABSENT)), "iss: expected the URL"),
    "of an issuer that is no URL": (lambda: token(claims(iss="did:key:z6")), "iss: expected the URL"),
    "of an issuer in disguise": (lambda: token(claims(iss=f"https://{BASE[8:]}@evil.example/")), "iss: expected"),
    "of another issuer than it says": (lambda: token(claims(iss=f"{BASE}/other")), "iss differs"),
    "under another id": (lambda: token(claims(jti="urn:other")), "jti differs"),
    "for another subject": (lambda: token(claims(sub="urn:other")), "sub differs"),
    "without a subject": (lambda: token(claims(sub=ABSENT)), "sub differs"),
    "of another type": (lambda: token(claims(type=["VerifiableCredential"])), "contexts or types"),
    "of another context": (lambda: token(claims(**{"@context": [CREDENTIALS_CONTEXT, "x"]})), "contexts or types"),
    "without contexts": (lambda: token(claims(**{"@context": ABSENT})), "a member is missing"),
    "without an achievement": (lambda: token(claims(credentialSubject={"id": "x"})), "a member is missing"),
    "with a name that is no text": (
        lambda: token(claims(credentialSubject={"id": "x", "achievement": {"name": 1, "description": "x"}})),
        "of another type",
    ),
    "with a status of another kind": (lambda: token(claims(credentialStatus={"type": "x"})), "a member is missing|credentialStatus"),
    "with a status that nobody reads": (
        lambda: token(claims(credentialStatus=claims()["credentialStatus"] | {"type": "1EdTechRevocationList"})),
        "expected BitstringStatusListEntry",
    ),
    "with many statuses": (lambda: token(claims(credentialStatus=[claims()["credentialStatus"]] * 9)), "at most 8, got 9"),
    "from another second than it says": (lambda: token(claims(nbf=claims()["nbf"] + 1)), "nbf: expected the second"),
    "without a beginning": (lambda: token(claims(nbf=ABSENT)), "times cannot be read"),
    "from the future": (
        lambda: token(claims(nbf=NOW + 3600, validFrom="2027-01-15T09:00:00Z")),
        "not valid yet",
    ),
    "expired by exp": (lambda: token(claims(exp=NOW - 3600)), "has expired"),
    "expired by validUntil": (lambda: token(claims(validUntil="2020-01-01T00:00:00Z")), "has expired"),
    "until no time": (lambda: token(claims(validUntil="soon")), "times cannot be read"),
    "until a time without a zone": (lambda: token(claims(validUntil="2030-01-01T00:00:00")), "times cannot be read"),
    "until no number": (lambda: token(claims(exp=float("nan"))), "malformed"),
    "nothing": (lambda: "", "not a signed badge"),
    "something else": (lambda: '{"credential": 1}', "not a signed badge"),
    "half a token": (lambda: token().rpartition(".")[0] + ".", "not a signed badge"),
    "three words": (lambda: "a.b.c", "malformed"),
    "very long": (lambda: "a" * 2_000_000, "expected at most 1048576"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "reason"), INVALID_CREDENTIALS.values(), ids=INVALID_CREDENTIALS)
def test_invalid_credential_is_rejected_with_its_reason(make, reason):
    with pytest.raises(VerificationError, match=reason):
        verify_text(make())


def test_eddsa_key_is_rejected():
    """EdDSA is secure, but Open Badges' own validator does not accept it."""
    unverified = verify.read_unverified(token())
    with pytest.raises(VerificationError, match="not for RS256 or ES256"):
        verify.verify_credential(unverified, ring(KEYS["EdDSA"]), now=NOW)


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b"{}", b'{"keys": []}', b'{"keys": 1}', b'{"keys": [{"kty": "oct", "k": "AAAA"}]}', b"[" * 100_000],
)
def test_unusable_key_set_is_rejected(document):
    with pytest.raises(VerificationError, match="the keys cannot be used"):
        verify.parse_keys(document)


def test_single_jwk_is_accepted_as_a_key_set():
    alone = verify.parse_keys(json.dumps(jwk(KEYS["RS256"])).encode())

    assert verify.verify_credential(verify.read_unverified(token()), alone, now=NOW).achievement == "Name 1"


# Status lists


def packed(bits):
    return "u" + base64.urlsafe_b64encode(gzip.compress(bits)).decode().rstrip("=")


def listed(indexes=(), *, now=NOW, **changes):
    _, earned = earned_badge()
    position = status_position(7, earned, secret=b"secret")
    set_indexes = [position.index if index is None else index for index in indexes]
    members = status_list_claims(BASE, 7, position.list, set_indexes, now=now)
    members["credentialSubject"] |= changes.pop("subject", {})
    return token(members | changes)


def status_of(text, *, now=NOW):
    credential = verify_text(token())
    (status,) = credential.statuses
    return verify.check_status_list(credential, status, verify.read_unverified(text), ring(), now=now)


def test_bits_of_other_credentials_do_not_revoke_this_one():
    own = status_position(7, earned_badge()[1], secret=b"secret").index

    assert status_of(listed(index for index in range(131_072) if index != own)) is None


def test_set_bit_revokes_the_credential():
    with pytest.raises(VerificationError, match="it was revoked"):
        status_of(listed((None,)))


INVALID_STATUS_LISTS = {
    "another list": (lambda: listed(id=f"{BASE}/other", jti=f"{BASE}/other"), "another issuer or purpose"),
    "another issuer": (lambda: listed(iss=f"{BASE}/other"), "another issuer or purpose"),
    "another purpose": (lambda: listed(subject={"statusPurpose": "message"}), "another issuer or purpose"),
    "more bits an entry": (lambda: listed(subject={"statusSize": 2}), "another issuer or purpose"),
    "no list at all": (token, "cannot be read"),
    "an old list": (lambda: listed(now=NOW - 3 * 86_400), "has expired"),
    "a list from the future": (lambda: listed(now=NOW + 7200), "not valid yet"),
    "a list that is too short": (lambda: listed(subject={"encodedList": packed(b"\0")}), "cannot be read"),
    "a list without its prefix": (lambda: listed(subject={"encodedList": packed(bytes(16_384))[1:]}), "cannot be read"),
    "a list that is no gzip": (lambda: listed(subject={"encodedList": "uAAAA"}), "cannot be read"),
    "half a list": (lambda: listed(subject={"encodedList": packed(bytes(range(256)) * 64)[:-30]}), "cannot be read"),
    "a list that grows": (lambda: listed(subject={"encodedList": packed(bytes(64_000_000))}), "cannot be read"),
    "a list signed by another": (lambda: listed().rpartition(".")[0] + ".AAAA", "does not verify"),
}


@pytest.mark.parametrize(("make", "reason"), INVALID_STATUS_LISTS.values(), ids=INVALID_STATUS_LISTS)
def test_invalid_status_list_is_rejected_with_its_reason(make, reason):
    with pytest.raises(VerificationError, match=reason):
        status_of(make())


# Random input

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


@given(st.binary(max_size=200))
def test_random_bytes_are_rejected(content):
    with pytest.raises(VerificationError):
        verify.read_unverified(verify.extract_token(content))


@given(st.sampled_from(sorted(claims())), _JSON)
def test_random_member_raises_nothing_but_verification_error(name, value):
    text = token(claims(**{name: str(value) if name == "iss" else value}))
    with contextlib.suppress(VerificationError):
        assert verify_text(text).subject == claims()["sub"]


@given(st.lists(st.integers(0, 131_071), max_size=20))
def test_decoding_returns_the_bits_that_were_encoded(indexes):
    bits = decode_bits(encode_bits(indexes))

    assert {i for i in range(131_072) if is_set(bits, i)} == set(indexes)


def test_pseudonyms_depend_on_the_secret():
    """They are stable, differ for each secret, and are version 8 UUIDs."""
    issuer, earned = earned_badge()
    one, again = (credential_claims(issuer, earned, secret=b"a").members for _ in range(2))
    other = credential_claims(issuer, earned, secret=b"b").members

    assert msgspec.json.encode(one) == msgspec.json.encode(again)
    assert {one["id"], one["sub"]}.isdisjoint({other["id"], other["sub"]})
    assert (one["sub"][23], one["sub"][28] in "89ab") == ("8", True)
