"""Resolvers of the root fields and getters of other fields; access was checked before they run."""

import contextlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec

from service import ticks
from service.api.graphql import pagination
from service.api.graphql.badge import Badge, Connection, Edge, PageInfo, PlayerMeasures, Status
from service.api.graphql.badge_catalog import BadgeCatalog, BadgeCatalogs, BadgeDefinition
from service.api.graphql.context import Context
from service.api.graphql.engine.schema import Getter, PerPlayerFields, Resolver
from service.api.graphql.pagination import Cursors, SortKey
from service.concurrency.cooperative import run_steps
from service.concurrency.steps import Steps
from service.core.auth.user_contexts import Scope, UserContext
from service.core.events import event_log
from service.core.unlocks.model import Change, LogEntry, PlayerState
from service.core.unlocks.player_progress import TitleProgress
from service.errors import BadRequest, PermissionDenied
from service.integers import parse_integer

_MAX_CONTEXT_ID = 2**63 - 1
_BADGES_AT_ONCE = 256  # of a title, in a fraction of a millisecond; more are gathered in small steps
_CURRENT_THRESHOLD = "earningCriteria.currentThreshold"
_NO_PLAYER = PlayerState()
_TEXTS = frozenset(("title", "picture.alt"))  # of a badge


async def get_badge(context: Context, arguments: Mapping[str, Any], requested: frozenset[str]) -> Badge | None:
    """One badge; None if there is none with that id, or the player does not see it."""
    locales = context.new_locales()
    catalog = await _catalog(context)
    definition = catalog.by_id.get(arguments.get("badgeId") or "")
    if definition is None:
        return None
    player = await _player(context, arguments)
    measures = await _read_measures(context, player, catalog, with_logs=_CURRENT_THRESHOLD in requested)
    badge = Badge(definition, measures, locales)
    if not badge.is_shown:
        return None
    if not requested.isdisjoint(_TEXTS):
        _add_locales(locales, [badge])
    return badge


async def get_badges(context: Context, arguments: Mapping[str, Any], requested: frozenset[str]) -> Connection:
    """A page of the badges that the player has earned or can earn."""
    locales = context.new_locales()
    sort_key = cast("SortKey", arguments.get("sortKey") or "CREATED")
    now = ticks.to_unix(context.now)
    cursors = Cursors(
        context.services.cursor_key, context.published.title_id, incarnation=context.services.incarnation.tag
    )
    page_arguments = pagination.read_arguments(arguments, cursors, sort_key, now=now)
    catalog = await _catalog(context)
    with_logs = not requested.isdisjoint((f"nodes.{_CURRENT_THRESHOLD}", f"edges.node.{_CURRENT_THRESHOLD}"))
    measures = await _read_measures(context, await _player(context, arguments), catalog, with_logs=with_logs)
    badges = await _sorted_badges(catalog, measures, locales, status=arguments.get("status"), sort_key=sort_key)
    if page_arguments.is_reversed:
        badges.reverse()
    page = pagination.slice_page(len(badges), page_arguments, lambda index: badges[index].position(sort_key))
    shown = badges[page.start : page.stop]
    if any(not requested.isdisjoint({f"{prefix}{name}" for name in _TEXTS}) for prefix in ("nodes.", "edges.node.")):
        _add_locales(locales, shown)

    def cursor(index: int) -> str:
        return cursors.write(sort_key, shown[index].position(sort_key), now=now)

    with_cursors = "edges.cursor" in requested
    return Connection(
        edges=[Edge(cursor(i) if with_cursors else None, badge) for i, badge in enumerate(shown)]
        if any(name.startswith("edges") for name in requested)
        else (),
        nodes=shown,
        page_info=PageInfo(
            page.has_next_page,
            page.has_previous_page,
            cursor(0) if shown and "pageInfo.startCursor" in requested else None,
            cursor(len(shown) - 1) if shown and "pageInfo.endCursor" in requested else None,
        ),
        total_items=len(badges),
    )


async def get_user_context(
    context: Context, arguments: Mapping[str, Any], _requested: frozenset[str]
) -> UserContext | None:
    """One of the title's user contexts; None if there is none with that UUID."""
    try:
        name = uuid.UUID(arguments["uuid"])
    except ValueError:
        return None
    return await context.services.user_contexts.by_uuid(context.published.title_id, name)


class SetUserContextPayload(msgspec.Struct, frozen=True):
    """The result of a mutation; `response` is None if there are errors."""

    errors: Sequence[str]
    response: UserContext | None


async def set_user_context(
    context: Context, arguments: Mapping[str, Any], _requested: frozenset[str]
) -> SetUserContextPayload:
    """Create or replace a user context. If the payload has errors, nothing has changed."""
    contexts, title_id = context.services.user_contexts, context.published.title_id
    try:
        name = uuid.UUID(arguments["uuid"])
    except ValueError:
        return SetUserContextPayload(["uuid: expected a UUID such as 00000000-0000-4000-8000-000000000001"], None)
    before = await contexts.by_uuid_uncached(title_id, name)
    player = arguments.get("player") or (str(name) if before is None else before.player)
    new = UserContext(
        context_id=0,
        title_id=title_id,
        uuid=name,
        player=player,
        display_name=arguments["displayName"],
        is_active=arguments.get("isActive") is not False,
        scopes=cast("list[Scope]", list(arguments.get("scope") or ())),
    )
    try:
        return SetUserContextPayload([], await contexts.put(context.principal, context.services.writer.write, new))
    except BadRequest as error:
        return SetUserContextPayload([str(error)], None)


