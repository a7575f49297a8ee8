"""Base64url without padding (RFC 4648 §5), as JSON Web Tokens, keys and cursors use it."""

import base64


def encode(data: bytes) -> str:
    """The bytes as text, without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """The bytes of a text with or without padding.

    Raises:
        ValueError: it is no base64url. (Characters of no alphabet are ignored, so the text is not unique.)
    """
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
