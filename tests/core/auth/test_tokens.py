import hashlib
import hmac
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from service.core.auth.key_ring import KeyRing, UnknownKey
from service.core.auth.tokens import PRINCIPAL_BYTES, Verifier, authorization, claims_for, sign, user_hash_of
from service.errors import Unauthenticated, Unavailable
from tests.core.auth.key_material import KINDS, RSA, jwk, jwks, part, pem

NOW = 1_767_225_600
XUID, OTHER = "2533274790395904", "2533274790395905"
SECRET = "a secret of more than 32 bytes, made up for a test"


def make_claims(xuid=XUID, *, without=(), **more):
    made = claims_for(xuid, issuer="laurel", audience="laurel", now=NOW, user_hash="111")
    return {name: value for name, value in (made | more).items() if name not in without}


def make_verifier(ring=None, **more):
    return Verifier(ring or KeyRing.from_secret(SECRET), issuer="laurel", audience="laurel", **more)


def field(token, user_hash="111"):
    return f"XBL3.0 x={user_hash};{token}"


def sign_by_hand(header, payload, secret=SECRET):
    """A token that no library would make, with a good HS256 signature."""
    signed = f"{part(header)}.{part(payload)}"
    return f"{signed}.{part(hmac.digest(secret.encode(), signed.encode(), hashlib.sha256))}"


def rejection_of(verifier, credential, now=NOW):
    with pytest.raises(Unauthenticated) as caught:
        verifier.principal(credential, now)
    return str(caught.value)


def test_signed_token_is_verified():
    token = sign(
        claims_for(
            "0" + XUID,
            issuer="laurel",
            audience="laurel",
            now=NOW,
            title_id=3051199919,
            country="FR",
            scopes=["progress:read-any", "catalog:edit"],
        ),
        SECRET,
    )

    who = make_verifier().principal(authorization(token, user_hash=user_hash_of(XUID)), NOW)

    assert who.players == (XUID,)
    assert who.title_id == 3051199919
    assert who.country == "FR"
    assert who.scopes == {"progress:read-any", "catalog:edit"}
    assert who.expires_at == NOW + 3600


def test_signed_token_has_the_claims_of_an_xsts_token():
    made = claims_for(XUID, issuer="laurel", audience="laurel", now=NOW, title_id=1, country="FR", scopes=["a"])

    assert list(made) == ["iss", "aud", "iat", "nbf", "exp", "jti", "xui", "xti", "loc", "scope"]
    assert made["xui"] == [{"xid": XUID, "uhs": user_hash_of(XUID), "gtg": "Player5904", "agg": "Adult"}]
    assert made["xti"] == {"tid": "1"}


def test_authorization_field_is_written_in_both_schemes():
    assert authorization("a.b.c", user_hash="7") == "XBL3.0 x=7;a.b.c"
    assert authorization("a.b.c", user_hash="7", scheme="bearer") == "Bearer a.b.c"


@pytest.mark.parametrize(
    "more",
    [
        {"xuid": str(2**64)},
        {"xuid": "x"},
        {"user_hash": "abc"},
        {"user_hash": "*"},
        {"lifetime_seconds": 0},
        {"lifetime_seconds": 86_401},
    ],
)
def test_signing_rejects_claims_that_the_verifier_would_reject(more):
    with pytest.raises(ValueError, match="expected a"):
        claims_for(**{"xuid": XUID, "issuer": "laurel", "audience": "laurel", "now": NOW} | more)


def test_signing_with_a_short_secret_fails():
    with pytest.raises(ValueError, match="32 bytes"):
        sign(make_claims(), "x" * 31)


@pytest.mark.parametrize("algorithm", KINDS)
def test_public_key_verifies_only_with_its_own_algorithm(algorithm):
    verifier = make_verifier(KeyRing.from_public_key(pem(KINDS[algorithm][0])))

    token = jwt.encode(make_claims(), KINDS[algorithm][0], algorithm, headers={"kid": "any"})

    assert verifier.ring.algorithms == (algorithm,)
    assert verifier.principal(field(token), NOW).players == (XUID,)


@pytest.mark.parametrize("algorithm", KINDS)
def test_key_set_verifies_with_the_named_key(algorithm):
    verifier = make_verifier(KeyRing.from_jwks(jwks(*(jwk(each, kid=each, use="sig") for each in KINDS))))

    token = jwt.encode(make_claims(), KINDS[algorithm][0], algorithm, headers={"kid": algorithm})

    assert verifier.principal(field(token), NOW).players == (XUID,)


