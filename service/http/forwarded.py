"""The client's address and scheme behind proxies: `X-Forwarded-For` and `X-Forwarded-Proto` of trusted proxies only.

Anybody can send these fields. They are read if the connection comes from an address in LAUREL_TRUSTED_PROXIES, and from
right to left, because each proxy appends the address that it was called from.
"""

import functools
import ipaddress
from collections.abc import Iterable

from aiohttp import web

from service.http.services import SERVICES, Services
from service.settings import IPNetwork

FORWARDED_FOR = "X-Forwarded-For"
FORWARDED_PROTO = "X-Forwarded-Proto"
_MAX_PROXIES = 32  # that are followed from right to left
_IPV6_CLIENT_BITS = 64  # one client has at least as many addresses (RFC 6177)


def client_address(request: web.BaseRequest) -> str:
    """The address of the client: of the connection, or what the trusted proxies before it name. Never empty."""
    peer = request.remote or "unknown"
    proxies = _proxies(request)
    if not proxies or not _is_in(peer, proxies):
        if FORWARDED_FOR in request.headers and isinstance(request, web.Request):
            _warn(request.app[SERVICES], peer)
        return peer
    hops = ",".join(request.headers.getall(FORWARDED_FOR, ())).rsplit(",", _MAX_PROXIES)[-_MAX_PROXIES:]
    address = peer
    for hop in reversed(hops):
        previous = _parse(hop.strip())
        if previous is None:
            break  # what is left of it was not written by a proxy that can be trusted
        address = previous
        if not _is_in(address, proxies):
            break
    return address


def is_https(request: web.BaseRequest) -> bool:
    """Whether the client uses https, with this service or with a trusted proxy before it."""
    if request.secure:
        return True
    fields = request.headers.getall(FORWARDED_PROTO, ())
    if not fields or not _is_in(request.remote or "", _proxies(request)):
        return False
    return fields[-1].rpartition(",")[2].strip().lower() == "https"


@functools.lru_cache(4096)
def network_of(address: str) -> str:
    """What stands for one client in limits: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        parsed = _unmapped(ipaddress.ip_address(address))
    except ValueError:
        return address
    if parsed.version == 4:  # noqa: PLR2004
        return str(parsed)
    return str(ipaddress.ip_network((int(parsed), _IPV6_CLIENT_BITS), strict=False))


class _Warning:
    """Whether a proxy that is not trusted was warned of already."""

    was_given = False


def _warn(services: Services, peer: str) -> None:
    """Say once that a proxy is not trusted: its clients are one address for limits."""
    warning = services.api_state.of(_Warning)
    if not warning.was_given:
        warning.was_given = True
        services.observer.log(
            "warning", f"X-Forwarded-For from {peer} is ignored: if that is a proxy, name it in LAUREL_TRUSTED_PROXIES"
        )


def _proxies(request: web.BaseRequest) -> tuple[IPNetwork, ...]:
    return request.app[SERVICES].settings.trusted_proxies if isinstance(request, web.Request) else ()


def _is_in(address: str, networks: Iterable[IPNetwork]) -> bool:
    try:
        parsed = _unmapped(ipaddress.ip_address(address))
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _parse(hop: str) -> str | None:
    """An address, with a port or without, as proxies write it; None for anything else, and for one with a zone."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return None if "%" in hop else str(_unmapped(ipaddress.ip_address(hop)))
    except ValueError:
        return None


def _unmapped(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that an IPv6 socket shows as `::ffff:192.0.2.1`."""
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address
