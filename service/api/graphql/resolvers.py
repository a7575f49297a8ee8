"""What each root field and each field of a badge says: a resolver allows nothing, that was decided before."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec

from service import ticks
from service.api.graphql import pagination
from service.api.graphql.badge import Badge, Connection, Edge, PageInfo, PlayerMeasures, Status
from service.api.graphql.badge_catalog import BadgeCatalog, badge_catalog
from service.api.graphql.context import Context
from service.api.graphql.engine.schema import Getter, PerPlayerFields, Resolver
from service.api.graphql.pagination import Cursors, SortKey
from service.core.auth.user_contexts import Scope, UserContext
from service.core.events import event_log
from service.core.unlocks.model import Change, LogEntry, PlayerState
from service.core.unlocks.player_progress import TitleProgress
from service.errors import BadRequest, PermissionDenied

_CONTEXT_ID = re.compile(r"[0-9]{1,18}", re.ASCII)
_CURRENT = "earningCriteria.currentThreshold"
_NO_PLAYER = PlayerState()
_TEXTS = frozenset(("title", "picture.alt"))  # of a badge


async def get_badge(context: Context, arguments: Mapping[str, Any], asked: frozenset[str]) -> Badge | None:
    """One badge; None if there is none of that id, or none that this player may see."""
    locales = context.new_locales()
    found = badge_catalog(context.published, context.chain)
    emblem = found.by_id.get(arguments.get("badgeId") or "")
    if emblem is None:
        return None
    player = await _whose(context, arguments)
    standing = await _standing(context, player, found, with_logs=_CURRENT in asked)
    badge = Badge(emblem, standing, locales)
    if not badge.is_shown:
        return None
    if not asked.isdisjoint(_TEXTS):
        _add_locales(locales, [badge])
    return badge


async def get_badges(context: Context, arguments: Mapping[str, Any], asked: frozenset[str]) -> Connection:
    """A page of the badges that this player has or could have."""
    locales = context.new_locales()
    sort_key = cast("SortKey", arguments.get("sortKey") or "CREATED")
    now = ticks.to_unix(context.now)
    cursors = Cursors(context.services.cursor_key, context.published.title_id)
    part_asked = pagination.read_arguments(arguments, cursors, sort_key, now=now)
    found = badge_catalog(context.published, context.chain)
    with_logs = not asked.isdisjoint((f"nodes.{_CURRENT}", f"edges.node.{_CURRENT}"))
    standing = await _standing(context, await _whose(context, arguments), found, with_logs=with_logs)
    badges = _listed(found, standing, locales, status=arguments.get("status"), sort_key=sort_key)
    if part_asked.is_reversed:
        badges.reverse()
    part = pagination.slice_page(len(badges), part_asked, lambda index: badges[index].place(sort_key))
    shown = badges[part.start : part.stop]
    if any(not asked.isdisjoint({f"{prefix}{name}" for name in _TEXTS}) for prefix in ("nodes.", "edges.node.")):
        _add_locales(locales, shown)

    def cursor(index: int) -> str:
        return cursors.write(sort_key, shown[index].place(sort_key), now=now)

    with_cursors = "edges.cursor" in asked
    return Connection(
        edges=[Edge(cursor(i) if with_cursors else None, badge) for i, badge in enumerate(shown)]
        if any(name.startswith("edges") for name in asked)
        else (),
        nodes=shown,
        page_info=PageInfo(
            part.has_next_page,
            part.has_previous_page,
            cursor(0) if shown and "pageInfo.startCursor" in asked else None,
            cursor(len(shown) - 1) if shown and "pageInfo.endCursor" in asked else None,
        ),
        total_items=len(badges),
    )


async def get_user_context(context: Context, arguments: Mapping[str, Any], asked: frozenset[str]) -> UserContext | None:
    """One of the title's user contexts; None if there is none of that UUID."""
    del asked
    try:
        name = uuid.UUID(arguments["uuid"])
    except ValueError:
        return None
    return await context.services.user_contexts.by_uuid(context.published.title_id, name)


class SetUserContextPayload(msgspec.Struct, frozen=True):
    """What became of a mutation."""

    errors: Sequence[str]
    response: UserContext | None


async def set_user_context(
    context: Context, arguments: Mapping[str, Any], asked: frozenset[str]
) -> SetUserContextPayload:
    """Make a user context, or make it so. What will not do is said in `errors`, and nothing is changed then."""
    del asked
    contexts, title_id = context.services.user_contexts, context.published.title_id
    try:
        name = uuid.UUID(arguments["uuid"])
    except ValueError:
        return SetUserContextPayload(["uuid: expected a UUID such as 00000000-0000-4000-8000-000000000001"], None)
    before = await contexts.by_uuid_uncached(title_id, name)
    player = arguments.get("player") or (str(name) if before is None else before.player)
    wanted = UserContext(
        context_id=0,
        title_id=title_id,
        uuid=name,
        player=player,
        display_name=arguments["displayName"],
        is_active=arguments.get("isActive") is not False,
        scopes=cast("list[Scope]", list(arguments.get("scope") or ())),
    )
    try:
        return SetUserContextPayload([], await contexts.put(context.services.writer.write, wanted))
    except BadRequest as refusal:
        return SetUserContextPayload([str(refusal)], None)


