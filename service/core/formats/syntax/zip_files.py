"""A small flat ZIP of files, read within bounds and written to the same bytes every time. Pure."""

import io
import re
import zipfile
import zlib
from collections.abc import Mapping

from service.core.validation import values
from service.core.validation.diagnostics import SourceLocation, checked_bytes

MAX_FILES = 500
MAX_FILE_BYTES = 1024 * 1024  # Google Play's own limit for a file
MAX_ALL_BYTES = 20 * 1024 * 1024
MAX_RATIO = 200  # text seldom shrinks to a twentieth, a bomb to a thousandth
_NAME = re.compile(r"[^/\\:\0-\x1f]{1,100}")


def read_zip(data: bytes, place: SourceLocation, *, wanted: re.Pattern[str]) -> dict[str, bytes]:
    """The wanted files by name; others are looked at, not unpacked.

    Raises:
        InvalidCatalog: it is no ZIP, too large, packed too tightly, encrypted, or a name is a path or stands twice.
    """
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(checked_bytes(data, place))) as archive:
            entries = archive.infolist()
            _check(entries, place)
            for entry in entries:
                if wanted.fullmatch(entry.filename):
                    with archive.open(entry) as file:
                        found[entry.filename] = file.read(MAX_FILE_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, OverflowError) as error:
        place.fail("not-zip", f"not a ZIP that can be read: {values.shown(str(error))}")
    return found


def write_zip(files: Mapping[str, bytes]) -> bytes:
    """The files in the order of their names, not packed and without dates: other libraries pack other bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3  # the same on every system
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return made.getvalue()


def _check(entries: list[zipfile.ZipInfo], place: SourceLocation) -> None:
    if len(entries) > MAX_FILES:
        place.fail("too-many-files", f"expected at most {MAX_FILES} files, got {len(entries)}")
    if len({entry.filename for entry in entries}) < len(entries):
        place.report("duplicate-file", "a file stands in it twice")
    for entry in entries:
        there = place.at(entry.filename)
        if _NAME.fullmatch(entry.filename) is None or entry.filename in {".", ".."}:
            there.report("path", f"expected a file's name without folders, got {values.shown(entry.filename)}")
        if entry.flag_bits & 1:
            there.report("encrypted", "an encrypted file cannot be read")
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            there.report("packing", "expected a file that is stored or deflated")
        if entry.file_size > MAX_FILE_BYTES:
            there.report("too-large", f"expected a file of at most {MAX_FILE_BYTES} bytes, got {entry.file_size}")
        if entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            there.report("bomb", f"{entry.compress_size} bytes that become {entry.file_size} are not unpacked")
    if sum(entry.file_size for entry in entries) > MAX_ALL_BYTES:
        place.report("too-large", f"expected at most {MAX_ALL_BYTES} bytes in all")
    place.raise_errors()
