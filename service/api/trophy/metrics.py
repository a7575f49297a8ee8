"""Metrics in the Trophy API: a user's totals, what their days added, and sending an event."""

import datetime

from aiohttp import hdrs, web

from service.api.trophy import responses
from service.api.trophy.context import USER_PATH, RequestContext
from service.api.trophy.responses import Shape
from service.api.trophy.schemas import EventBody, check_idempotency_key, parse_user_id
from service.core.events import daily_totals
from service.core.events.change_queue import WriteResult
from service.core.events.daily_totals import Aggregation
from service.core.unlocks.model import Change, Event
from service.errors import InvalidField, InvalidParameter, NotFound
from service.http.api import Route

_MAX_DAYS = 400
_AGGREGATIONS: dict[str, Aggregation] = {"daily": "daily", "weekly": "weekly", "monthly": "monthly"}


async def get_metric(request: web.Request) -> web.Response:
    """Get a user's total of a metric, with the achievements that it leads to."""
    context = RequestContext(request)
    player, key = context.player(), _metric_key(context)
    state = (await context.progress(player)).state()
    shape = context.renderer.metric(key, state, now=context.now, with_progress=context.with_progress)
    return context.respond(shape)


async def list_metrics(request: web.Request) -> web.Response:
    """List a user's totals of all active metrics."""
    context = RequestContext(request)
    state = (await context.progress(context.player())).state()
    active = [metric.key for metric in context.published.rules.metrics.values() if metric.status == "active"]
    return context.respond([context.renderer.metric(key, state, now=context.now) for key in active])


async def get_event_summary(request: web.Request) -> web.Response:
    """Get what a user's days, weeks or months added to a metric."""
    context = RequestContext(request)
    player, key = context.player(), _metric_key(context)
    aggregation = _aggregation(request)
    since, until = _days(request)
    await context.progress(player)
    periods = await daily_totals.summarize(
        context.services.pool, player, context.title_id, metric=key, since=since, until=until, by=aggregation
    )
    return context.respond([responses.period_shape(period) for period in periods])


async def send_event(request: web.Request) -> web.Response:
    """Count an event of a user. Under an `Idempotency-Key` it counts once, however often it is sent."""
    context = RequestContext(request)
    body = await context.body(EventBody)
    key = _idempotency_key(request)
    player = parse_user_id(body.user.id, "user.id")
    event = body.event(request.match_info["key"], key=key, now=context.now)
    profile = body.user.profile("user")
    written = await context.write(Change(player=player, title_id=context.title_id, events=(event,), profile=profile))
    status = 202 if written.recorded[0].is_replay else 201
    return context.respond(_event(context, event, written), status=status)


def _event(context: RequestContext, event: Event, written: WriteResult) -> Shape:
    """The result of an event, with every member that the SDKs require.

    Raises:
        UnknownMetric: it repeats an event of a metric that the title does not have any more.
    """
    (recorded,) = written.recorded
    published, renderer = written.published, context.renderer_of(written.published)
    unlocked = [published.all_achievements[number] for number in recorded.unlocked]
    shape: Shape = {
        "eventId": str(recorded.event_id),
        "metricId": published.rules.metric(event.metric).public_id,
        "total": responses.json_number(recorded.total),
        "achievements": [
            renderer.player_achievement(achievement, written.state, now=context.now) for achievement in unlocked
        ],
        "currentStreak": responses.streak_shape(recorded.streak) | {"extended": recorded.streak.was_extended},
        "points": {},
        "leaderboards": {},
    }
    if event.key is not None:
        shape |= {"idempotencyKey": event.key, "idempotentReplayed": recorded.is_replay}
    return shape


def _metric_key(context: RequestContext) -> str:
    key = context.request.match_info["key"]
    if key not in context.published.rules.metrics:
        raise NotFound("Metric not found")
    return key


def _idempotency_key(request: web.Request) -> str | None:
    keys = request.headers.getall("Idempotency-Key", ())
    if len(keys) > 1:
        raise InvalidField("Idempotency-Key", "one field", len(keys))
    return check_idempotency_key(keys[0] if keys else None, "Idempotency-Key")


def _aggregation(request: web.Request) -> Aggregation:
    text = request.rel_url.query.get("aggregation", "")
    aggregation = _AGGREGATIONS.get(text)
    if aggregation is None:
        raise InvalidParameter("aggregation", "daily, weekly or monthly", text or "nothing")
    return aggregation


def _days(request: web.Request) -> tuple[datetime.date, datetime.date]:
    since, until = _day(request, "startDate"), _day(request, "endDate")
    if not 0 < (until - since).days <= _MAX_DAYS:
        raise InvalidParameter("endDate", f"a day after startDate, by at most {_MAX_DAYS} days", until)
    return since, until


def _day(request: web.Request, name: str) -> datetime.date:
    value = request.rel_url.query.get(name, "")
    try:
        return datetime.datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=datetime.UTC).date()
    except ValueError:
        raise InvalidParameter(name, "a day as YYYY-MM-DD", value or "nothing") from None


ROUTES = (
    Route(hdrs.METH_POST, "/metrics/{key}/event", "event", send_event),
    Route(hdrs.METH_GET, f"{USER_PATH}/metrics/{{key}}/event-summary", "event-summary", get_event_summary),
    Route(hdrs.METH_GET, f"{USER_PATH}/metrics/{{key}}", "user-metric", get_metric),
    Route(hdrs.METH_GET, f"{USER_PATH}/metrics", "user-metrics", list_metrics),
)
