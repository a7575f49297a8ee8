import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.auth.principal import (
    EVERY_USER,
    Principal,
    VerifiedClaims,
    Xbl3,
    canonical_xuid,
    parse_player,
    parse_xbl3,
    principal_of,
)
from service.errors import Unauthenticated

FIRST, SECOND = "2533274790395904", "2533274790395905"
USERS = [{"xid": FIRST, "uhs": "111", "gtg": "First"}, {"xid": SECOND, "uhs": "222", "gtg": "Second"}]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["1", FIRST]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["xid", "uhs", "tid", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def claims(**more):
    return {"exp": 1_767_283_200, **more}


def someone(*players, scopes=()):
    return Principal(players=players, expires_at=1_767_283_200, scopes=frozenset(scopes))


@pytest.mark.parametrize("user_hash", ["1234567890", "12345678901234567890", "0", "*", "-"])
def test_xbl3_field_has_a_user_hash_and_a_token(user_hash):
    assert parse_xbl3(f"XBL3.0 x={user_hash};aa.b-.c_") == Xbl3(user_hash, "aa.b-.c_")


def test_scheme_name_is_case_insensitive():
    """RFC 9110 §11.1."""
    assert parse_xbl3("xbl3.0 x=1;a.b.c") == Xbl3("1", "a.b.c")


@pytest.mark.parametrize(
    "field",
    [
        pytest.param("", id="nothing"),
        pytest.param("Bearer a.b.c", id="another scheme"),
        pytest.param("XBL3.0 x=1;", id="no token"),
        pytest.param("XBL3.0 x=;a.b.c", id="no hash"),
        pytest.param("XBL3.0 a.b.c", id="no x"),
        pytest.param("XBL3.0 X=1;a.b.c", id="a large x"),
        pytest.param("XBL3x0 x=1;a.b.c", id="not the point"),
        pytest.param("XBL3.0  x=1;a.b.c", id="two spaces"),
        pytest.param(" XBL3.0 x=1;a.b.c", id="a space before"),
        pytest.param("XBL3.0 x=1;a.b.c\n", id="a line feed after"),
        pytest.param("XBL3.0 x=1;a.b.c=", id="padding"),
        pytest.param("XBL3.0 x=1;a.b.", id="no signature"),
        pytest.param("XBL3.0 x=1;a.b", id="two parts"),
        pytest.param("XBL3.0 x=1;a.b.c.d.e", id="five parts, as an encrypted token has"),
        pytest.param("XBL3.0 x=1,2;a.b.c", id="two hashes"),
        pytest.param("XBL3.0 x=abc;a.b.c", id="a hash of letters"),
        pytest.param("XBL3.0 x=١٢;a.b.c", id="a hash of Arabic digits"),
        pytest.param("XBL3.0 x=123456789012345678901;a.b.c", id="a hash of 21 digits"),
        pytest.param("XBL3.0 x=1;a.\u212a.c", id="a Kelvin sign, which folds to k"),
        pytest.param("XBL3.0 x=1;a.\udcff.c", id="a raw byte, as aiohttp decodes it"),
        pytest.param("XBL3.0 x=1;a.b." + "c" * 9_000, id="9 KB"),
    ],
)
def test_other_field_is_rejected_without_quoting_it(field):
    with pytest.raises(Unauthenticated) as caught:
        parse_xbl3(field)

    assert str(caught.value).startswith("Authorization: expected XBL3.0 x=<user hash>;<token>")


@given(st.text() | st.from_regex(r"(?i)XBL3.0 x=.{0,4};.*"))
def test_parsing_any_field_raises_only_unauthenticated(field):
    try:
        parsed = parse_xbl3(field)
    except Unauthenticated:
        return
    assert field.endswith(f" x={parsed.user_hash};{parsed.token}")


@pytest.mark.parametrize(
    ("user_hash", "players"),
    [("111", (FIRST,)), ("222", (SECOND,)), ("*", (FIRST, SECOND)), ("-", ())],
)
def test_user_hash_selects_the_players_of_a_token(user_hash, players):
    assert principal_of(claims(xui=USERS), user_hash=user_hash).players == players


def test_unknown_user_hash_is_unauthenticated():
    with pytest.raises(Unauthenticated, match="user hash"):
        principal_of(claims(xui=USERS), user_hash="333")


@pytest.mark.parametrize("user_hash", ["111", "*", "-"])
@pytest.mark.parametrize("more", [{}, {"xui": []}, {"xui": None}, {"xui": "x"}, {"xui": {"xid": FIRST, "uhs": "111"}}])
def test_token_without_users_speaks_for_no_player(user_hash, more):
    """403 and not 401: the token is good."""
    assert principal_of(claims(**more), user_hash=user_hash).players == ()


@pytest.mark.parametrize(
    "user",
    [
        pytest.param("2533274790395904", id="no object"),
        pytest.param({"uhs": "111"}, id="no xid"),
        pytest.param({"xid": int(FIRST), "uhs": "111"}, id="a number"),
        pytest.param({"xid": str(2**64), "uhs": "111"}, id="2**64"),
        pytest.param({"xid": "9" * 5000, "uhs": "111"}, id="more digits than int() reads"),
        pytest.param({"xid": "٢٥", "uhs": "111"}, id="Arabic digits"),
        pytest.param({"xid": "1_2", "uhs": "111"}, id="an underscore"),
        pytest.param({"xid": " 12", "uhs": "111"}, id="a space"),
        pytest.param({"xid": "-1", "uhs": "111"}, id="a sign"),
        pytest.param({"xid": "", "uhs": "111"}, id="empty"),
        pytest.param({"xid": FIRST, "uhs": 111}, id="a hash that is a number"),
        pytest.param({"xid": FIRST}, id="no hash"),
    ],
)
def test_malformed_user_counts_as_absent(user):
    assert principal_of(claims(xui=[user, USERS[1]]), user_hash="*").players == (SECOND,)


def test_players_are_canonical_and_unique():
    users = [{"xid": "007", "uhs": "1"}, {"xid": "7", "uhs": "2"}, {"xid": str(2**64 - 1), "uhs": "3"}]

    assert principal_of(claims(xui=users), user_hash="*").players == ("7", "18446744073709551615")


@given(st.integers(min_value=0, max_value=2**64 - 1), st.integers(min_value=0, max_value=3))
def test_xuid_has_one_canonical_decimal(xuid, zeros):
    text = ("0" * zeros + str(xuid))[-20:] if len(str(xuid)) + zeros <= 20 else str(xuid)

    assert canonical_xuid(text) == str(xuid)


@pytest.mark.parametrize(
    ("xti", "title_id"),
    [
        ({"tid": "3051199919"}, 3051199919),
        ({"tid": 3051199919}, 3051199919),
        ({"tid": str(2**32)}, None),
        ({"tid": "9" * 5000}, None),
        ({"tid": f"{'0' * 30}7"}, 7),
        ({"tid": -1}, None),
        ({"tid": True}, None),
        ({"tid": 1.0}, None),
        ({"tid": "١٢"}, None),
        ({}, None),
        ("3051199919", None),
        (None, None),
    ],
)
def test_title_is_a_u32_or_absent(xti, title_id):
    assert principal_of(claims(xti=xti), user_hash="-").title_id == title_id


@pytest.mark.parametrize(
    ("loc", "country"),
    [("fr", "FR"), ("US", "US"), ("FRA", None), ("\u017fs", None), ("", None), (["FR"], None), (None, None)],
)
def test_country_is_two_letters_or_absent(loc, country):
    assert principal_of(claims(loc=loc), user_hash="-").country == country


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("progress:read-any  catalog:edit", {"progress:read-any", "catalog:edit"}),
        (["progress:read-any", 7, ""], {"progress:read-any"}),
        ("progress:read-anything", {"progress:read-anything"}),
        ({"progress:read-any": True}, set()),
        (None, set()),
    ],
)
def test_scopes_are_whole_words(scope, words):
    assert principal_of(claims(scope=scope), user_hash="-").scopes == words


