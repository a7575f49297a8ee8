"""The issuer's last key set on disk: shared by the processes of one machine, and there after a restart.

It lets a process verify tokens before the issuer answers. The folder is private: who can write there can add keys.
"""

import os
import pathlib
import stat

import msgspec

from service.private_file import write_private_file

_NAME = "key-set"  # in LAUREL_DATA
_CLOCK_STEP_SECONDS = 60.0  # by which a time may lie ahead


class StoredKeySet(msgspec.Struct, frozen=True):
    """A JSON Web Key Set as it was fetched from `url`, at `fetched_at` in seconds since 1970."""

    url: str
    fetched_at: float
    body: bytes

    def age(self, now: float) -> float:
        """Its age in seconds."""
        return max(0.0, now - self.fetched_at)


class KeySetFile:
    """The file in a folder, for the key set at one URL."""

    def __init__(self, folder: pathlib.Path, url: str) -> None:
        self._file = folder / _NAME
        self._url = url

    def read(self, *, now: float, max_age_seconds: float) -> StoredKeySet | None:
        """The stored set; None if there is none, or one that is too old, from elsewhere, or writable by others."""
        try:
            with self._file.open("rb") as stream:
                status = os.fstat(stream.fileno())
                is_ours = status.st_uid in (os.geteuid(), 0) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
                if not is_ours:
                    return None
                stored = msgspec.json.decode(stream.read(), type=StoredKeySet)
        except (OSError, msgspec.DecodeError):
            return None
        is_current = stored.age(now) <= max_age_seconds and stored.fetched_at <= now + _CLOCK_STEP_SECONDS
        return stored if stored.url == self._url and is_current else None

    def write(self, body: bytes, *, fetched_at: float) -> None:
        """Replace the stored set.

        Raises:
            OSError: it cannot be written.
        """
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        stored = StoredKeySet(url=self._url, fetched_at=fetched_at, body=body)
        write_private_file(self._file, msgspec.json.encode(stored).decode(), replace=True)
