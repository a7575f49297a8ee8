"""Which URLs the service may request, and a GET that is bounded in size and follows no redirect."""

import ipaddress

import aiohttp
import yarl


class FetchError(Exception):
    """A URL cannot be fetched; the message says why, without the URL."""


class AddressNotAllowed(OSError):
    """A connection leads to an address that may not be reached; the message says which may."""


def is_safe_url(url: str) -> bool:
    """Whether the service may request this URL: https, or http on loopback."""
    try:
        parsed = yarl.URL(url)
    except ValueError:
        return False
    host = parsed.host or ""
    return host != "" and (parsed.scheme == "https" or (parsed.scheme == "http" and _is_loopback(host)))


async def fetch_bounded(session: aiohttp.ClientSession, url: str, *, max_bytes: int) -> bytes:
    """The body of a URL that returns 200 without a redirect.

    Raises:
        FetchError: the URL is not safe, cannot be reached, or returns another status or a larger body.
    """
    if not is_safe_url(url):
        raise FetchError("expected https, or http on this machine")
    try:
        # A body that is not compressed has no more bytes than were received.
        async with session.get(url, allow_redirects=False, headers={"Accept-Encoding": "identity"}) as response:
            if response.status != 200:  # noqa: PLR2004  (OK)
                raise FetchError(f"expected status 200, got {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > max_bytes:
                    raise FetchError(f"expected at most {max_bytes} bytes, got more")
            return bytes(body)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise FetchError(describe_failure(error)) from error


def describe_failure(error: Exception) -> str:
    """Why a request got no response."""
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, AddressNotAllowed):
        return str(error.os_error)
    return f"expected a response, got {type(error).__name__}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