def _earned(badge: Badge, arguments: Mapping[str, Any], _context: Context) -> str | None:
    return badge.earned(arguments["format"] or "")


def _status(badge: Badge, _arguments: Mapping[str, Any], _context: Context) -> Status:
    return badge.status


def _current(badge: Badge, _arguments: Mapping[str, Any], _context: Context) -> int:
    return badge.current()


def _id(user: UserContext, _arguments: Mapping[str, Any], _context: Context) -> str:
    return str(user.context_id)


def _uuid(user: UserContext, _arguments: Mapping[str, Any], _context: Context) -> str:
    return str(user.uuid)


def _scope(user: UserContext, _arguments: Mapping[str, Any], _context: Context) -> Sequence[str]:
    return user.scopes


GETTERS: Mapping[str, Mapping[str, Getter]] = {
    "Badge": {"earned": _earned},
    "UserContext": {"id": _id, "uuid": _uuid, "scope": _scope},
}
OWN = PerPlayerFields(
    of="Badge",
    key=lambda badge: badge.emblem.key,
    fields={
        ("Badge", "status"): _status,
        ("Badge", "earned"): _earned,
        ("BadgeEarningCriteriaSocialConnection", "currentThreshold"): _current,
        ("BadgeEarningCriteriaSocialEngagement", "currentThreshold"): _current,
        ("BadgeEarningCriteriaRegisteredFor", "currentThreshold"): _current,
    },
)
ROOTS: Mapping[str, Resolver] = {
    "getBadge": get_badge,
    "getBadges": get_badges,
    "getUserContext": get_user_context,
    "setUserContext": set_user_context,
}


async def _whose(context: Context, arguments: Mapping[str, Any]) -> str:
    """The player whose badges are asked for.

    Raises:
        PermissionDenied: there is no such user context, or it is not active. (The document: "must be present and valid".)
    """
    user, wanted = context.user, arguments.get("userContextId")
    assert user is not None  # noqa: S101  (`allow` saw to it)
    if wanted in (None, str(user.context_id)):
        return user.player
    found = None
    if _CONTEXT_ID.fullmatch(wanted):
        found = await context.services.user_contexts.by_id(context.published.title_id, int(wanted))
    if found is None or not found.is_active:
        raise PermissionDenied("userContextId: expected the id of an active user context")
    return found.player


async def _standing(context: Context, player: str, found: BadgeCatalog, *, with_logs: bool) -> PlayerMeasures:
    """What the player has now, with what time alone has earned since it was last looked at."""
    services, title_id = context.services, context.published.title_id
    progress = (await services.progress.read_title(player, title_id)).progress
    if progress is not None and _is_due(found, progress, now=context.now):
        await services.writer.write(Change(player=player, title_id=title_id, must_exist=True))
        progress = (await services.progress.read_title(player, title_id)).progress
    state = _NO_PLAYER if progress is None else progress.state()
    logs = await _logs(context, player, found) if with_logs and progress is not None else {}
    return PlayerMeasures(state, logs, context.now)


def _is_due(found: BadgeCatalog, progress: TitleProgress, *, now: int) -> bool:
    return progress.created_at > 0 and any(
        emblem.achievement.status == "active"
        and emblem.stored_number not in progress.unlocked_at
        and now - progress.created_at >= emblem.criterion.threshold * ticks.SECOND
        for emblem in found.of_kind("registered")
    )


async def _logs(context: Context, player: str, found: BadgeCatalog) -> Mapping[str, Sequence[LogEntry]]:
    """The events that criteria with a period look at, by the keys of their measures."""
    logs: dict[str, Sequence[LogEntry]] = {}
    periods = [emblem.criterion for emblem in found.of_kind("connections") if emblem.criterion.period is not None]
    if not periods:
        return logs
    longest = max(criterion.period or 0 for criterion in periods) * ticks.SECOND
    async with context.services.pool.connection() as connection:
        log = await event_log.list_events(
            connection,
            place=(player, context.published.title_id),
            metric=periods[0].measure.metric or "",
            since=context.now - longest,
            until=context.now,
        )
    return {criterion.measure.key: log for criterion in periods}


def _listed(
    found: BadgeCatalog,
    standing: PlayerMeasures,
    locales: dict[str, None],
    *,
    status: Status | None,
    sort_key: SortKey,
) -> list[Badge]:
    emblems = found.by_title if sort_key == "TITLE" else found.emblems
    badges = [
        badge
        for emblem in emblems
        if (badge := Badge(emblem, standing, locales)).is_shown and (status is None or badge.status == status)
    ]
    if sort_key == "EARNED":
        badges.sort(key=lambda badge: badge.place("EARNED"))
    return badges


def _add_locales(locales: dict[str, None], badges: Iterable[Badge]) -> None:
    locales |= dict.fromkeys(badge.emblem.locale for badge in badges if badge.emblem.locale is not None)
