"""The application API: what a game or its servers ask and tell of users. A handler reads, allows, asks and answers."""

import datetime
import uuid
from collections.abc import Iterable
from decimal import Decimal

from aiohttp import hdrs, web

from service.api.trophy import responses
from service.api.trophy.context import RequestContext
from service.api.trophy.responses import Shape, is_api, is_shown, user_attributes, with_counts
from service.api.trophy.schemas import CompleteBody, EventBody, UpsertedUser, UserFields, idempotency_key, user_id
from service.core.catalog.model import Achievement, to_int4
from service.core.events import daily_totals
from service.core.events.daily_totals import Aggregation
from service.core.unlocks import measures
from service.core.unlocks.model import Change, EventResult, PlayerState, Report
from service.errors import InvalidField, InvalidParameter, NotFound
from service.http.api import Route
from service.http.conditional import make_etag
from service.http.locale import encode_localized
from service.http.params import query_int

_COMPLETIONS = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")  # RFC 4122's namespace of names with a structure
_MOST_DAYS = 400
_MOST_USERS = 100
_AGGREGATIONS: dict[str, Aggregation] = {"daily": "daily", "weekly": "weekly", "monthly": "monthly"}


async def list_achievements(request: web.Request) -> web.Response:
    """Every active achievement with how many have completed it; `userAttributes` leaves out what a user could not."""
    context = RequestContext(request)
    text = ",".join(request.rel_url.query.getall("userAttributes", ()))
    try:
        pairs = user_attributes(text)
    except ValueError as error:
        raise InvalidParameter("userAttributes", "attribute:value,attribute:value", str(error)) from None
    counts = await context.services.holder_counts.of(context.title_id)
    renderer = context.renderer
    key = counts.stamp, None if pairs is None else tuple(sorted(pairs.items()))
    if key not in renderer.lists:
        listed = [
            achievement
            for achievement in context.published.every.values()
            if achievement.status == "active"
            and (pairs is None or all(pairs.get(name) == value for name, value in achievement.user_filter))
        ]
        shapes = [with_counts(renderer.achievement(one), one.number, counts) for one in listed]
        body, languages = encode_localized(shapes)
        renderer.keep(key, (body, languages, make_etag(body, languages)))
    body, languages, tag = renderer.lists[key]
    return context.answer_bytes(body, languages=languages, tag=tag)


async def list_user_achievements(request: web.Request) -> web.Response:
    """What a user has completed; with `includeIncomplete=true` also what is still open to them."""
    context = RequestContext(request)
    progress = await context.progress(context.player())
    state, counts = progress.state(), await context.services.holder_counts.of(context.title_id)
    is_whole = request.rel_url.query.get("includeIncomplete") == "true"
    listed = [one for one in context.published.every.values() if _is_visible(one, state, is_whole=is_whole)]
    shapes = [
        with_counts(
            context.renderer.of_player(one, state, now=context.now, with_progress=context.with_progress),
            one.number,
            counts,
        )
        for one in listed
    ]
    return context.answer(shapes)


async def get_metric(request: web.Request) -> web.Response:
    """A user's total of one metric, and what can be achieved by it."""
    context = RequestContext(request)
    player, key = context.player(), _metric_key(context)
    state = (await context.progress(player)).state()
    shape = context.renderer.metric(key, state, now=context.now, with_progress=context.with_progress)
    return context.answer(shape)


async def list_metrics(request: web.Request) -> web.Response:
    """A user's totals of all active metrics."""
    context = RequestContext(request)
    state = (await context.progress(context.player())).state()
    active = [metric for metric in context.published.rules.metrics.values() if metric.status == "active"]
    return context.answer([context.renderer.metric(metric.key, state, now=context.now) for metric in active])


async def get_event_summary(request: web.Request) -> web.Response:
    """What a user's days, weeks or months added to a metric."""
    context = RequestContext(request)
    player, key = context.player(), _metric_key(context)
    query = request.rel_url.query
    aggregation = _AGGREGATIONS.get(query.get("aggregation", ""))
    if aggregation is None:
        raise InvalidParameter("aggregation", "daily, weekly or monthly", query.get("aggregation", "nothing"))
    since, until = _date(request, "startDate"), _date(request, "endDate")
    if not 0 < (until - since).days <= _MOST_DAYS:
        raise InvalidParameter("endDate", f"a day after startDate, by at most {_MOST_DAYS} days", until)
    await context.progress(player)
    periods = await daily_totals.summarize(
        context.services.pool, player, context.title_id, metric=key, since=since, until=until, by=aggregation
    )
    return context.answer(
        [
            {
                "date": period.first_day.isoformat(),
                "total": responses.number(period.total),
                "change": responses.number(period.change),
            }
            for period in periods
        ]
    )