def test_token_that_names_another_key_is_rejected():
    verifier = make_verifier(KeyRing.from_jwks(jwks(*(jwk(each, kid=each) for each in KINDS))))

    token = jwt.encode(make_claims(), RSA, "RS256", headers={"kid": "ES256"})

    assert "algorithm" in rejection_of(verifier, field(token))


@pytest.mark.parametrize("headers", [{}, {"kid": "new"}])
def test_key_missing_from_the_set_is_unknown(headers):
    verifier = make_verifier(KeyRing.from_jwks(jwks(jwk("RS256", kid="a"), jwk("ES256", kid="b"))))

    with pytest.raises(UnknownKey) as caught:
        verifier.principal(field(jwt.encode(make_claims(), RSA, "RS256", headers=headers)), NOW)

    assert caught.value.kid == headers.get("kid")
    assert "new" not in str(caught.value)


@pytest.mark.parametrize("kid", [{}, {"kid": "a"}])
@pytest.mark.parametrize("headers", [{}, {"kid": "a"}])
def test_only_key_needs_no_kid_on_either_side(kid, headers):
    verifier = make_verifier(KeyRing.from_jwks(jwks(jwk("RS256", **kid))))

    token = jwt.encode(make_claims(), RSA, "RS256", headers=headers)

    assert verifier.principal(field(token), NOW).players == (XUID,)


HS256 = {"alg": "HS256", "typ": "JWT"}
FORGED = {
    "alg none": (f"{part({'alg': 'none'})}.{part(make_claims())}.AAAA", "algorithm"),
    "alg none, no signature": (f"{part({'alg': 'none'})}.{part(make_claims())}.", "expected XBL3.0"),
    "another secret": (sign_by_hand(HS256, make_claims(), "another secret of more than 32 bytes"), "signature"),
    "a changed claim": (
        ".".join([part(HS256), part(make_claims(OTHER)), sign_by_hand(HS256, make_claims()).rpartition(".")[2]]),
        "signature",
    ),
    "HS512": (jwt.encode(make_claims(), SECRET * 2, "HS512"), "algorithm"),
    "a list for alg": (sign_by_hand({"alg": ["HS256"]}, make_claims()), "malformed"),
    "no alg": (sign_by_hand({"typ": "JWT"}, make_claims()), "malformed"),
    "a number for kid": (sign_by_hand(HS256 | {"kid": 7}, make_claims()), "malformed"),
    "a number for typ": (sign_by_hand(HS256 | {"typ": 7}, make_claims()), "malformed"),
    "null for typ": (sign_by_hand(HS256 | {"typ": None}, make_claims()), "malformed"),
    "a list for typ": (sign_by_hand(HS256 | {"typ": ["JWT"]}, make_claims()), "malformed"),
    "crit": (sign_by_hand(HS256 | {"crit": ["exp"], "exp": 1}, make_claims()), "malformed"),
    "crit b64": (sign_by_hand(HS256 | {"crit": ["b64"], "b64": True}, make_claims()), "malformed"),
    "b64": (sign_by_hand(HS256 | {"b64": True}, make_claims()), "malformed"),
    "zip": (sign_by_hand(HS256 | {"zip": "DEF"}, make_claims()), "malformed"),
    "a header that is a list": (sign_by_hand([], make_claims()), "malformed"),
    "a header that is no text": (sign_by_hand(b"\xff\xfe", make_claims()), "malformed"),
    "a deep header": (sign_by_hand(b'{"alg":"HS256","x":' + b"[" * 4_000, make_claims()), "malformed"),
    "a deep payload": (sign_by_hand(HS256, b'{"x":' + b"[" * 2_500 + b"]" * 2_500 + b"}"), "malformed"),
    "a payload that is a list": (sign_by_hand(HS256, []), "malformed"),
    "a payload that is no JSON": (sign_by_hand(HS256, b"{"), "malformed"),
    "a number of 5000 digits": (sign_by_hand(HS256, b'{"exp":' + b"9" * 5_000 + b"}"), "malformed"),
    "another issuer": (sign(make_claims(iss="laurel2"), SECRET), "another issuer"),
    "part of the issuer": (sign(make_claims(iss="laure"), SECRET), "another issuer"),
    "a list for iss": (sign_by_hand(HS256, make_claims(iss=["laurel"])), "another issuer"),
    "another audience": (sign(make_claims(aud="http://xboxlive.com"), SECRET), "another audience"),
    "an object for aud": (sign(make_claims(aud={"laurel": 1}), SECRET), "another audience"),
    **{f"no {name}": (sign(make_claims(without=[name]), SECRET), name) for name in ("iss", "aud", "exp", "iat")},
    "exp is text": (sign(make_claims(exp="9999999999"), SECRET), "whole numbers"),
    "exp is a float": (sign(make_claims(exp=NOW + 3600.0), SECRET), "whole numbers"),
    "exp is true": (sign(make_claims(exp=True), SECRET), "whole numbers"),
    "exp is infinite": (sign_by_hand(HS256, make_claims(exp=float("inf"))), "whole numbers"),
    "iat is text": (sign(make_claims(iat=str(NOW)), SECRET), "whole numbers"),
    "nbf is text": (sign(make_claims(nbf=str(NOW)), SECRET), "whole numbers"),
    "nbf is null": (sign(make_claims(nbf=None), SECRET), "whole numbers"),
    "nbf is ahead": (sign(make_claims(nbf=NOW + 31), SECRET), "not yet valid"),
    "iat is ahead": (sign(make_claims(iat=NOW + 31), SECRET), "not yet valid"),
    "expired": (sign(make_claims(exp=NOW - 30), SECRET), "has expired"),
    "a lifetime over 24 h": (sign(make_claims(exp=NOW + 86_401), SECRET), "lives longer"),
    "exp is beyond any clock": (sign(make_claims(exp=10**400), SECRET), "lives longer"),
    "sub is a number": (sign(make_claims(sub=7), SECRET), "malformed"),
    "an unknown hash": (sign(make_claims() | {"xui": [{"xid": XUID, "uhs": "999"}]}, SECRET), "user hash"),
    "padded": (sign(make_claims(), SECRET) + "=", "expected XBL3.0"),
    "padded inside": (sign(make_claims(), SECRET).replace(".", "=.", 1), "expected XBL3.0"),
    "a fourth part": (sign(make_claims(), SECRET) + ".AAAA", "expected XBL3.0"),
    "one character left over": (sign(make_claims(), SECRET) + "AA", "malformed"),
    "9 KB": (sign(make_claims(filler="x" * 9_000), SECRET), "expected XBL3.0"),
}


