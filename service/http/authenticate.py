"""Reading the credentials of a request, with the verification keys refreshed when a token names an unknown one."""

import time
from collections.abc import Callable

from aiohttp import web

from service.core.auth.key_ring import UnknownKey
from service.core.auth.principal import Principal
from service.http.services import Services


async def anonymous(_request: web.Request) -> Principal:
    """Who asks where nothing is anyone's: no credential is looked at."""
    return Principal(players=(), title_id=None, country=None, scopes=frozenset(), expires_at=0)


async def authenticate_token(services: Services, read: Callable[[str, float], Principal], field: str) -> Principal:
    """Who a token speaks for. A key that is not known here is asked of the issuer at once: it may be newer than ours.

    Raises:
        Unauthenticated: `read`, a way of the verifier's to read a credential, refuses it.
    """
    try:
        return read(field, time.time())
    except UnknownKey as unknown:
        if services.jwks is None or not await services.jwks.unknown_kid(unknown.kid):
            raise
        return read(field, time.time())
