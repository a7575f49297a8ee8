"""Keyed hashes that stand for players and credentials in Open Badges: nobody can guess whose they are. Pure."""

import hmac
import uuid
from typing import Literal

import msgspec

Subject = Literal["credential", "subject", "status"]
"""What a hash stands for; the same parts give unrelated hashes for each."""


def keyed_hash(secret: bytes, subject: Subject, *parts: str | int) -> bytes:
    """HMAC-SHA-256 of the parts, 32 bytes; always the same for the same secret."""
    return hmac.digest(secret, msgspec.json.encode([subject, *parts]), "sha256")


def pseudonym(secret: bytes, subject: Subject, *parts: str | int) -> str:
    """The keyed hash as the URN of a version 8 UUID (RFC 9562 §5.8)."""
    value = int.from_bytes(keyed_hash(secret, subject, *parts)[:16])
    value = value & ~(0xF << 76) & ~(0x3 << 62) | 8 << 76 | 2 << 62
    return uuid.UUID(int=value).urn
