"""Who is calling: principals, the claims and headers that they come from, XUIDs and grants. Pure."""

import contextlib
import re
from collections.abc import Mapping
from typing import Any, Final, Literal, NewType, get_args

import msgspec

from service.control_characters import has_control_character, is_line
from service.errors import Unauthenticated
from service.integers import parse_integer

READ_ANY: Final = "progress:read-any"
WRITE: Final = "progress:write"
WRITE_OWN: Final = "progress:write-own"
EDIT: Final = "catalog:write"
CONTEXTS: Final = "contexts"  # to create user contexts of the title and act as any of them
EVERY_USER: Final = "*"
NO_USER: Final = "-"
UNKNOWN: Final = "unknown"  # the name of a caller whose credential names nobody

KeyScope = Literal["events", "read", "authoring"]
"""What an API key may be used for: writing what players do, reading, and changing the title's definitions and keys."""

KEY_SCOPES: Final[tuple[KeyScope, ...]] = get_args(KeyScope)

Right = Literal["suggest", "translate", "review", "publish", "source"]
"""Rights on texts: each of the first four includes those before it; "source" is for texts of the default locale."""

_RIGHTS: Final[tuple[Right, ...]] = get_args(Right)
_LADDER = _RIGHTS[:4]
MAX_PLAYER_CHARACTERS: Final = 128
PLAYER_EXPECTED: Final = f"1 to {MAX_PLAYER_CHARACTERS} characters, none of them a control character"
_NAME_CHARACTERS = 128
_NEVER = 2**53 - 1  # seconds since 1970

_XBL3_MAX_BYTES = 8_000
_XBL3 = re.compile(
    r"(?i:XBL3\.0) x=([0-9]{1,20}|\*|-);([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)",
    re.ASCII,
)
_DIGITS = re.compile(r"[0-9]{1,20}", re.ASCII)
_COUNTRY = re.compile(r"[A-Za-z]{2}", re.ASCII)
_RANGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
_U32, _U64 = 2**32, 2**64

VerifiedClaims = NewType("VerifiedClaims", Mapping[str, Any])
"""A token's claims after its signature, issuer, audience and times were checked: only `tokens.Verifier` makes them.

`iss`, `aud`, and whole numbers `iat` and `exp` are present; the rest is whatever the issuer signed.
"""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """Rights on texts of some titles in some locales. None stands for all; locales are ranges (RFC 4647 §3.3.1)."""

    titles: frozenset[int] | None
    locales: tuple[str, ...] | None
    rights: frozenset[Right]


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The caller. `players` are those that the credential speaks for: XUIDs in canonical decimal, or user ids.

    `title_id` is a u32, `country` an ISO 3166 alpha-2 code in upper case; None if the credential has none or a
    malformed one. `expires_at` is in seconds since 1970. `name` identifies the caller in the history of texts, and
    `grants` are the rights on them. `key_prefix` is the public part of an API key, or the id of an OAuth client.
    `key_scopes` are what an API key was made for; other credentials are not limited in this way.
    """

    players: tuple[str, ...]
    expires_at: int
    title_id: int | None = None
    country: str | None = None
    scopes: frozenset[str] = frozenset()
    name: str = UNKNOWN
    grants: tuple[Grant, ...] = ()
    key_prefix: str | None = None
    key_scopes: frozenset[str] = frozenset(KEY_SCOPES)


ANONYMOUS: Final = Principal(players=(), expires_at=0)
"""Nobody: the principal of routes that anybody may call."""


def operator(name: str = "laurel") -> Principal:
    """The principal of the operator's commands: every right on every title."""
    return Principal(
        players=(),
        expires_at=_NEVER,
        scopes=frozenset((READ_ANY, WRITE, EDIT, CONTEXTS)),
        name=name,
        grants=(Grant(titles=None, locales=None, rights=frozenset(_RIGHTS)),),
    )


OPERATOR: Final = operator()


class Xbl3(msgspec.Struct, frozen=True):
    """An `XBL3.0` credential as it was sent: the user hash (digits, `*` or `-`) and the unverified token."""

    user_hash: str
    token: str


def canonical_xuid(text: str) -> str:
    """The decimal of a XUID without leading zeros. ASCII digits only: `int()` alone would read `١٢` and `1_2` too.

    Raises:
        ValueError: it is not a decimal below 2**64.
    """
    if _DIGITS.fullmatch(text) is None or int(text) >= _U64:
        raise ValueError("expected a XUID: a decimal below 2**64")
    return str(int(text))