@given(xui=JSON, xti=JSON, loc=JSON, scope=JSON, user_hash=st.sampled_from(["*", "-", "1"]))
def test_claims_of_any_shape_raise_only_unauthenticated(xui, xti, loc, scope, user_hash):
    try:
        who = principal_of(claims(xui=xui, xti=xti, loc=loc, scope=scope), user_hash=user_hash)
    except Unauthenticated:
        return
    assert all(canonical_xuid(player) == player for player in who.players)


def grants(l10n, **more):
    return principal_of(VerifiedClaims({"exp": 1, "l10n": l10n, **more}), user_hash=EVERY_USER)


EVERYTHING = {"titles": "*", "locales": "*", "can": ["publish", "source"]}


@pytest.mark.parametrize(
    "l10n",
    [
        None,
        "*",
        EVERYTHING,
        [EVERYTHING | {"can": "publish"}],
        [EVERYTHING | {"can": [["publish"], "admin", 1]}],
        [EVERYTHING | {"titles": []}],
        [EVERYTHING | {"titles": ["-1", "x", None, 2**32]}],
        [EVERYTHING | {"titles": 1}],
        [EVERYTHING | {"locales": ["", "fr_FR", "*", 1]}],
        [EVERYTHING | {"locales": None}],
        [{"titles": "*", "can": ["publish"]}],
        [[], 1, None],
    ],
)
def test_malformed_grant_counts_as_absent(l10n):
    assert grants(l10n).grants == ()


def test_valid_grant_counts_beside_malformed_ones():
    assert len(grants([1, EVERYTHING, {}]).grants) == 1


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"sub": "Ana"}, "Ana"),
        ({"sub": ""}, "unknown"),
        ({"sub": 7}, "unknown"),
        ({"sub": "a\nb"}, "unknown"),
        ({"sub": "x" * 129}, "unknown"),
        ({"xui": [{"xid": "7", "uhs": "1"}]}, "7"),
    ],
)
def test_name_is_the_subject_or_else_the_player(claims, name):
    assert grants(None, **claims).name == name


@pytest.mark.parametrize("text", ["1", "a" * 128, "user/ü 花", "\U0001f3c6"])
def test_player_id_has_1_to_128_characters(text):
    assert parse_player(text) == text


@pytest.mark.parametrize("text", ["", "a" * 129, "a\0", "a\n", "\x7f", "\x85", "\ud800"])
def test_player_id_with_a_control_character_or_of_another_length_is_invalid(text):
    with pytest.raises(ValueError, match="expected 1 to 128 characters, none of them a control character"):
        parse_player(text)
