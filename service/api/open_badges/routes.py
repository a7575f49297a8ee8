"""The URLs of the Open Badges door. A handler reads, allows, asks the core and answers; nothing is decided here."""

import re
import time

from aiohttp import hdrs, web

from service.api.open_badges.context import PRIVATE, PUBLIC, RequestContext
from service.core.auth.permissions import may_read_progress
from service.core.badges.credential import CONTEXTS, achievement_document, issuer_profile
from service.core.badges.earned import find_achievement
from service.core.badges.issue import issue_credential, issue_status_list
from service.core.badges.signing_keys import load_signing_keys
from service.errors import InvalidParameter
from service.http.api import Route
from service.http.services import PLAYER, PRINCIPAL

_MOST_CHARACTERS = 128  # of a user's id
_UNFIT = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")


async def get_credential(request: web.Request) -> web.Response:
    """What one player unlocked, as a signed OpenBadgeCredential in the caller's language."""
    context = RequestContext(request)
    player = request.match_info["user"]
    if len(player) > _MOST_CHARACTERS or _UNFIT.search(player):
        raise InvalidParameter("user", f"1 to {_MOST_CHARACTERS} characters, none a control character", ascii(player))
    may_read_progress(request[PRINCIPAL], player, policy="self")
    request[PLAYER] = player

    services, public_id = context.services, request.match_info["achievement_id"]
    credential = await issue_credential(
        services.pool, services.progress, context.issuing(), player=player, public_id=public_id
    )
    return context.signed(credential, headers=PRIVATE, kind=context.kind_of_token())


async def get_issuer(request: web.Request) -> web.Response:
    """The title as the issuer of its badges: a Profile."""
    context = RequestContext(request)
    profile, spoken = issuer_profile(context.issuing())
    return context.public({"@context": CONTEXTS, **profile}, spoken=spoken, vary=hdrs.ACCEPT_LANGUAGE)


async def get_achievement(request: web.Request) -> web.Response:
    """What can be earned, as an Achievement; the description of a secret one is not shown."""
    context = RequestContext(request)
    issuing = context.issuing()
    achievement = find_achievement(issuing.published, request.match_info["achievement_id"])
    document, spoken = achievement_document(issuing, achievement, is_held=False)
    return context.public({"@context": CONTEXTS, **document}, spoken=spoken, vary=hdrs.ACCEPT_LANGUAGE)


async def get_status_list(request: web.Request) -> web.Response:
    """One of the title's status lists, as a signed BitstringStatusListCredential."""
    context = RequestContext(request)
    title_id, number = context.published().title_id, int(request.match_info["list"])
    status_list = await issue_status_list(
        context.services.pool, base_url=context.base, title_id=title_id, number=number, now=int(time.time())
    )
    # A token whatever is accepted: verifiers name JSON too, and read no object of ours around it.
    return context.signed(status_list, headers=PUBLIC)


async def get_key_set(request: web.Request) -> web.Response:
    """The public keys of all badges: a JSON Web Key Set."""
    context = RequestContext(request)
    keys = await load_signing_keys(context.services.pool)
    return context.public(keys.jwks(context.base), kind="application/jwk-set+json")


async def get_key(request: web.Request) -> web.Response:
    """One public key: a JSON Web Key, at the URL that `kid` names."""
    context = RequestContext(request)
    keys = await load_signing_keys(context.services.pool)
    key = keys.jwk(context.base, request.match_info["thumbprint"])
    return context.public(key, kind="application/jwk+json")


_TITLE = "/open-badges/titles/{title_id:[0-9]{1,10}}"

ROUTES = (
    Route(hdrs.METH_GET, f"{_TITLE}/users/{{user}}/achievements/{{achievement_id}}", "credential", get_credential),
    Route(hdrs.METH_GET, f"{_TITLE}/issuer", "issuer", get_issuer),
    Route(hdrs.METH_GET, f"{_TITLE}/achievements/{{achievement_id}}", "achievement", get_achievement),
    Route(hdrs.METH_GET, f"{_TITLE}/status/{{list:[0-9]{{1,10}}}}", "status-list", get_status_list),
    Route(hdrs.METH_GET, "/open-badges/keys/{thumbprint}", "key", get_key),
    Route(hdrs.METH_GET, "/.well-known/jwks.json", "key-set", get_key_set),
)