async def send_event(request: web.Request) -> web.Response:
    """Count something that a user did. Under an `Idempotency-Key` it counts once, however often it is sent."""
    context = RequestContext(request)
    body = await context.body(EventBody)
    keys = request.headers.getall("Idempotency-Key", ())
    if len(keys) > 1:
        raise InvalidField("Idempotency-Key", "one field", len(keys))
    key = idempotency_key(keys[0] if keys else None, "Idempotency-Key")
    player = user_id(body.user.id, "user.id")
    event = body.event(request.match_info["key"], key=key, now=context.now)
    written = await context.write(
        Change(player=player, title_id=context.title_id, events=(event,), profile=body.user.profile("user"))
    )
    recorded = written.recorded[0]
    shape = _event(context, recorded, event.metric, written.state)
    if key is not None:
        shape |= {"idempotencyKey": key, "idempotentReplayed": recorded.is_replay}
    return context.answer(shape, status=202 if recorded.is_replay else 201)


async def complete_achievement(request: web.Request) -> web.Response:
    """Complete an achievement that is completed by a call. A second time changes nothing."""
    context = RequestContext(request)
    body = await context.body(CompleteBody)
    player = user_id(body.user.id, "user.id")
    achievement = _by_key(context.published.every.values(), request.match_info["key"])
    if not is_api(achievement):
        raise InvalidField("key", "an achievement with the trigger api: this one is completed by itself")
    written = await context.write(
        Change(
            player=player,
            title_id=context.title_id,
            profile=body.user.profile("user"),
            reports=(Report(achievement.number, Decimal(100)),),
        )
    )
    if to_int4(achievement.number) not in written.state.unlocked:
        raise InvalidField("key", "an achievement that this user can complete now")
    completion = uuid.uuid5(_COMPLETIONS, f"{context.title_id}/{achievement.number}/{player}")
    shape = {
        "completionId": str(completion),
        "achievement": context.renderer.of_player(achievement, written.state, now=context.now),
        "points": {},
    }
    return context.answer(shape, status=201)


async def create_user(request: web.Request) -> web.Response:
    """Make a user known, or change one that is."""
    context = RequestContext(request)
    body = await context.body(UpsertedUser)
    return await _put_user(context, user_id(body.id, "id"), body, status=201)


async def identify_user(request: web.Request) -> web.Response:
    """Make the user of the path known, or change them."""
    context = RequestContext(request)
    return await _put_user(context, context.player(), await context.body(UserFields))


async def update_user(request: web.Request) -> web.Response:
    """Change a user that is known."""
    context = RequestContext(request)
    return await _put_user(context, context.player(), await context.body(UserFields), must_exist=True)


async def get_user(request: web.Request) -> web.Response:
    """What the title knows of a user."""
    context = RequestContext(request)
    player = context.player()
    progress = await context.progress(player)
    return context.answer(responses.user(player, progress.profile, created_at=progress.created_at))


async def get_streak(request: web.Request) -> web.Response:
    """A user's days in a row, and the days before them if `historyPeriods` asks for some."""
    context = RequestContext(request)
    player = context.player()
    state = (await context.progress(player)).state()
    streak = context.published.rules.streak(state, now=context.now)
    periods = query_int(request, "historyPeriods", default=7, most=365)
    history = await _streak_history(context, player, state, periods)
    extended = None if streak.length == 0 or streak.last_day is None else f"{streak.last_day.isoformat()}T00:00:00Z"
    return context.answer(responses.streak(streak) | {"extended": extended, "streakHistory": history, "pauses": []})


async def list_streaks(request: web.Request) -> web.Response:
    """The streaks of several users: those of `userIds` that are known."""
    context = RequestContext(request)
    named = [name for field in request.rel_url.query.getall("userIds", ()) for name in field.split(",") if name]
    if len(named) > _MOST_USERS:
        raise InvalidParameter("userIds", f"at most {_MOST_USERS}", len(named))
    shapes = []
    for name in dict.fromkeys(named):
        player = context.may_read(user_id(name, "userIds", is_path=True))
        found = await context.services.progress.read_title(player, context.title_id)
        if found.progress is not None:
            streak = context.published.rules.streak(found.progress.state(), now=context.now)
            shapes.append({"userId": name, "streakLength": streak.length, "extended": None})
    return context.answer(shapes)


