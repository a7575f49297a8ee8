"""Achievements in the Trophy API: those of the title, those of a user, and completing one."""

from aiohttp import hdrs, web

from service.api.trophy.context import USER_PATH, RequestContext
from service.api.trophy.renderer import Renderers, count_members, is_listed
from service.api.trophy.schemas import CompleteBody, parse_user_attributes, parse_user_id
from service.concurrency.cooperative import run_steps
from service.core.events import completion
from service.http.api import Route
from service.http.services import PLAYER


async def list_achievements(request: web.Request) -> web.Response:
    """List the active achievements with their completions; `userAttributes` leaves out what such a user cannot complete."""
    context = RequestContext(request)
    attributes = parse_user_attributes(request.rel_url.query.getall("userAttributes", ()), "userAttributes")
    counts = await context.services.holder_counts.of(context.title_id)
    renderers = context.services.api_state.of(Renderers)
    rendered = await run_steps(renderers.list_steps(context.renderer, attributes, counts))
    return context.respond_bytes(rendered.body, languages=rendered.languages, etag=rendered.etag)


async def list_user_achievements(request: web.Request) -> web.Response:
    """List the achievements that a user has completed; with `includeIncomplete=true` also those open to the user."""
    context = RequestContext(request)
    state = (await context.progress(context.player())).state()
    counts = await context.services.holder_counts.of(context.title_id)
    include_incomplete = request.rel_url.query.get("includeIncomplete") == "true"
    shown = [
        achievement
        for achievement in context.published.all_achievements.values()
        if is_listed(achievement, state, include_incomplete=include_incomplete)
    ]
    members = (
        context.renderer.player_members(each, state, now=context.now, with_progress=context.with_progress)
        | count_members(each, counts)
        for each in shown
    )
    body, languages = await run_steps(context.renderer.list_steps(shown, members))
    return context.respond_bytes(body, languages=languages)


async def complete_achievement(request: web.Request) -> web.Response:
    """Complete an achievement with the trigger `api`. A repetition changes nothing."""
    context = RequestContext(request)
    body = await context.body(CompleteBody)
    player = request[PLAYER] = parse_user_id(body.user.id, "user.id")
    completed = await completion.complete(
        context.services.writer,
        context.principal,
        context.published,
        player=player,
        key=request.match_info["key"],
        profile=body.user.profile("user"),
    )
    renderer = context.renderer_of(completed.published)
    shape = renderer.player_achievement(completed.achievement, completed.state, now=context.now)
    document = {"completionId": str(completed.completion_id), "achievement": shape, "points": {}}
    return context.respond(document, status=201)


ROUTES = (
    Route(hdrs.METH_GET, "/achievements", "achievements", list_achievements),
    Route(hdrs.METH_POST, "/achievements/{key}/complete", "complete", complete_achievement),
    Route(hdrs.METH_GET, f"{USER_PATH}/achievements", "user-achievements", list_user_achievements),
)
