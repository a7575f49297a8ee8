"""Streaks in the Trophy API: a user's days in a row with their history, and the streaks of several users."""

import asyncio

from aiohttp import hdrs, web

from service.api.trophy import responses
from service.api.trophy.context import USER_PATH, RequestContext
from service.api.trophy.schemas import parse_user_id
from service.core.events import daily_totals
from service.errors import InvalidParameter
from service.http.api import Route
from service.http.params import query_int

_MAX_USERS = 100
_MAX_PERIODS = 365


async def get_streak(request: web.Request) -> web.Response:
    """Get a user's days in a row, with the length on each of the last `historyPeriods` days."""
    context = RequestContext(request)
    player = context.player()
    state = (await context.progress(player)).state()
    periods = query_int(request, "historyPeriods", default=7, most=_MAX_PERIODS)
    history = await daily_totals.streak_history(
        context.services.pool,
        player,
        context.title_id,
        time_zone=state.profile.time_zone,
        now=context.now,
        periods=periods,
    )
    streak = context.published.rules.streak(state, now=context.now)
    return context.respond(responses.streak_history_shape(streak, history))


async def list_streaks(request: web.Request) -> web.Response:
    """List the streaks of the users in `userIds` that the title knows."""
    context = RequestContext(request)
    players, reader = _user_ids(context), context.services.progress
    rows = await asyncio.gather(*(reader.read_title(player, context.title_id) for player in players))
    shapes = []
    for player, row in zip(players, rows, strict=True):
        if row.progress is not None:
            streak = context.published.rules.streak(row.progress.state(), now=context.now)
            shapes.append({"userId": player, "streakLength": streak.length, "extended": None})
    return context.respond(shapes)


def _user_ids(context: RequestContext) -> list[str]:
    """The users of `?userIds=a&userIds=b` or `?userIds=a,b`, each once, whom the key may read."""
    fields = context.request.rel_url.query.getall("userIds", ())
    names = [name for field in fields for name in field.split(",") if name]
    if len(names) > _MAX_USERS:
        raise InvalidParameter("userIds", f"at most {_MAX_USERS}", len(names))
    return [context.readable_player(parse_user_id(name, "userIds", is_path=True)) for name in dict.fromkeys(names)]


ROUTES = (
    Route(hdrs.METH_GET, f"{USER_PATH}/streak", "user-streak", get_streak),
    Route(hdrs.METH_GET, "/streaks", "streaks", list_streaks),
)
