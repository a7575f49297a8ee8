"""Authentication: reading the one credential of a request and finding the principal it stands for.

Credentials are `Authorization: Bearer <token>`, `Authorization: XBL3.0 x=<user hash>;<token>` and `X-API-KEY: <key>`.
Which of them an API accepts is its own choice.
"""

import time
from collections.abc import Callable

from aiohttp import hdrs, web

from service.core.auth.key_ring import UnknownKey
from service.core.auth.principal import ANONYMOUS, Principal
from service.errors import CredentialMissing, Unauthenticated
from service.http.services import SERVICES, Services

API_KEY = "X-API-KEY"
_BEARER = "Bearer <token>"
_XBL3 = "XBL3.0 x=<user hash>;<token>"


async def anonymous(_request: web.Request) -> Principal:
    """Nobody: for routes that anybody may call. No credential is looked at."""
    return ANONYMOUS


def single_field(request: web.Request, name: str, expected: str) -> str:
    """The value of a header field that must be sent exactly once.

    Raises:
        Unauthenticated: it is missing, or sent several times.
    """
    fields = request.headers.getall(name, ())
    if len(fields) != 1:
        error = Unauthenticated if fields else CredentialMissing
        raise error(f"{name}: expected one field, {expected}, got {len(fields)}")
    return fields[0]


async def authenticate_bearer(request: web.Request) -> Principal:
    """The principal of the one `Authorization: Bearer <token>` field.

    Raises:
        Unauthenticated: the field is missing, repeated, malformed, forged or expired.
    """
    services = request.app[SERVICES]
    field = single_field(request, hdrs.AUTHORIZATION, _BEARER)
    return await authenticate_token(services, services.verifier.bearer, field)


async def authenticate_xbl3(request: web.Request) -> Principal:
    """The principal of the one `Authorization: XBL3.0 x=<user hash>;<token>` field.

    Raises:
        Unauthenticated: the field is missing, repeated, malformed, forged or expired.
    """
    services = request.app[SERVICES]
    field = single_field(request, hdrs.AUTHORIZATION, _XBL3)
    return await authenticate_token(services, services.verifier.principal, field)


async def authenticate_bearer_or_xbl3(request: web.Request) -> Principal:
    """The principal of the one `Authorization` field, in either scheme.

    Raises:
        Unauthenticated: the field is missing, repeated, malformed, forged or expired.
    """
    services = request.app[SERVICES]
    field = single_field(request, hdrs.AUTHORIZATION, f"{_BEARER} or {_XBL3}")
    is_bearer = field[:7].lower() == "bearer "
    return await authenticate_token(
        services, services.verifier.bearer if is_bearer else services.verifier.principal, field
    )


async def authenticate_api_key(request: web.Request) -> Principal:
    """The principal of the one `X-API-KEY` field.

    Raises:
        Unauthenticated: the field is missing, repeated, or holds no key that is valid.
    """
    return await request.app[SERVICES].api_keys.principal(single_field(request, API_KEY, "a key"))


async def authenticate_token(services: Services, read: Callable[[str, float], Principal], field: str) -> Principal:
    """The principal of a token. Keys are fetched from the issuer first if the token names one that is not known yet.

    Raises:
        Unauthenticated: `read`, one of the verifier's readers, rejects the token.
    """
    try:
        return read(field, time.time())
    except UnknownKey as unknown:
        if services.jwks is None or not await services.jwks.unknown_kid(unknown.kid):
            raise
        return read(field, time.time())
