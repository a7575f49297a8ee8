"""Where requests may go whose URL somebody else has chosen: to public addresses, and to networks that an operator allows.

A URL is checked when it is stored and before each request, and the address of every connection after its name was
resolved: a name may lead to another address each time. So nobody makes the service reach into the private network
that it runs in.
"""

import asyncio
import contextlib
import ipaddress
import re
import socket
import threading
import urllib.parse
from collections.abc import Sequence
from typing import Any

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from service.outbound.fetch import AddressNotAllowed, FetchError, is_safe_url
from service.settings import IPNetwork

_Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NOT_PUBLIC = "expected a public address, or one of LAUREL_OUTBOUND_NETWORKS"

_FORBIDDEN = re.compile(r"[\s\\\x00-\x20\x7f-\x9f]")
_MAX_LOOK_UPS = 64
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_EMBEDDED = (  # IPv6 networks whose addresses stand for an IPv4 address, and where its lowest bit is in them
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),  # mapped
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (ipaddress.IPv6Network("2002::/16"), 80),  # 6to4
)


class Destinations:
    """The addresses that may be reached: public ones, and those in `networks`."""

    def __init__(self, networks: Sequence[IPNetwork] = ()) -> None:
        self._networks = tuple(networks)

    def check_url(self, url: str) -> None:
        """Check a URL without resolving its name.

        Raises:
            FetchError: it is neither https nor http on loopback, has a user name, a space or a control character in
                it, or names an address that may not be reached.
        """
        if _FORBIDDEN.search(url):
            raise FetchError("expected a URL without spaces, backslashes and control characters")
        if not is_safe_url(url):
            raise FetchError("expected https, or http on this machine")
        if "@" in urllib.parse.urlsplit(url).netloc:
            raise FetchError("expected a URL without a user name or password")
        address = _literal_address(yarl.URL(url).host or "")
        if address is not None and not self.allows(address):
            raise FetchError(NOT_PUBLIC)

    def allows(self, address: Address) -> bool:
        """Whether an address may be reached."""
        for network, shift in _EMBEDDED:
            if address in network:
                address = ipaddress.IPv4Address(int(address) >> shift & 0xFFFF_FFFF)
        if any(address in network for network in self._networks):
            return True
        if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
            return False
        return address.is_global and not address.is_multicast

    def session(self, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
        """A client session that connects to these addresses only."""
        connector = aiohttp.TCPConnector(socket_factory=self._open_socket, resolver=_Resolver())
        return aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False)

    def _open_socket(self, target: aiohttp.AddrInfoType) -> socket.socket:
        """The socket of one connection, whose address is known by now.

        Raises:
            AddressNotAllowed: the address may not be reached.
        """
        family, kind, protocol, _, (host, *_) = target
        if not self.allows(ipaddress.ip_address(str(host).partition("%")[0])):
            raise AddressNotAllowed(NOT_PUBLIC)
        return socket.socket(family, kind, protocol)


class _Resolver(AbstractResolver):
    """Resolves each name in a thread of its own: one whose servers do not answer holds up nothing else.

    uvloop resolves names in four threads that the whole process shares; a pool of threads would have to end before the
    process can.
    """

    def __init__(self) -> None:
        self._running = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name.

        Raises:
            OSError: it has none, its servers do not answer, or too many others are being resolved.
        """
        if self._running >= _MAX_LOOK_UPS:
            raise OSError("too many names are being resolved")
        self._running += 1
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[_Found]] = loop.create_future()

        def end(found: Sequence[_Found] | OSError) -> None:
            self._running -= 1
            if answer.done():  # nobody waits any more
                return
            if isinstance(found, OSError):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        def look_up() -> None:
            found: Sequence[_Found] | OSError
            try:
                found = socket.getaddrinfo(
                    host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
                )
            except (OSError, UnicodeError) as error:
                found = error if isinstance(error, OSError) else OSError(str(error))
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(end, found)

        threading.Thread(target=look_up, name=f"resolve {host[:40]}", daemon=True).start()
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=family_found,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for family_found, _, protocol, _, address in await answer
        ]

    async def close(self) -> None:
        """Nothing: threads end with their look-up, or with the process."""


def _literal_address(host: str) -> Address | None:
    """The address that a host names without being resolved, also in the short and octal forms of C; None for a name."""
    host = host.rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return ipaddress.IPv4Address("127.0.0.1")
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None
