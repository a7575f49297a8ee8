"""What a credential may do: read progress, and act on texts of its titles and locales."""

import contextlib

import pytest

from service.core.auth.permissions import may_localize, may_read_progress, may_write_progress
from service.core.auth.principal import Principal, grants_of
from service.errors import PermissionDenied, UserRequired, WrongPlayer
from tests.factories import draft

FIRST, SECOND = "2533274790395904", "2533274790395905"


def someone(*players, scopes=()):
    return Principal(players=players, expires_at=1_767_283_200, scopes=frozenset(scopes))


def translator(**grant):
    return Principal(players=(), expires_at=1, grants=grants_of([{"titles": "*", "locales": "*", **grant}]))


def test_player_may_read_own_progress():
    may_read_progress(someone(FIRST, SECOND), SECOND, policy="self")


def test_reading_another_player_fails():
    with pytest.raises(WrongPlayer, match="speaks for another player"):
        may_read_progress(someone(FIRST), SECOND, policy="self")


@pytest.mark.parametrize("policy", ["self", "public"])
def test_credential_without_a_user_may_read_nothing(policy):
    with pytest.raises(UserRequired, match="speaks for no player"):
        may_read_progress(someone(), FIRST, policy=policy)


def test_every_player_may_read_public_progress():
    may_read_progress(someone(FIRST), SECOND, policy="public")


@pytest.mark.parametrize(("players", "error"), [((), UserRequired), ((FIRST,), WrongPlayer)])
def test_only_servers_write_progress_of_any_player(players, error):
    title = draft(1, ()).title

    may_write_progress(someone(scopes=["progress:write"]), SECOND, title=title)
    with pytest.raises(error, match="the credential speaks for"):
        may_write_progress(someone(*players), SECOND, title=title)


@pytest.mark.parametrize("players", [(), (FIRST,)])
def test_scope_allows_reading_anyone(players):
    may_read_progress(someone(*players, scopes=["progress:read-any"]), SECOND, policy="self")


@pytest.mark.parametrize("scope", ["progress:read-any2", "progress:read", "progress:read-any catalog:edit"])
def test_scope_must_match_a_whole_word(scope):
    with pytest.raises(PermissionDenied):
        may_read_progress(someone(FIRST, scopes=[scope]), SECOND, policy="self")


@pytest.mark.parametrize(
    ("can", "right", "allowed"),
    [
        ("publish", "suggest", True),
        ("publish", "review", True),
        ("review", "translate", True),
        ("review", "publish", False),
        ("translate", "review", False),
        ("suggest", "translate", False),
        ("publish", "source", False),
        ("source", "suggest", False),
    ],
)
def test_each_right_includes_those_below_it_except_source(can, right, allowed):
    who = translator(can=[can])

    with contextlib.nullcontext() if allowed else pytest.raises(PermissionDenied, match=f"needs the right {right} "):
        may_localize(who, right, 1, "fr-FR")


@pytest.mark.parametrize(
    ("titles", "locales", "title_id", "locale", "allowed"),
    [
        (["1"], "*", 1, "fr-FR", True),
        (["1"], "*", 2, "fr-FR", False),
        ([1], ["fr"], 1, "fr-CA", True),
        ("*", ["FR"], 1, "fr", True),
        ("*", ["fr-CA"], 1, "fr", False),
        ("*", ["fr"], 1, "frr", False),
        ("*", ["es-419", "fr"], 1, "es-419", True),
        ("*", ["fr"], 1, None, False),
        ("*", "*", 1, None, True),
    ],
)
def test_grant_covers_its_titles_and_locale_ranges(titles, locales, title_id, locale, allowed):
    who = translator(titles=titles, locales=locales, can=["translate"])

    with contextlib.nullcontext() if allowed else pytest.raises(PermissionDenied):
        may_localize(who, "translate", title_id, locale)