@pytest.mark.parametrize(("token", "why"), FORGED.values(), ids=FORGED)
def test_invalid_token_is_rejected_with_a_reason_and_not_quoted(token, why):
    message = rejection_of(make_verifier(), field(token))

    assert why in message
    assert not any(piece in message for piece in token.split(".") if piece)


@pytest.mark.parametrize("make", [KeyRing.from_public_key, lambda _: KeyRing.from_jwks(jwks(jwk("RS256", kid="a")))])
def test_public_key_is_no_hmac_secret(make):
    """Algorithm confusion, RFC 8725 §2.1: the RSA key's PEM is known to everybody."""
    forged = sign_by_hand(HS256, make_claims(), pem(RSA))

    assert "algorithm" in rejection_of(make_verifier(make(pem(RSA))), field(forged))


def test_token_of_another_key_is_rejected():
    verifier = make_verifier(KeyRing.from_public_key(pem(RSA)))

    token = jwt.encode(make_claims(), rsa.generate_private_key(65537, 2048), "RS256")

    assert "signature" in rejection_of(verifier, field(token))


@pytest.mark.parametrize(
    ("claims", "now"),
    [
        pytest.param(make_claims(), NOW + 3600 + 29, id="just expired"),
        pytest.param(make_claims(nbf=NOW + 30), NOW, id="nearly valid"),
        pytest.param(make_claims(without=["nbf"]), NOW, id="no nbf"),
        pytest.param(make_claims(exp=NOW + 86_400), NOW, id="24 hours"),
        pytest.param(make_claims(aud=["other", "laurel"]), NOW, id="one audience of two"),
    ],
)
def test_small_clock_skew_and_long_lists_are_accepted(claims, now):
    assert make_verifier().principal(field(sign(claims, SECRET)), now).players == (XUID,)


def test_token_of_two_users_speaks_for_the_selected_one():
    verifier = make_verifier()
    token = sign(make_claims(xui=[{"xid": XUID, "uhs": "111"}, {"xid": OTHER, "uhs": "222"}]), SECRET)

    named = [verifier.principal(field(token, each), NOW).players for each in ("222", "111", "*", "-")]

    assert named == [(OTHER,), (XUID,), (XUID, OTHER), ()]
    assert "user hash" in rejection_of(verifier, field(token, "333"))


def test_verified_credential_is_cached():
    verifier = make_verifier()
    credential = field(sign(make_claims(), SECRET))

    assert verifier.principal(credential, NOW) is verifier.principal(credential, NOW + 299)


def test_cached_credential_expires_after_300_seconds():
    verifier = make_verifier()
    credential = field(sign(make_claims(), SECRET))

    assert verifier.principal(credential, NOW) is not verifier.principal(credential, NOW + 300)