def parse_player(text: str) -> str:
    """The id of a player in any API: 1 to 128 characters, none of them a control character or lone surrogate.

    Raises:
        ValueError: it is anything else.
    """
    if not 1 <= len(text) <= MAX_PLAYER_CHARACTERS or has_control_character(text):
        raise ValueError(f"expected {PLAYER_EXPECTED}")
    return text


def parse_xbl3(field: str) -> Xbl3:
    """The two parts of `XBL3.0 x=<user hash>;<token>`, at most 8 000 bytes.

    Only the name of the scheme is case-insensitive (RFC 9110 §11.1).

    Raises:
        Unauthenticated: it is anything else, `Bearer` included.
    """
    match = _XBL3.fullmatch(field) if len(field) <= _XBL3_MAX_BYTES else None
    if match is None:
        raise Unauthenticated(
            f"Authorization: expected XBL3.0 x=<user hash>;<token>, at most {_XBL3_MAX_BYTES} bytes; "
            "the user hash is digits, * or -, the token three parts of base64url"
        )
    return Xbl3(match[1], match[2])


def principal_of(claims: VerifiedClaims, *, user_hash: str) -> Principal:
    """The principal of a token, for the one user whom the hash selects, all (`*`) or none (`-`).

    A malformed claim counts as absent. A token without users speaks for no player whatever the hash is, so that the
    response is 403 and not 401.

    Raises:
        Unauthenticated: the token has users, and none of them has this hash.
    """
    users = _users(claims.get("xui"))
    chosen = [] if user_hash == NO_USER else [xuid for xuid, own in users if user_hash in (EVERY_USER, own)]
    if users and not chosen and user_hash != NO_USER:
        raise Unauthenticated("the user hash after x= is of no user in this token")
    return Principal(
        players=tuple(dict.fromkeys(chosen)),
        expires_at=claims["exp"],
        title_id=_title(claims.get("xti")),
        country=_country(claims.get("loc")),
        scopes=_scopes(claims.get("scope")),
        name=_name(claims.get("sub"), chosen),
        grants=grants_of(claims.get("l10n")),
    )


def grants_of(l10n: object) -> tuple[Grant, ...]:
    """The well-formed grants of a claim `l10n`; others count as absent."""
    found = []
    for grant in l10n if isinstance(l10n, list) else ():
        match grant:
            case {"titles": titles, "locales": locales, "can": list(can)}:
                ids, ranges = _title_ids(titles), _ranges(locales)
                rights = {right for right in _RIGHTS if right in can}
                rights |= {lower for right in rights & {*_LADDER} for lower in _LADDER[: _LADDER.index(right)]}
                if (titles == "*" or ids) and (locales == "*" or ranges) and rights:
                    found.append(
                        Grant(
                            titles=None if titles == "*" else ids,
                            locales=None if locales == "*" else ranges,
                            rights=frozenset(rights),
                        )
                    )
            case _:
                pass
    return tuple(found)


def _users(xui: object) -> list[tuple[str, str]]:
    """The XUID and user hash of each well-formed user; others count as absent."""
    users = []
    for user in xui if isinstance(xui, list) else ():
        match user:
            case {"xid": str(xid), "uhs": str(user_hash)}:
                with contextlib.suppress(ValueError):
                    users.append((canonical_xuid(xid), user_hash))
            case _:
                pass
    return users


def _title(xti: object) -> int | None:
    tid = xti.get("tid") if isinstance(xti, dict) else None
    if isinstance(tid, str):
        with contextlib.suppress(ValueError):
            return parse_integer(tid, most=_U32 - 1)
    return tid if type(tid) is int and 0 <= tid < _U32 else None


def _country(loc: object) -> str | None:
    return loc.upper() if isinstance(loc, str) and _COUNTRY.fullmatch(loc) else None


def _scopes(scope: object) -> frozenset[str]:
    """The scopes of a space-separated text (RFC 6749 §3.3), or of a list."""
    words = scope.split(" ") if isinstance(scope, str) else scope if isinstance(scope, list) else ()
    return frozenset(word for word in words if isinstance(word, str) and word)


def _name(sub: object, players: list[str]) -> str:
    """The name in the history of texts: the token's subject, or else its player."""
    if isinstance(sub, str) and 0 < len(sub) <= _NAME_CHARACTERS and is_line(sub):
        return sub
    return players[0] if players else UNKNOWN


def _title_ids(titles: object) -> frozenset[int]:
    listed = titles if isinstance(titles, list) else ()
    return frozenset(found for tid in listed if (found := _title({"tid": tid})) is not None)


def _ranges(locales: object) -> tuple[str, ...]:
    listed = locales if isinstance(locales, list) else ()
    return tuple(name for name in listed if isinstance(name, str) and _RANGE.fullmatch(name))
