"""Verify an Open Badge from a file or URL: fetch it, its issuer's keys and its status lists."""

import aiohttp
import msgspec

from service.core.auth.key_ring import KeyRing
from service.core.badges.verify import (
    MAX_DOCUMENT_BYTES,
    StatusEntry,
    UnverifiedCredential,
    VerificationError,
    VerifiedCredential,
    check_status_list,
    extract_token,
    parse_keys,
    read_unverified,
    verify_credential,
)
from service.errors import BadRequest
from service.outbound.fetch import FetchError, fetch_bounded

TIMEOUT = aiohttp.ClientTimeout(total=10.0)  # seconds


class Verification(msgspec.Struct, frozen=True):
    """A verified badge. `failure` is the reason why it is not valid; None if it is.

    `credential` is None if even its signature, types or times are not valid: then nothing in it is known to be
    the issuer's.
    """

    credential: VerifiedCredential | None = None
    failure: VerificationError | None = None


async def verify_badge(source: str, *, keys_source: str | None, now: float) -> Verification:
    """Verify the badge in a file or at a URL. `now` is in seconds since 1970.

    `keys_source` is a file or URL with the issuer's keys; None fetches them from the issuer.

    Raises:
        BadRequest: a file cannot be read.
    """
    credential: VerifiedCredential | None = None
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        try:
            unverified = read_unverified(extract_token(await _read(session, source)))
            given_keys = None if keys_source is None else parse_keys(await _read(session, keys_source))
            keys = given_keys or await _fetch_keys(session, unverified)
            credential = verify_credential(unverified, keys, now=now)
            for status in credential.statuses:
                await _verify_status(session, credential, status, given_keys, now=now)
        except VerificationError as failure:
            return Verification(credential, failure)
    return Verification(credential)


async def _verify_status(
    session: aiohttp.ClientSession,
    credential: VerifiedCredential,
    status: StatusEntry,
    given_keys: KeyRing | None,
    *,
    now: float,
) -> None:
    if credential.issuer.startswith("https:") and not status.url.startswith("https:"):
        raise VerificationError("the status list is not protected by https, but the issuer is")
    unverified = read_unverified(extract_token(await _fetch(session, status.url)))
    keys = given_keys or await _fetch_keys(session, unverified)
    check_status_list(credential, status, unverified, keys, now=now)


async def _fetch_keys(session: aiohttp.ClientSession, unverified: UnverifiedCredential) -> KeyRing:
    return parse_keys(await _fetch(session, unverified.key_url))


async def _read(session: aiohttp.ClientSession, source: str) -> bytes:
    """The content of a URL or file; of a larger file one byte more than the limit.

    Raises:
        BadRequest: the file cannot be read.
        VerificationError: the URL cannot be fetched.
    """
    if "://" in source:
        return await _fetch(session, source)
    try:
        with open(source, "rb") as file:  # noqa: ASYNC230, PTH123  (nothing else runs on this loop)
            return file.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise BadRequest(f"{source}: {error.strerror}") from None


async def _fetch(session: aiohttp.ClientSession, url: str) -> bytes:
    """The body of a URL.

    Raises:
        VerificationError: it cannot be fetched.
    """
    try:
        return await fetch_bounded(session, url, max_bytes=MAX_DOCUMENT_BYTES)
    except FetchError as error:
        raise VerificationError(f"{url[:200]!a}: {error}") from None
