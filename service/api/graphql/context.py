"""The context of a GraphQL request: the principal, the user, the title and the languages; and who may read what."""

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
_BADGE_FIELDS = frozenset({"getBadge", "getBadges"})


async def authenticate(request: web.Request) -> Principal:
    """The principal: an application with a token of `/oauth/token`, or a player with one of the sign-in service.

    Raises:
        Unauthenticated: there is no `Authorization`, several, or one that is not valid.
        Unavailable: the keys that verify tokens are out of reach.
    """
    services, fields = request.app[SERVICES], request.headers.getall(hdrs.AUTHORIZATION, ())
    if len(fields) == 1 and OAuthClients.is_client_token(fields[0]):
        return await services.oauth_clients.principal(fields[0], time.time())
    return await authenticate_bearer_or_xbl3(request)


class Context:
    """One request. `user` is None if the caller may not read badges; then `denial` is the reason."""

    def __init__(
        self,
        services: Services,
        principal: Principal,
        published: PublishedTitle,
        *,
        locale: RequestLocale,
        user: UserContext | None,
        denial: LaurelError | None,
    ) -> None:
        self.services = services
        self.principal = principal
        self.published = published
        self.user = user
        self.denial = denial
        self.now = ticks.from_unix_ns(time.time_ns())
        self.longest_list = len(published.all_achievements)
        self._locales: list[dict[str, None]] = []
        self._locale = locale

    @functools.cached_property
    def chain(self) -> tuple[str, ...]:
        """The caller's languages that the title has, best first."""
        return self._locale.chain(self.published)

    def new_locales(self) -> dict[str, None]:
        """A new set for the locales of one root field's texts, in the order of root fields."""
        self._locales.append({})
        return self._locales[-1]

    @property
    def content_language(self) -> str | None:
        """The Content-Language of the fields that were executed."""
        return content_language(itertools.chain.from_iterable(self._locales))


async def make_context(request: web.Request) -> Context:
    """The context of a request, before anything is executed.

    Raises:
        PermissionDenied: the token names no title, or one in which nothing is published.
        Unavailable: the database is out of reach.
    """
    services, principal = request.app[SERVICES], request[PRINCIPAL]
    published = services.snapshots.current.titles.get(principal.title_id or 0)
    if published is None:
        raise PermissionDenied("the token must name a title that is published here (claim xti)")
    user, denial = await _find_user(request, services, principal, published.title_id)
    if user is not None:
        request[PLAYER] = user.player
    return Context(services, principal, published, locale=RequestLocale(request), user=user, denial=denial)


async def _find_user(
    request: web.Request, services: Services, principal: Principal, title_id: int
) -> tuple[UserContext | None, LaurelError | None]:
    """The user that the header names, or that of a player's token; or None and the reason."""
    fields = request.headers.getall(USER_FIELD, ())
    if not fields and len(principal.players) == 1:
        player = principal.players[0]
        return UserContext(
            context_id=0,
            title_id=title_id,
            uuid=uuid.UUID(int=0),
            player=player,
            display_name=player,
            is_active=True,
            scopes=["AUTHENTICATED"],
        ), None
    try:
        user_id = uuid.UUID(fields[0]) if len(fields) == 1 else None
    except ValueError:
        user_id = None
    user = None if user_id is None else await services.user_contexts.by_uuid(title_id, user_id)
    if user is None or not user.is_active:
        return None, PermissionDenied(f"{USER_FIELD}: expected the UUID of one active user context")
    if CONTEXTS not in principal.scopes and user.player not in principal.players:
        return None, PermissionDenied(f"{USER_FIELD}: this token speaks for another user")
    return user, None


def access_error(context: Context, root: str, arguments: Mapping[str, Any]) -> LaurelError | None:
    """The reason why the caller may not read a root field; None if allowed.

    (The badges document: 401 without the scope AUTHENTICATED, 403 without a valid user context.)
    """
    if root not in _BADGE_FIELDS:
        if CONTEXTS in context.principal.scopes:
            return None
        return PermissionDenied(f"{root} is for applications of the title")
    if context.user is None:
        return context.denial
    if "AUTHENTICATED" not in context.user.scopes:
        return Unauthenticated("the user context lacks the scope AUTHENTICATED")
    context_id = arguments.get("userContextId")
    if context_id in (None, str(context.user.context_id)) or "ADMINISTRATOR" in context.user.scopes:
        return None
    return PermissionDenied("userContextId: the badges of another user are for the scope ADMINISTRATOR")