def test_cached_token_still_expires():
    verifier = make_verifier()
    credential = field(sign(make_claims(exp=NOW + 100), SECRET))
    verifier.principal(credential, NOW)

    assert "expired" in rejection_of(verifier, credential, NOW + 130)


def test_cached_token_is_not_yet_valid_if_the_clock_is_set_back():
    verifier = make_verifier()
    credential = field(sign(make_claims(), SECRET))
    verifier.principal(credential, NOW)

    assert "not yet valid" in rejection_of(verifier, credential, NOW - 31)


def test_rejection_is_not_cached():
    verifier = make_verifier()
    credential = field(sign(make_claims(nbf=NOW + 31), SECRET))
    rejection_of(verifier, credential, NOW)

    assert verifier.principal(credential, NOW + 1).players == (XUID,)


def test_cache_is_bounded_and_drops_the_least_recently_used():
    first, second, third = (field(sign(make_claims(str(xuid)), SECRET)) for xuid in (1, 2, 3))
    verifier = make_verifier(max_bytes=2 * (PRINCIPAL_BYTES + len(first)))
    kept, lost = verifier.principal(first, NOW), verifier.principal(second, NOW)
    verifier.principal(first, NOW)

    verifier.principal(third, NOW)

    assert verifier.principal(first, NOW) is kept
    assert verifier.principal(second, NOW) is not lost


def test_cache_does_not_hold_the_credential():
    verifier = make_verifier()
    credential = field(sign(make_claims(), SECRET))
    verifier.principal(credential, NOW)

    assert [len(key) for key in verifier._cache] == [16]
    assert credential.rpartition(".")[2] not in repr(verifier._cache)


def test_replaced_keys_reject_tokens_of_the_old_ones_at_once():
    verifier = make_verifier()
    credential = field(sign(make_claims(), SECRET))
    verifier.principal(credential, NOW)

    verifier.replace_keys(KeyRing.from_secret("another secret of more than 32 bytes"))

    assert verifier.generation == 2
    assert "signature" in rejection_of(verifier, credential)


def test_without_keys_the_verifier_is_unavailable():
    """Not 401: the client would discard a valid token."""
    with pytest.raises(Unavailable):
        make_verifier(KeyRing.empty()).principal(field(sign(make_claims(), SECRET)), NOW)


VERIFIER = make_verifier()
PARTS = st.text(st.sampled_from("AaZz09-_=. é\udcff"), max_size=40) | st.sampled_from([part(HS256), part({"alg": "x"})])


@given(st.text() | st.builds("XBL3.0 x={};{}.{}.{}".format, st.sampled_from(["1", "*", "-", ""]), PARTS, PARTS, PARTS))
def test_any_text_raises_only_unauthenticated(credential):
    with pytest.raises(Unauthenticated):
        VERIFIER.principal(credential, NOW)


@given(
    payload=st.binary() | st.recursive(st.none() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_any_signed_payload_raises_only_unauthenticated(payload):
    with pytest.raises(Unauthenticated):
        VERIFIER.verify(sign_by_hand(HS256, payload), NOW)


@given(xuid=st.integers(0, 2**64 - 1).map(str), lifetime=st.integers(1, 86_400))
def test_every_signed_token_is_accepted(xuid, lifetime):
    made = claims_for(xuid, issuer="laurel", audience="laurel", now=NOW, lifetime_seconds=lifetime)

    credential = authorization(sign(made, SECRET), user_hash=user_hash_of(xuid))

    assert VERIFIER.principal(credential, NOW).players == (xuid,)


# Bearer


def test_bearer_speaks_for_all_users_and_the_subject_of_its_token():
    claims = claims_for("7", issuer="laurel", audience="laurel", now=NOW, subject="Ana")

    who = Verifier(KeyRing.from_secret(SECRET), issuer="laurel", audience="laurel").bearer(
        f"bEaReR {sign(claims, SECRET)}", NOW
    )

    assert (who.players, who.name) == (("7",), "Ana")


@pytest.mark.parametrize(
    "field", ["", "Bearer", "Bearer ", "Bearer  a.b.c", "Bearer a.b", "Basic a.b.c", "XBL3.0 x=1;a.b.c"]
)
def test_other_authorization_field_is_rejected_as_bearer(field):
    with pytest.raises(Unauthenticated, match="expected Bearer <token>"):
        Verifier(KeyRing.from_secret(SECRET), issuer="laurel", audience="laurel").bearer(field, NOW)


def test_signing_rejects_claims_without_xuid_and_subject():
    with pytest.raises(ValueError, match="expected a XUID, or the subject"):
        claims_for(None, issuer="laurel", audience="laurel", now=NOW)
