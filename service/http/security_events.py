"""Security events of requests: what is logged of a 401, 403 and 429, of a sign-in and of a revoked key."""

from http import HTTPStatus

from aiohttp import web

from service.core.auth.api_keys import prefix_of
from service.core.auth.principal import ANONYMOUS, Principal
from service.errors import CredentialExpired, CredentialMissing, LaurelError, TooManyRequests
from service.http.authenticate import API_KEY
from service.http.forwarded import client_address, network_of
from service.http.services import PRINCIPAL, SERVICES

_EVENTS = {
    HTTPStatus.UNAUTHORIZED: "authentication_failed",
    HTTPStatus.FORBIDDEN: "access_denied",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limited",
}
CLIENT_ID = web.RequestKey("client id", str)
"""The id of the OAuth client whose secret is in the body."""
REFUSALS = frozenset(map(int, _EVENTS))
"""The statuses that are security events."""


def too_many_failures(request: web.Request, status: int, error: LaurelError | None, now: float) -> LaurelError | None:
    """Count a failed authentication of the client's address; the error if there were too many of them.

    An expired credential is none, as it was right once; nor is a request without any.
    """
    if status != HTTPStatus.UNAUTHORIZED or isinstance(error, CredentialExpired | CredentialMissing):
        return None
    if request.get(PRINCIPAL, ANONYMOUS) is not ANONYMOUS:
        return None  # the credential was valid, but not for this
    return request.app[SERVICES].shares.count_failure(network_of(client_address(request)), now)


def log_refusal(request: web.Request, *, api: str, route: str, status: int, error: LaurelError | None) -> None:
    """Log a response with one of the `REFUSALS`."""
    log_event(
        request,
        _EVENTS[HTTPStatus(status)],
        api=api,
        route=route,
        status=status,
        code=None if error is None else error.code,
        limit=error.policy if isinstance(error, TooManyRequests) else None,
    )


def log_event(
    request: web.Request, event: str, *, principal: Principal | None = None, **fields: str | int | None
) -> None:
    """Log an event of a request: the client's address, the public part of the API key, and a hash of the caller's name.

    The hash is that of the request log. `principal` is by default the caller, if authentication succeeded.
    """
    services = request.app[SERVICES]
    caller = principal or request.get(PRINCIPAL) or ANONYMOUS
    sent = request.headers.get(API_KEY)
    key = caller.key_prefix or request.get(CLIENT_ID) or (None if sent is None else prefix_of(sent))
    services.security_log.write(
        event,
        address=client_address(request),
        key=key,
        caller=None if caller is ANONYMOUS or key is not None else services.observer.pseudonym(caller.name),
        **fields,
    )
