"""Who asks, as which user, in which title and language: what every field of a request may look at."""

import functools
import itertools
import time
import uuid
from collections.abc import Mapping
from typing import Any

from aiohttp import hdrs, web

from service import ticks
from service.core.auth.oauth_clients import OAuthClients
from service.core.auth.principal import CONTEXTS, Principal
from service.core.auth.user_contexts import UserContext
from service.core.publishing.published_title import PublishedTitle
from service.errors import LaurelError, PermissionDenied, Unauthenticated
from service.http.authenticate import authenticate_bearer_or_xbl3
from service.http.locale import RequestLocale, content_language
from service.http.services import PLAYER, PRINCIPAL, SERVICES, Services

USER_FIELD = "Opigno-Client-UUID"
_OWN_BADGES = frozenset({"getBadge", "getBadges"})


async def authenticate(request: web.Request) -> Principal:
    """Who asks: an application by the token of `/oauth/token`, or a player by the token of the sign-in service.

    Raises:
        Unauthenticated: there is no `Authorization`, more than one, or none that is good.
        Unavailable: the keys that verify tokens are out of reach.
    """
    services, fields = request.app[SERVICES], request.headers.getall(hdrs.AUTHORIZATION, ())
    if len(fields) == 1 and OAuthClients.is_client_token(fields[0]):
        return services.oauth_clients.principal(fields[0], time.time())
    return await authenticate_bearer_or_xbl3(request)


class Context:
    """One request. `user` is None where no badges may be seen; `refusal` then says why."""

    is_authenticated = True  # whoever comes this far; what is not, the door refuses before

    def __init__(
        self,
        services: Services,
        principal: Principal,
        published: PublishedTitle,
        *,
        locale: RequestLocale,
        user: UserContext | None,
        refusal: LaurelError | None,
    ) -> None:
        self.services = services
        self.principal = principal
        self.published = published
        self.user = user
        self.refusal = refusal
        self.now = ticks.from_unix_ns(time.time_ns())
        self.longest_list = len(published.all_achievements)
        self._locales: list[dict[str, None]] = []
        self._locale = locale

    @functools.cached_property
    def chain(self) -> tuple[str, ...]:
        """The languages of this caller in the title, best first."""
        return self._locale.chain(self.published)

    def new_locales(self) -> dict[str, None]:
        """A place for the locales of the texts of one root field, after those of the root fields before it."""
        self._locales.append({})
        return self._locales[-1]

    @property
    def content_language(self) -> str | None:
        """The Content-Language of what was executed so far."""
        return content_language(itertools.chain.from_iterable(self._locales))


async def make_context(request: web.Request) -> Context:
    """What is known of a request before anything of it runs.

    Raises:
        PermissionDenied: the token is of no title, or of one in which nothing is published.
        Unavailable: the database is out of reach.
    """
    services, principal = request.app[SERVICES], request[PRINCIPAL]
    published = services.snapshots.current.titles.get(principal.title_id or 0)
    if published is None:
        raise PermissionDenied("the token must name a title that is published here (claim xti)")
    user, refusal = await _user(request, services, principal, published.title_id)
    if user is not None:
        request[PLAYER] = user.player
    return Context(services, principal, published, locale=RequestLocale(request), user=user, refusal=refusal)


async def _user(
    request: web.Request, services: Services, principal: Principal, title_id: int
) -> tuple[UserContext | None, LaurelError | None]:
    """The user whom the header names, else the one of the token; None and why not, where there is no such user."""
    fields = request.headers.getall(USER_FIELD, ())
    if not fields and len(principal.players) == 1:
        own = principal.players[0]
        return UserContext(
            context_id=0,
            title_id=title_id,
            uuid=uuid.UUID(int=0),
            player=own,
            display_name=own,
            is_active=True,
            scopes=["AUTHENTICATED"],
        ), None
    try:
        named = uuid.UUID(fields[0]) if len(fields) == 1 else None
    except ValueError:
        named = None
    found = None if named is None else await services.user_contexts.by_uuid(title_id, named)
    if found is None or not found.is_active:
        return None, PermissionDenied(f"{USER_FIELD}: expected the UUID of one active user context")
    if CONTEXTS not in principal.scopes and found.player not in principal.players:
        return None, PermissionDenied(f"{USER_FIELD}: this token speaks for another user")
    return found, None


def allow(context: Context, root: str, arguments: Mapping[str, Any]) -> LaurelError | None:
    """Why a root field may not be asked by this caller; None if it may.

    (The badges document: 401 without the scope AUTHENTICATED, 403 without a valid user context.)
    """
    if root not in _OWN_BADGES:
        return (
            None
            if CONTEXTS in context.principal.scopes
            else PermissionDenied(f"{root} is for applications of the title")
        )
    if context.user is None:
        return context.refusal
    if "AUTHENTICATED" not in context.user.scopes:
        return Unauthenticated("the user context lacks the scope AUTHENTICATED")
    wanted = arguments.get("userContextId")
    if wanted in (None, str(context.user.context_id)) or "ADMINISTRATOR" in context.user.scopes:
        return None
    return PermissionDenied("userContextId: the badges of another user are for the scope ADMINISTRATOR")
