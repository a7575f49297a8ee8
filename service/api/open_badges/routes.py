"""The routes of the Open Badges API."""

import time

from aiohttp import hdrs, web

from service.api.open_badges.context import (
    base_url,
    credential_response,
    issuer_context,
    json_response,
    localized_response,
    path_number,
    player_param,
    published_title,
    token_response,
)
from service.core.auth.permissions import may_read_progress
from service.core.badges.credential import achievement_document, issuer_profile
from service.core.badges.earned import find_achievement
from service.core.badges.issue import issue_credential, issue_status_list
from service.core.badges.signing_keys import load_signing_keys
from service.http.api import Route
from service.http.services import PLAYER, PRINCIPAL, SERVICES


async def get_credential(request: web.Request) -> web.Response:
    """What one player unlocked, as a signed OpenBadgeCredential in the caller's language."""
    player = player_param(request)
    may_read_progress(request[PRINCIPAL], player, policy="self")
    request[PLAYER] = player
    services, public_id = request.app[SERVICES], request.match_info["achievement_id"]
    issuer = issuer_context(request)
    credential = await issue_credential(services.pool, services.progress, issuer, player=player, public_id=public_id)
    return credential_response(request, credential)


async def get_issuer(request: web.Request) -> web.Response:
    """The title as the issuer of its badges: a Profile."""
    issuer = issuer_context(request)
    return localized_response(request, issuer_profile(issuer))


async def get_achievement(request: web.Request) -> web.Response:
    """What can be earned, as an Achievement; the description of a secret one is not shown."""
    issuer = issuer_context(request)
    achievement = find_achievement(issuer.published, request.match_info["achievement_id"])
    return localized_response(request, achievement_document(issuer, achievement, is_held=False))


async def get_status_list(request: web.Request) -> web.Response:
    """One of the title's status lists, as a signed BitstringStatusListCredential."""
    title_id, number = published_title(request).title_id, path_number(request, "list")
    status_list = await issue_status_list(
        request.app[SERVICES].pool,
        base_url=base_url(request),
        title_id=title_id,
        number=number,
        now=int(time.time()),
    )
    return token_response(request, status_list)


async def get_key_set(request: web.Request) -> web.Response:
    """The public keys of all badges: a JSON Web Key Set."""
    keys = await load_signing_keys(request.app[SERVICES].pool)
    return json_response(request, keys.jwks(base_url(request)), media_type="application/jwk-set+json")


async def get_key(request: web.Request) -> web.Response:
    """One public key: a JSON Web Key, at the URL that `kid` names."""
    keys = await load_signing_keys(request.app[SERVICES].pool)
    key = keys.jwk(base_url(request), request.match_info["thumbprint"])
    return json_response(request, key, media_type="application/jwk+json")


_TITLE = "/open-badges/titles/{title_id:[0-9]+}"

ROUTES = (
    Route(hdrs.METH_GET, f"{_TITLE}/users/{{user}}/achievements/{{achievement_id}}", "credential", get_credential),
    Route(hdrs.METH_GET, f"{_TITLE}/issuer", "issuer", get_issuer),
    Route(hdrs.METH_GET, f"{_TITLE}/achievements/{{achievement_id}}", "achievement", get_achievement),
    Route(hdrs.METH_GET, f"{_TITLE}/status/{{list:[0-9]+}}", "status-list", get_status_list),
    Route(hdrs.METH_GET, "/open-badges/keys/{thumbprint}", "key", get_key),
    Route(hdrs.METH_GET, "/.well-known/jwks.json", "key-set", get_key_set),
)
