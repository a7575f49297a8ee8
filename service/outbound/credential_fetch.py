"""Reads a badge, its issuer's keys and its status lists from files and URLs, and has them verified."""

from collections.abc import Callable

import aiohttp

from service.core.auth.key_ring import KeyRing
from service.core.badges import verify
from service.core.badges.verify import MAX_DOCUMENT_BYTES, UnverifiedCredential, VerificationError, VerifiedCredential
from service.errors import BadRequest
from service.outbound.webhooks import is_safe_url

SECONDS = 1.0
TIMEOUT = aiohttp.ClientTimeout(total=10.0 * SECONDS)


async def verify_badge(
    source: str, *, jwks: str | None, now: float, show: Callable[[VerifiedCredential], None]
) -> None:
    """Nothing, if the badge is good; `show` is given it as soon as its signature is. `now` is in seconds since 1970.

    Raises:
        VerificationError: it is not; the message says why.
    """
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        found = verify.read_unverified(verify.extract_token(await _read(session, source)))
        given = None if jwks is None else verify.parse_keys(await _read(session, jwks))
        ring = given or await _keys(session, found)
        badge = verify.verify_credential(found, ring, now=now)
        show(badge)
        for status in badge.statuses:
            if badge.issuer.startswith("https:") and not status.url.startswith("https:"):
                raise VerificationError("the status list is not protected on its way, as the issuer is")
            listed = verify.read_unverified(verify.extract_token(await _fetch(session, status.url)))
            ring = given or await _keys(session, listed)
            verify.check_status_list(badge, status, listed, ring, now=now)


async def _keys(session: aiohttp.ClientSession, found: UnverifiedCredential) -> KeyRing:
    return verify.parse_keys(await _fetch(session, found.key_url))


async def _read(session: aiohttp.ClientSession, source: str) -> bytes:
    """The content of a file or a URL, at most one byte over the limit of a file.

    Raises:
        BadRequest: the file cannot be read.
    """
    if "://" in source:
        return await _fetch(session, source)
    try:
        with open(source, "rb") as file:  # noqa: ASYNC230, PTH123  (nothing else is under way)
            return file.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise BadRequest(f"{source}: {error.strerror}") from None


async def _fetch(session: aiohttp.ClientSession, url: str) -> bytes:
    """What a URL answers: https, or http on this machine; followed nowhere else, bounded in size and time.

    Raises:
        VerificationError: it does not answer so.
    """
    shown = ascii(url[:200])
    if not is_safe_url(url):
        raise VerificationError(f"{shown} is not asked: expected https, or http on this machine")
    try:
        async with session.get(url, allow_redirects=False, headers={"Accept-Encoding": "identity"}) as response:
            if response.status != 200:  # noqa: PLR2004  (OK)
                raise VerificationError(f"{shown} answers {response.status}, expected 200")
            body = bytearray()
            async for piece in response.content.iter_any():
                body += piece
                if len(body) > MAX_DOCUMENT_BYTES:
                    raise VerificationError(f"{shown} answers more than the {MAX_DOCUMENT_BYTES} bytes that are read")
            return bytes(body)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        raise VerificationError(f"{shown} cannot be reached, so that nothing can be said of the badge") from None
