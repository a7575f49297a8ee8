"""The signing secret in LAUREL_DATA: created by `laurel demo`, read by `laurel token` when no key is set."""

import secrets

import msgspec

from service.cli.console import fail
from service.private_file import write_private_file
from service.settings import Settings

_FILE = "signing-secret"  # in LAUREL_DATA, readable by its owner alone
_SECRET_BYTES = 48


def has_key(chosen: Settings) -> bool:
    """Whether a key that verifies tokens is set."""
    return bool(chosen.jwt_secret or chosen.jwt_public_key or chosen.jwks_url)


def is_demo_secret(chosen: Settings) -> bool:
    """Whether the secret that is set is the one in LAUREL_DATA, which other people may have read in a trial."""
    try:
        return (chosen.data / _FILE).read_text(encoding="ascii") in (chosen.jwt_secret, chosen.jwt_secret_previous)
    except (OSError, ValueError):
        return False


def with_signing_secret(chosen: Settings, *, create: bool) -> Settings:
    """The settings with a key that verifies tokens: the one that is set, else the secret in LAUREL_DATA.

    The command fails if there is neither and `create` is False, or if the file cannot be used.
    """
    if has_key(chosen):
        return chosen
    file = chosen.data / _FILE
    try:
        if create and not file.exists():
            chosen.data.mkdir(parents=True, exist_ok=True)
            write_private_file(file, secrets.token_urlsafe(_SECRET_BYTES))
        return msgspec.structs.replace(chosen, jwt_secret=file.read_text(encoding="ascii"))
    except FileNotFoundError:
        fail(
            "LAUREL_JWT_SECRET, LAUREL_JWT_PUBLIC_KEY or LAUREL_JWKS_URL: set one"
            f" (there is no key in {chosen.data} either; `laurel demo` makes one)"
        )
    except OSError as error:
        fail(f"LAUREL_DATA: {file} cannot be used: {error.strerror}")