async def _put_user(
    context: RequestContext, player: str, body: UserFields, *, status: int = 200, must_exist: bool = False
) -> web.Response:
    written = await context.write(
        Change(player=player, title_id=context.title_id, profile=body.profile("user"), must_exist=must_exist)
    )
    state = written.state
    return context.answer(responses.user(player, state.profile, created_at=state.created_at), status=status)


def _event(context: RequestContext, recorded: EventResult, metric: str, state: PlayerState) -> Shape:
    """What came of an event, with every member that the SDKs demand."""
    unlocked = [context.published.every[number] for number in recorded.unlocked]
    return {
        "eventId": str(recorded.event_id),
        "metricId": context.published.rules.metrics[metric].public_id,
        "total": responses.number(recorded.total),
        "achievements": [context.renderer.of_player(one, state, now=context.now) for one in unlocked],
        "currentStreak": responses.streak(recorded.streak) | {"extended": recorded.streak.was_extended},
        "points": {},
        "leaderboards": {},
    }


async def _streak_history(context: RequestContext, player: str, state: PlayerState, periods: int) -> list[Shape]:
    """Each of the last days up to today, with the length of the row that it belongs to so far."""
    today = measures.local_day(context.now, state.profile.time_zone)
    async with context.services.pool.connection() as connection:
        active = await daily_totals.list_active_days(
            connection,
            player=player,
            title_id=context.title_id,
            since=datetime.date.fromordinal(max(1, today - periods - 400)),
            until=datetime.date.fromordinal(today),
        )
    there, history = {day.toordinal() for day in active}, list[Shape]()
    for day in range(today - periods + 1, today + 1):
        length = 0
        while day - length in there:
            length += 1
        date = datetime.date.fromordinal(day).isoformat()
        history.append(
            {"periodStart": date, "periodEnd": date, "length": length, "usedFreeze": False, "usedPause": False}
        )
    return history


def _is_visible(achievement: Achievement, state: PlayerState, *, is_whole: bool) -> bool:
    if to_int4(achievement.number) in state.unlocked:
        return is_shown(achievement, state)
    attributes = state.profile.attributes
    is_open = all(attributes.get(key) == value for key, value in achievement.user_filter)
    return is_whole and achievement.status == "active" and is_open


def _by_key(achievements: Iterable[Achievement], key: str) -> Achievement:
    for achievement in achievements:
        if key in (achievement.key, achievement.public_id) and achievement.status == "active":
            return achievement
    raise NotFound("Achievement not found")


def _metric_key(context: RequestContext) -> str:
    key = context.request.match_info["key"]
    if key not in context.published.rules.metrics:
        raise NotFound("Metric not found")
    return key


def _date(request: web.Request, name: str) -> datetime.date:
    value = request.rel_url.query.get(name, "")
    try:
        return datetime.datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=datetime.UTC).date()
    except ValueError:
        raise InvalidParameter(name, "a day as YYYY-MM-DD", value or "nothing") from None


ROUTES = tuple(
    Route(method, base + path, name + suffix, handler)
    for base, suffix in (("", ""), ("/v1", "-v1"))
    for method, path, name, handler in (
        (hdrs.METH_GET, "/achievements", "achievements", list_achievements),
        (hdrs.METH_POST, "/achievements/{key}/complete", "complete", complete_achievement),
        (hdrs.METH_POST, "/metrics/{key}/event", "event", send_event),
        (hdrs.METH_POST, "/users", "create-user", create_user),
        (hdrs.METH_GET, "/users/{id:(?!xuid[(]).+}/achievements", "user-achievements", list_user_achievements),
        (hdrs.METH_GET, "/users/{id:(?!xuid[(]).+}/metrics/{key}/event-summary", "event-summary", get_event_summary),
        (hdrs.METH_GET, "/users/{id:(?!xuid[(]).+}/metrics/{key}", "user-metric", get_metric),
        (hdrs.METH_GET, "/users/{id:(?!xuid[(]).+}/metrics", "user-metrics", list_metrics),
        (hdrs.METH_GET, "/users/{id:(?!xuid[(]).+}/streak", "user-streak", get_streak),
        (hdrs.METH_GET, "/streaks", "streaks", list_streaks),
        (hdrs.METH_GET, "/users/{id:(?!xuid[(]).+}", "user", get_user),
        (hdrs.METH_PUT, "/users/{id:(?!xuid[(]).+}", "identify-user", identify_user),
        (hdrs.METH_PATCH, "/users/{id:(?!xuid[(]).+}", "update-user", update_user),
    )
)
