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
    origin,
    parse_keys,
    read_unverified,
    verify_credential,
)
from service.errors import BadRequest
from service.outbound.destinations import Destinations
from service.outbound.fetch import FetchError, fetch_bounded

TIMEOUT = aiohttp.ClientTimeout(total=10.0)  # seconds


class Verification(msgspec.Struct, frozen=True):
    """A verified badge. `failure` is the reason why it is not valid; None if it is.

    `credential` is None if even its signature, types or times are not valid: then nothing in it is known to be
    the issuer's.
    """

    credential: VerifiedCredential | None = None
    failure: VerificationError | None = None


async def verify_badge(source: str, *, keys_source: str | None, destinations: Destinations, now: float) -> Verification:
    """Verify the badge in a file or at a URL. `now` is in seconds since 1970.

    `keys_source` is a file or URL with the issuer's keys; None fetches them from the issuer. URLs in the badge are
    fetched from its issuer's host only, and all URLs only from where `destinations` allows.

    Raises:
        BadRequest: a file cannot be read.
    """
    credential: VerifiedCredential | None = None
    async with destinations.session(TIMEOUT) as session:
        fetcher = _Fetcher(destinations, session)
        try:
            unverified = read_unverified(extract_token(await fetcher.read(source)))
            given_keys = None if keys_source is None else parse_keys(await fetcher.read(keys_source))
            keys = given_keys or await fetcher.keys(unverified)
            credential = verify_credential(unverified, keys, now=now)
            for status in credential.statuses:
                await _verify_status(fetcher, credential, status, given_keys, now=now)
        except VerificationError as failure:
            return Verification(credential, failure)
    return Verification(credential)


async def _verify_status(
    fetcher: "_Fetcher", credential: VerifiedCredential, status: StatusEntry, given_keys: KeyRing | None, *, now: float
) -> None:
    if origin(status.url) != origin(credential.issuer):
        raise VerificationError("credentialStatus: the status list is of another host than the issuer")
    unverified = read_unverified(extract_token(await fetcher.fetch(status.url)))
    if unverified.issuer != credential.issuer:
        raise VerificationError("the status list has another issuer")
    keys = given_keys or await fetcher.keys(unverified)
    check_status_list(credential, status, unverified, keys, now=now)


class _Fetcher:
    """Reads files, and URLs of allowed destinations."""

    def __init__(self, destinations: Destinations, session: aiohttp.ClientSession) -> None:
        self._destinations = destinations
        self._session = session

    async def keys(self, unverified: UnverifiedCredential) -> KeyRing:
        """The keys of a credential's issuer.

        Raises:
            VerificationError: they cannot be fetched or used.
        """
        return parse_keys(await self.fetch(unverified.key_url))

    async def read(self, source: str) -> bytes:
        """The content of a URL or file; of a larger file one byte more than the limit.

        Raises:
            BadRequest: the file cannot be read.
            VerificationError: the URL cannot be fetched.
        """
        if "://" in source:
            return await self.fetch(source)
        try:
            with open(source, "rb") as file:  # noqa: ASYNC230, PTH123  (nothing else runs on this loop)
                return file.read(MAX_DOCUMENT_BYTES + 1)
        except OSError as error:
            raise BadRequest(f"{source}: {error.strerror}") from None

    async def fetch(self, url: str) -> bytes:
        """The body of a URL.

        Raises:
            VerificationError: it cannot be fetched.
        """
        try:
            self._destinations.check_url(url)
            return await fetch_bounded(self._session, url, max_bytes=MAX_DOCUMENT_BYTES)
        except FetchError as error:
            raise VerificationError(f"{url[:200]!a}: {error}") from None
