"""The titles that a player has anything in, with what they earned there: `history/titles`."""

from collections.abc import Sequence
from typing import Any

import msgspec

from service import ticks
from service.api.xbox.json_fragments import LOCKED_AT, encode
from service.api.xbox.list_response import ChainOf, Contract
from service.core.progress.lists import keep
from service.core.progress.paging import Cursor, Order, TitleView
from service.core.unlocks.player_progress import PlayerProgress
from service.errors import InvalidToken

_LEGACY_GAME = 1


class Earned(msgspec.Struct, frozen=True):
    """What one player earned in one title: the newest unlock in ticks (0: none), how many, and their points."""

    last_unlock: int
    count: int
    gamerscore: int


def earned(view: TitleView, *, as_of: int | None = None) -> Earned:
    """What was earned in one title, of what is still published there. `as_of` leaves out later revisions."""
    if view.progress is None:
        return Earned(0, 0, 0)
    unlocked = view.progress.unlocked_at if as_of is None else view.progress.unlocked_by(as_of)
    published = view.published
    last_unlock = count = gamerscore = 0
    for stored_number, at in unlocked.items():
        position = published.positions.get(stored_number)
        if position is not None:
            count += 1
            gamerscore += published.achievements[position].gamerscore
            last_unlock = max(last_unlock, at)
    return Earned(last_unlock, count, gamerscore)


def in_order(
    views: Sequence[TitleView], order: Order, *, as_of: int, everything: PlayerProgress | None
) -> list[TitleView]:
    """The titles by id, or by their newest unlock as it was at revision `as_of`, newest first, ties by id."""
    if order is not Order.UNLOCK_TIME:
        return list(views)
    key = "history", as_of, tuple(view.published.publication_id for view in views)
    if everything is not None and key in everything.derived:
        kept: list[TitleView] = everything.derived[key]
        return kept
    ordered = sorted(views, key=lambda view: (-earned(view, as_of=as_of).last_unlock, view.published.title_id))
    if everything is not None:
        keep(everything, key, ordered)
    return ordered


def after(views: Sequence[TitleView], cursor: Cursor) -> int:
    """How many titles stand up to and with the cursor.

    Raises:
        InvalidToken: it is of a list of achievements, or the title that it names is not in this list any more.
    """
    if cursor.number:
        raise InvalidToken("continuationToken: it belongs to a list of achievements")
    for index, view in enumerate(views):
        if view.published.title_id == cursor.title_id:
            return index + 1
    raise InvalidToken("continuationToken: the title that it names is no longer in this list; begin again without it")


def titles(
    views: Sequence[TitleView], contract: Contract, *, chain_of: ChainOf, token: str | None, total: int
) -> tuple[bytes, str | None]:
    """The body of a page of titles and its Content-Language."""
    languages: dict[str, None] = {}
    items = []
    for view in views:
        chain = chain_of(view.published)
        name, locale = view.published.name(chain)
        if locale is not None:
            languages[locale] = None
        items.append((_legacy if contract.is_legacy else _modern)(view, name))
    body: dict[str, Any] = {"titles": items, "pagingInfo": {"continuationToken": token, "totalRecords": total}}
    if contract.is_legacy:
        body["version"] = LOCKED_AT
    return encode(body), ", ".join(languages) or None


def _modern(view: TitleView, name: str) -> dict[str, Any]:
    title = view.published.title
    own = earned(view)
    return {
        "lastUnlock": ticks.wire(own.last_unlock),
        "titleId": title.title_id,
        "serviceConfigId": title.scid,
        "titleType": title.kind,
        "platform": title.platform,
        "name": name,
        "earnedAchievements": own.count,
        "currentGamerscore": own.gamerscore,
        "maxGamerscore": view.published.gamerscore,
    }


def _legacy(view: TitleView, name: str) -> dict[str, Any]:
    own = earned(view)
    return {
        "lastPlayed": ticks.wire(own.last_unlock),
        "currentAchievements": own.count,
        "currentGamerscore": own.gamerscore,
        "sequence": 0,
        "titleId": view.published.title_id,
        "titleType": _LEGACY_GAME,
        "platforms": [1],
        "name": name,
        "totalAchievements": len(view.published.achievements),
        "totalGamerscore": view.published.gamerscore,
    }
