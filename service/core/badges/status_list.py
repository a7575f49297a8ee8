"""Bitstring Status Lists: one bit per credential, set once it is revoked. Pure.

Source: W3C Bitstring Status List 1.0.
"""

import gzip
import zlib
from collections.abc import Iterable
from typing import Any

import msgspec

from service import base64url, ticks
from service.core.badges.urls import issuer_url, status_list_url

CREDENTIALS_CONTEXT = "https://www.w3.org/ns/credentials/v2"
STATUS_LIST_BITS = 131_072  # 16 KiB, the smallest list that the standard allows
MAX_STATUS_LISTS = 2**32  # a title's: two credentials of a title share a bit once in 2**49
STATUS_LIST_LIFETIME_SECONDS = 24 * 3600  # how long a copy of a list may be used instead of a newer one
_MAX_DECODED_BYTES = 4_194_304  # a small file can decompress to a very large list
_HOUR_SECONDS = 3600
_GZIP = 31  # zlib's window bits for the gzip format
_MULTIBASE_BASE64URL = "u"

JsonObject = dict[str, Any]


class StatusPosition(msgspec.Struct, frozen=True):
    """Where a credential's status is: the number of one of the title's lists, and the index of a bit in it."""

    list: int
    index: int


def status_list_claims(base_url: str, title_id: int, number: int, indexes: Iterable[int], *, now: int) -> JsonObject:
    """The claims of a BitstringStatusListCredential in which these bits are set.

    `now` is in seconds since 1970. The claims change at most once an hour and are valid for a day.
    """
    url, issuer, valid_from = status_list_url(base_url, title_id, number), issuer_url(base_url, title_id), now
    valid_from -= now % _HOUR_SECONDS
    valid_until = valid_from + STATUS_LIST_LIFETIME_SECONDS
    return {
        "@context": [CREDENTIALS_CONTEXT],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "validFrom": ticks.to_text(ticks.from_unix(valid_from), 0),
        "validUntil": ticks.to_text(ticks.from_unix(valid_until), 0),
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": encode_bits(indexes),
        },
        "iss": issuer,
        "jti": url,
        "nbf": valid_from,
        "exp": valid_until,
    }


def encode_bits(indexes: Iterable[int]) -> str:
    """A list of 131,072 bits with these set, as an `encodedList`: multibase base64url of gzip."""
    bits = bytearray(STATUS_LIST_BITS // 8)
    for index in indexes:
        bits[index // 8] |= _mask(index)
    encoded = base64url.encode(gzip.compress(bits, mtime=0))
    return f"{_MULTIBASE_BASE64URL}{encoded}"


def decode_bits(encoded: str) -> bytes:
    """The bits of an `encodedList`, at most 4 MiB of them.

    Raises:
        ValueError: it is not multibase base64url of gzip, or larger.
    """
    if not encoded.startswith(_MULTIBASE_BASE64URL):
        raise ValueError("encodedList: expected multibase base64url")
    data = base64url.decode(encoded[1:])
    decompressor = zlib.decompressobj(wbits=_GZIP)
    try:
        bits = decompressor.decompress(data, _MAX_DECODED_BYTES)
    except zlib.error as error:
        raise ValueError(f"encodedList: {error}") from None
    if not decompressor.eof:
        raise ValueError("encodedList: expected a whole gzip file of at most 4 MiB")
    return bits


def is_set(bits: bytes, index: int) -> bool:
    """Whether the bit of that index is set.

    Raises:
        IndexError: the list is shorter.
    """
    return bool(bits[index // 8] & _mask(index))


def _mask(index: int) -> int:
    return 0x80 >> index % 8  # index 0 is the highest bit of the first byte
