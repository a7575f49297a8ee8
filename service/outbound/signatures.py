"""The headers that sign a webhook's message: Standard Webhooks' and Trophy's. Pure.

Standard Webhooks writes a secret as `whsec_` and base64, and signs with the decoded bytes. Trophy signs with the text
of the secret. Secrets of Laurel 0.2 are in base64url without padding, and signed both with their text: their messages
carry one signature for each reading, as the standard allows.
"""

import base64
import binascii
import hashlib
import hmac

from service.core.events.outbox import SECRET_PREFIX


def signature_headers(secret: str, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt to send a message, which was made at `timestamp` (Unix seconds)."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    keys = [_key_bytes(secret)]
    if not secret.endswith("="):  # of Laurel 0.2
        keys.insert(0, secret.encode())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{_hmac(key, signed)}" for key in keys),
        "X-Trophy-Signature": _hmac(secret.encode(), body),
    }


def _key_bytes(secret: str) -> bytes:
    """The bytes that a secret stands for; the text itself if it is no base64, for secrets from elsewhere."""
    text = secret.removeprefix(SECRET_PREFIX)
    try:
        return base64.b64decode(text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return secret.encode()


def _hmac(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.digest(key, message, hashlib.sha256)).decode()
