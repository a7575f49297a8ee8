"""Renders the title history: the titles that a player has progress in, with what they earned there."""

from collections.abc import Iterable
from typing import Any

from service import ticks
from service.api.xbox.context import ReadContext
from service.api.xbox.json_fragments import LOCKED_AT, encode
from service.core.progress.ordering import TitleView
from service.core.progress.paging import Page
from service.core.progress.title_totals import title_totals

_LEGACY_GAME = 1
_LEGACY_PLATFORM = 1


def render_titles(page: Page, context: ReadContext, *, token: str | None) -> tuple[bytes, Iterable[str]]:
    """The body of a page of titles, and the locales of their names in order of appearance."""
    locales = []
    items = []
    for title, _ in page.slices:
        view = page.views[title]
        name, locale = view.published.name(context.locale.chain(view.published))
        if locale is not None:
            locales.append(locale)
        items.append((_legacy if context.contract.is_legacy else _modern)(view, name))
    body: dict[str, Any] = {"titles": items, "pagingInfo": {"continuationToken": token, "totalRecords": page.total}}
    if context.contract.is_legacy:
        body["version"] = LOCKED_AT
    return encode(body), locales


def _modern(view: TitleView, name: str) -> dict[str, Any]:
    title = view.published.title
    totals = title_totals(view.published, view.progress)
    return {
        "lastUnlock": ticks.to_text(totals.last_unlocked_at),
        "titleId": title.title_id,
        "serviceConfigId": title.scid,
        "titleType": title.kind,
        "platform": title.platform,
        "name": name,
        "earnedAchievements": totals.achievements,
        "currentGamerscore": totals.gamerscore,
        "maxGamerscore": view.published.gamerscore,
    }


def _legacy(view: TitleView, name: str) -> dict[str, Any]:
    totals = title_totals(view.published, view.progress)
    return {
        "lastPlayed": ticks.to_text(totals.last_unlocked_at),
        "currentAchievements": totals.achievements,
        "currentGamerscore": totals.gamerscore,
        "sequence": 0,
        "titleId": view.published.title_id,
        "titleType": _LEGACY_GAME,
        "platforms": [_LEGACY_PLATFORM],
        "name": name,
        "totalAchievements": len(view.published.achievements),
        "totalGamerscore": view.published.gamerscore,
    }