def _earned(badge: Badge, arguments: Mapping[str, Any], _context: Context) -> str | None:
    return badge.earned(arguments["format"] or "")


def _status(badge: Badge, _arguments: Mapping[str, Any], _context: Context) -> Status:
    return badge.status


def _current_threshold(badge: Badge, _arguments: Mapping[str, Any], _context: Context) -> int:
    return badge.current_threshold()


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
PER_PLAYER = PerPlayerFields(
    of="Badge",
    key=lambda badge: badge.definition.key,
    fields={
        ("Badge", "status"): _status,
        ("Badge", "earned"): _earned,
        ("BadgeEarningCriteriaSocialConnection", "currentThreshold"): _current_threshold,
        ("BadgeEarningCriteriaSocialEngagement", "currentThreshold"): _current_threshold,
        ("BadgeEarningCriteriaRegisteredFor", "currentThreshold"): _current_threshold,
    },
)
ROOTS: Mapping[str, Resolver] = {
    "getBadge": get_badge,
    "getBadges": get_badges,
    "getUserContext": get_user_context,
    "setUserContext": set_user_context,
}


async def _catalog(context: Context) -> BadgeCatalog:
    return await context.services.api_state.of(BadgeCatalogs).get(context.published, context.chain)


async def _player(context: Context, arguments: Mapping[str, Any]) -> str:
    """The player whose badges are requested.

    Raises:
        PermissionDenied: there is no such user context, or it is not active. (The badges document: "must be present and
            valid".)
    """
    user, context_id = context.user, arguments.get("userContextId")
    assert user is not None  # noqa: S101  (the access check made sure)
    if context_id in (None, str(user.context_id)):
        return user.player
    other = None
    with contextlib.suppress(ValueError):
        number = parse_integer(context_id, most=_MAX_CONTEXT_ID)
        other = await context.services.user_contexts.by_id(context.published.title_id, number)
    if other is None or not other.is_active:
        raise PermissionDenied("userContextId: expected the id of an active user context")
    return other.player


async def _read_measures(context: Context, player: str, catalog: BadgeCatalog, *, with_logs: bool) -> PlayerMeasures:
    """The player's progress, once badges that became due by time alone are unlocked."""
    services, title_id = context.services, context.published.title_id
    progress = (await services.progress.read_title(player, title_id)).progress
    if progress is not None and _is_due(catalog, progress, now=context.now):
        await services.writer.write(Change(player=player, title_id=title_id, must_exist=True))
        progress = (await services.progress.read_title(player, title_id)).progress
    state = _NO_PLAYER if progress is None else progress.state()
    logs = await _read_logs(context, player, catalog) if with_logs and progress is not None else {}
    return PlayerMeasures(state, logs, context.now)


def _is_due(catalog: BadgeCatalog, progress: TitleProgress, *, now: int) -> bool:
    """Whether the player has been here long enough for a badge that is not unlocked yet."""
    return progress.created_at > 0 and any(
        definition.achievement.status == "active"
        and definition.stored_number not in progress.unlocked_at
        and now - progress.created_at >= definition.criterion.threshold * ticks.SECOND
        for definition in catalog.of_kind("registered")
    )


async def _read_logs(context: Context, player: str, catalog: BadgeCatalog) -> Mapping[str, Sequence[LogEntry]]:
    """The events that criteria with a period count, by the keys of their measures."""
    criteria = [definition.criterion for definition in catalog.of_kind("connections")]
    criteria = [criterion for criterion in criteria if criterion.period is not None]
    if not criteria:
        return {}
    longest = max(criterion.period or 0 for criterion in criteria) * ticks.SECOND
    async with context.services.pool.connection() as connection:
        log = await event_log.list_events(
            connection,
            player=player,
            title_id=context.published.title_id,
            metric=criteria[0].measure.metric or "",
            since=context.now - longest,
            until=context.now,
        )
    return {criterion.measure.key: log for criterion in criteria}


async def _sorted_badges(
    catalog: BadgeCatalog,
    measures: PlayerMeasures,
    locales: dict[str, None],
    *,
    status: Status | None,
    sort_key: SortKey,
) -> list[Badge]:
    definitions = catalog.by_title if sort_key == "TITLE" else catalog.definitions
    badges: list[Badge] = []
    parts = (definitions[at : at + _BADGES_AT_ONCE] for at in range(0, len(definitions), _BADGES_AT_ONCE))

    def add(part: Sequence[BadgeDefinition]) -> None:
        badges.extend(
            badge
            for definition in part
            if (badge := Badge(definition, measures, locales)).is_shown and (status is None or badge.status == status)
        )

    def add_steps() -> Steps[None]:
        for part in parts:
            add(part)
            yield

    if len(definitions) <= _BADGES_AT_ONCE:
        add(definitions)
    else:
        await run_steps(add_steps())
    if sort_key == "EARNED":
        badges.sort(key=lambda badge: badge.position("EARNED"))
    return badges


def _add_locales(locales: dict[str, None], badges: Iterable[Badge]) -> None:
    locales |= dict.fromkeys(badge.definition.locale for badge in badges if badge.definition.locale is not None)
