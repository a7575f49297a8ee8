"""`POST …/achievements/{scid}/update`: a title reports how far along its achievements are.

Known quirks, as documented or seen in clients: numbers may come as text, more than 100 percent is 100, progress only
rises, and a report that changes nothing is a 304 without a body. `Prefer: return=representation` (RFC 7240) is ours:
the answer says what became of each item, and a wrong one does not stop the others.
"""

import re
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web

from service.api.xbox.json_fragments import encode
from service.core.auth.permissions import may_write_progress
from service.core.auth.principal import canonical_xuid
from service.core.catalog.model import U32, Achievement, to_int4
from service.core.events.change_queue import WriteResult
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.model import Change, Report, manual_key
from service.errors import InvalidField, InvalidParameter, LaurelError, NotFound, WrongPlayer
from service.http.body import decode, read_body
from service.http.services import PLAYER, PRINCIPAL, SERVICES

MOST_ITEMS = 100
_MOST_BYTES = 64 * 1024
_WHOLE = re.compile("[0-9]{1,10}")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

Loose = str | int | float


class Item(msgspec.Struct, kw_only=True, rename="camel"):
    """One achievement and how much of it is done."""

    id: Loose
    percent_complete: Loose


class Update(msgspec.Struct, kw_only=True, rename="camel"):
    """The body."""

    action: str
    service_config_id: str
    title_id: Loose | None = None
    user_id: Loose | None = None
    achievements: list[Item]


async def update_progress(request: web.Request) -> web.Response:
    """Report progress of one player in one title: 200 if anything changed, 304 if nothing did, both without a body."""
    services, principal = request.app[SERVICES], request[PRINCIPAL]
    try:
        player = canonical_xuid(request.match_info["xuid"])
    except ValueError:
        raise InvalidParameter("xuid", "a decimal below 2^64", request.match_info["xuid"]) from None
    request[PLAYER] = player
    scid = request.match_info["scid"]
    if _GUID.fullmatch(scid) is None:
        raise InvalidParameter("scid", "a GUID such as b5dd9daf-0000-0000-0000-000000000000", scid)
    snapshot = services.snapshots.current
    published = snapshot.titles.get(snapshot.by_scid.get(scid.lower(), 0))
    if published is None:
        raise NotFound(f"there is no service config {scid}")
    may_write_progress(principal, player, title=published.title)
    body = decode(await read_body(request, limit=_MOST_BYTES), Update)
    _check(body, published, player)
    wants_results = "return=representation" in request.headers.get("Prefer", "").replace(" ", "").lower()
    reports, wrong = _reports(body.achievements, published, stop_at_first=not wants_results)
    written: WriteResult | None = None
    if reports:
        change = Change(player=player, title_id=published.title_id, reports=tuple(reports.values()))
        written = await services.writer.write(change)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if wants_results:
        results = _results(body.achievements, wrong, written)
        return web.Response(body=encode({"achievements": results}), headers=headers, content_type="application/json")
    return web.Response(status=200 if written is not None and written.is_change else 304, headers=headers)


def _check(body: Update, published: PublishedTitle, player: str) -> None:
    if body.action != "progressUpdate":
        raise InvalidField("action", "progressUpdate", body.action)
    if body.service_config_id.lower() != published.title.scid:
        raise InvalidField("serviceConfigId", "that of the path", body.service_config_id)
    if body.title_id is not None and _whole(body.title_id, "titleId") != published.title_id:
        raise InvalidField("titleId", f"the title of this service config, {published.title_id}", body.title_id)
    if body.user_id is not None and str(body.user_id) != player:
        raise WrongPlayer("XUID specified in the claim does not match URI XUID.")
    if not 1 <= len(body.achievements) <= MOST_ITEMS:
        raise InvalidField("achievements", f"1 to {MOST_ITEMS} of them", len(body.achievements))


def _reports(
    items: list[Item], published: PublishedTitle, *, stop_at_first: bool
) -> tuple[dict[int, Report], dict[int, LaurelError]]:
    """The reports by number, the highest of several on one achievement, and what is wrong with the others by place."""
    reports: dict[int, Report] = {}
    wrong: dict[int, LaurelError] = {}
    for place, item in enumerate(items):
        try:
            number = _whole(item.id, f"achievements[{place}].id")
            percent = Decimal(_whole(item.percent_complete, f"achievements[{place}].percentComplete", least=1))
            _reportable(published.every.get(number), number)
        except LaurelError as refusal:
            if stop_at_first:
                raise
            wrong[place] = refusal
            continue
        known = reports.get(number)
        if known is None or known.percent < percent:
            reports[number] = Report(number, percent)
    return reports, wrong


def _reportable(achievement: Achievement | None, number: int) -> None:
    if achievement is None or achievement.status in ("inactive", "archived"):
        raise NotFound(f"there is no achievement {number} in this service config")
    if not achievement.is_manual:
        raise InvalidField("achievements", f"no report on achievement {number}: its events are counted")


def _results(items: list[Item], wrong: dict[int, LaurelError], written: WriteResult | None) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    for place, item in enumerate(items):
        if place in wrong or written is None:
            results.append({"id": str(item.id), "error": str(wrong.get(place, ""))})
            continue
        number = int(item.id)
        is_achieved = to_int4(number) in written.state.unlocked
        percent = "100" if is_achieved else str(written.state.standings.get(manual_key(number), "0"))
        results.append(
            {
                "id": str(number),
                "progressState": "Achieved" if is_achieved else "InProgress",
                "percentComplete": int(Decimal(percent)),
                "isNew": any(unlock.number == number for unlock in written.unlocked),
            }
        )
    return results


def _whole(value: Loose, field: str, *, least: int = 0) -> int:
    """A whole number, also as text."""
    text = str(value) if isinstance(value, str | int) else f"{value:.15g}"
    if _WHOLE.fullmatch(text) is None or not least <= int(text) < U32:
        raise InvalidField(field, f"a whole number of {least} or more", value)
    return int(text)
