"""Continuation tokens: they decode to the cursor they were made of, and anything else is rejected."""

import base64
import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.progress.continuation import ContinuationTokens
from service.core.progress.paging import Cursor, ListSpec, Order
from service.db.incarnation import Incarnation
from service.errors import InvalidToken
from tests.factories import OTHER, PLAYER

U32 = st.integers(0, 2**32 - 1)
CURSORS = st.builds(Cursor, title_id=U32, number=U32, as_of=U32, version=U32)
SPECS = st.builds(
    ListSpec,
    of=st.sampled_from(["achievements", "titles"]),
    titles=st.lists(U32, max_size=3, unique=True).map(lambda titles: tuple(sorted(titles))),
    own_title=st.none() | U32,
    kind=st.sampled_from([None, "Persistent", "Challenge"]),
    unlocked_only=st.booleans(),
    possible_only=st.booleans(),
    order=st.sampled_from(Order),
)
PLAYERS = st.integers(0, 2**64 - 1).map(str)
ALPHABET = string.ascii_letters + string.digits + "-_"

TOKENS = ContinuationTokens(b"one key", Incarnation())
CURSOR = Cursor(title_id=7, number=3, as_of=12, version=5)
SPEC = ListSpec(titles=(7, 9))


@given(CURSORS, PLAYERS, SPECS)
def test_token_decodes_to_its_cursor(cursor, player, spec):
    token = TOKENS.make(cursor, player=player, spec=spec)

    assert len(token) <= 32
    assert set(token) <= set(ALPHABET)
    assert TOKENS.read(token, player=player, spec=spec) == cursor
    assert ContinuationTokens(b"one key", Incarnation()).make(cursor, player=player, spec=spec) == token


@given(CURSORS, PLAYERS, SPECS, st.integers(0, 31), st.sampled_from(ALPHABET))
def test_token_altered_in_one_character_is_rejected(cursor, player, spec, index, character):
    token = TOKENS.make(cursor, player=player, spec=spec)
    altered = token[:index] + character + token[index + 1 :]

    if altered == token:
        assert TOKENS.read(altered, player=player, spec=spec) == cursor
    else:
        with pytest.raises(InvalidToken, match="continuationToken: it "):
            TOKENS.read(altered, player=player, spec=spec)


@given(CURSORS, PLAYERS, SPECS, PLAYERS, SPECS)
def test_token_of_another_list_is_rejected(cursor, player, spec, other_player, other_spec):
    token = TOKENS.make(cursor, player=player, spec=spec)

    if (player, spec) != (other_player, other_spec):
        with pytest.raises(InvalidToken, match="continuationToken: it "):
            TOKENS.read(token, player=other_player, spec=other_spec)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"titles": (7,)}, "list or filter", id="titles"),
        pytest.param({"titles": (), "own_title": 7}, "list or filter", id="the player's own titles"),
        pytest.param({"own_title": 7}, "list or filter", id="own title"),
        pytest.param({"kind": "Challenge"}, "list or filter", id="kind"),
        pytest.param({"unlocked_only": True}, "list or filter", id="unlocked only"),
        pytest.param({"possible_only": True}, "list or filter", id="possible only"),
        pytest.param({"of": "titles"}, "list or filter", id="titles, not achievements"),
        *(pytest.param({"order": order}, "orderBy", id=order.name) for order in Order if order),
    ],
)
def test_error_names_the_difference_between_the_lists(changes, reason):
    token = TOKENS.make(CURSOR, player=PLAYER, spec=SPEC)
    spec = msgspec.structs.replace(SPEC, **changes)

    with pytest.raises(InvalidToken, match=f"it belongs to another {reason}"):
        TOKENS.read(token, player=PLAYER, spec=spec)
    with pytest.raises(InvalidToken, match="it belongs to another player"):
        TOKENS.read(token, player=OTHER, spec=spec)


def test_authentication_code_covers_every_field_of_the_list():
    """A field added to ListSpec but not to the authentication code would accept tokens of other lists."""
    assert {*ListSpec.__struct_fields__} == {
        *("of", "titles", "own_title", "kind", "unlocked_only", "possible_only", "order")
    }


def test_token_of_another_key_is_rejected_as_altered():
    token = ContinuationTokens(b"another key", Incarnation()).make(CURSOR, player=PLAYER, spec=SPEC)

    with pytest.raises(InvalidToken, match="it was altered"):
        TOKENS.read(token, player=PLAYER, spec=SPEC)


def test_token_from_before_a_restore_is_rejected():
    incarnation = Incarnation()
    tokens = ContinuationTokens(b"one key", incarnation)
    token = tokens.make(CURSOR, player=PLAYER, spec=SPEC)
    incarnation.adopt(7)

    with pytest.raises(InvalidToken, match="the data was restored since"):
        tokens.read(token, player=PLAYER, spec=SPEC)


def test_token_of_a_later_format_is_rejected_as_altered():
    token = bytearray(base64.urlsafe_b64decode(TOKENS.make(CURSOR, player=PLAYER, spec=SPEC)))
    token[0] += 16

    with pytest.raises(InvalidToken, match="it was altered"):
        TOKENS.read(base64.urlsafe_b64encode(token).decode(), player=OTHER, spec=SPEC)


@given(st.text() | st.text(alphabet=ALPHABET, min_size=32, max_size=32))
def test_any_other_text_is_rejected(text):
    with pytest.raises(InvalidToken, match="continuationToken: it "):
        TOKENS.read(text, player=PLAYER, spec=SPEC)
