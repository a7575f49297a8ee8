"""Users in the Trophy API: create, identify, update and get them."""

from aiohttp import hdrs, web

from service.api.trophy import responses
from service.api.trophy.context import USER_PATH, RequestContext
from service.api.trophy.schemas import UpsertedUser, UserFields, parse_user_id
from service.core.unlocks.model import Change
from service.http.api import Route


async def create_user(request: web.Request) -> web.Response:
    """Create a user, or change an existing one."""
    context = RequestContext(request)
    body = await context.body(UpsertedUser)
    return await _write_user(context, parse_user_id(body.id, "id"), body, status=201)


async def identify_user(request: web.Request) -> web.Response:
    """Create the user of the path, or change an existing one."""
    context = RequestContext(request)
    player = context.writable_player()
    body = await context.body(UserFields)
    return await _write_user(context, player, body)


async def update_user(request: web.Request) -> web.Response:
    """Change an existing user."""
    context = RequestContext(request)
    player = context.writable_player()
    body = await context.body(UserFields)
    return await _write_user(context, player, body, must_exist=True)


async def get_user(request: web.Request) -> web.Response:
    """Get what the title knows of a user."""
    context = RequestContext(request)
    player = context.player()
    progress = await context.progress(player)
    return context.respond(responses.user_shape(player, progress.profile, created_at=progress.created_at))


async def _write_user(
    context: RequestContext, player: str, body: UserFields, *, status: int = 200, must_exist: bool = False
) -> web.Response:
    profile = body.profile("user")
    written = await context.write(
        Change(player=player, title_id=context.title_id, profile=profile, must_exist=must_exist)
    )
    shape = responses.user_shape(player, written.state.profile, created_at=written.state.created_at)
    return context.respond(shape, status=status)


ROUTES = (
    Route(hdrs.METH_POST, "/users", "create-user", create_user),
    Route(hdrs.METH_GET, USER_PATH, "user", get_user),
    Route(hdrs.METH_PUT, USER_PATH, "identify-user", identify_user),
    Route(hdrs.METH_PATCH, USER_PATH, "update-user", update_user),
)
