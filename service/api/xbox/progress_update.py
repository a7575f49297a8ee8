"""`POST …/achievements/{scid}/update`: a title reports how far along a player's achievements are.

Known quirks, as documented or seen in clients: numbers may be sent as text, more than 100 percent is 100, progress only
rises, and a report that changes nothing is a 304 without a body. `Prefer: return=representation` (RFC 7240) is an
extension: the response has the result of each item, and an invalid item does not stop the others.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import hdrs, web

from service.api.xbox.context import path_player, path_scid, title_of_service_config
from service.api.xbox.json_fragments import encode
from service.core.auth.permissions import may_write_progress
from service.core.catalog.model import U32, to_int4
from service.core.events.change_queue import WriteResult
from service.core.publishing.published_title import PublishedTitle
from service.core.unlocks.model import Change, ProgressReport, manual_key
from service.errors import InvalidField, LaurelError, WrongPlayer
from service.http.body import decode, read_body
from service.http.services import PRINCIPAL, SERVICES
from service.integers import parse_integer

MAX_ITEMS = 100
_MAX_BODY_BYTES = 64 * 1024

Number = str | int | float
"""A whole number, also as text."""


class Item(msgspec.Struct, kw_only=True, rename="camel"):
    """One achievement and how much of it is done."""

    id: Number
    percent_complete: Number


class ProgressUpdate(msgspec.Struct, kw_only=True, rename="camel"):
    """The body of an update."""

    action: str
    service_config_id: str
    title_id: Number | None = None
    user_id: Number | None = None
    achievements: list[Item]


async def update_progress(request: web.Request) -> web.Response:
    """Report a player's progress in one title: 200 if anything changed, 304 if nothing did, both without a body."""
    services = request.app[SERVICES]
    player = path_player(request)
    published = title_of_service_config(services.snapshots.current, path_scid(request))
    may_write_progress(request[PRINCIPAL], player, title=published.title)
    update = decode(await read_body(request, limit=_MAX_BODY_BYTES), ProgressUpdate)
    _check(update, published, player)
    wants_results = "return=representation" in request.headers.get("Prefer", "").replace(" ", "").lower()
    reports, outcomes = _reports(update.achievements, published, stop_at_first=not wants_results)
    written: WriteResult | None = None
    if reports:
        written = await services.writer.write(Change(player=player, title_id=published.title_id, reports=reports))
    headers = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff"}
    if wants_results:
        results = _results(update.achievements, outcomes, written)
        return web.Response(body=encode({"achievements": results}), headers=headers, content_type="application/json")
    return web.Response(status=200 if written is not None and written.is_change else 304, headers=headers)


def _check(update: ProgressUpdate, published: PublishedTitle, player: str) -> None:
    if update.action != "progressUpdate":
        raise InvalidField("action", "progressUpdate", update.action)
    if update.service_config_id.lower() != published.title.scid:
        raise InvalidField("serviceConfigId", "that of the path", update.service_config_id)
    if update.title_id is not None and _integer(update.title_id, "titleId") != published.title_id:
        raise InvalidField("titleId", f"the title of this service config, {published.title_id}", update.title_id)
    if update.user_id is not None and str(update.user_id) != player:
        raise WrongPlayer("userId: expected the player of the path")
    if not 1 <= len(update.achievements) <= MAX_ITEMS:
        raise InvalidField("achievements", f"1 to {MAX_ITEMS} of them", len(update.achievements))


def _reports(
    items: Sequence[Item], published: PublishedTitle, *, stop_at_first: bool
) -> tuple[tuple[ProgressReport, ...], Sequence[int | LaurelError]]:
    """One report for each achievement, with its highest percentage, and each item's achievement number or error.

    Raises:
        InvalidField, NotFound: the first invalid item, with `stop_at_first`.
    """
    reports: dict[int, ProgressReport] = {}
    outcomes: list[int | LaurelError] = []
    for index, item in enumerate(items):
        try:
            number = _integer(item.id, f"achievements[{index}].id")
            percent = Decimal(_integer(item.percent_complete, f"achievements[{index}].percentComplete", least=1))
            published.rules.reportable(number)
        except LaurelError as error:
            if stop_at_first:
                raise
            outcomes.append(error)
            continue
        outcomes.append(number)
        other = reports.get(number)
        if other is None or other.percent < percent:
            reports[number] = ProgressReport(number, percent)
    return tuple(reports.values()), outcomes


def _results(
    items: Sequence[Item], outcomes: Sequence[int | LaurelError], written: WriteResult | None
) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    for item, outcome in zip(items, outcomes, strict=True):
        if isinstance(outcome, LaurelError) or written is None:
            results.append({"id": str(item.id), "error": str(outcome)})
            continue
        is_achieved = to_int4(outcome) in written.state.unlocked
        percent = "100" if is_achieved else str(written.state.measure_values.get(manual_key(outcome), "0"))
        results.append(
            {
                "id": str(outcome),
                "progressState": "Achieved" if is_achieved else "InProgress",
                "percentComplete": int(Decimal(percent)),
                "isNew": any(unlock.number == outcome for unlock in written.unlocked),
            }
        )
    return results


def _integer(value: Number, field: str, *, least: int = 0) -> int:
    text = str(value) if isinstance(value, str | int) else f"{value:.15g}"
    try:
        return parse_integer(text, least=least, most=U32 - 1)
    except ValueError:
        raise InvalidField(field, f"a whole number of {least} or more", value) from None
