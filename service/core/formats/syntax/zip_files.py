"""Read a flat ZIP archive within limits, and write one with the same bytes for the same files. Pure."""

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
MAX_RATIO = 200  # uncompressed to compressed: text rarely exceeds 20, a zip bomb reaches 1000
_NAME = re.compile(r"[^/\\:\0-\x1f]{1,100}")


def read_zip(data: bytes, location: SourceLocation, *, wanted: re.Pattern[str]) -> dict[str, bytes]:
    """The files whose names match `wanted`, by name. Other files are checked but not unpacked.

    Raises:
        InvalidCatalog: the file is not a ZIP archive, is too large, encrypted or compressed beyond `MAX_RATIO`, or a
            name is a path or occurs twice.
    """
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(checked_bytes(data, location))) as archive:
            entries = archive.infolist()
            _check(entries, location)
            for entry in entries:
                if wanted.fullmatch(entry.filename):
                    with archive.open(entry) as file:
                        files[entry.filename] = file.read(MAX_FILE_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, OverflowError) as error:
        location.fail("not-zip", f"not a readable ZIP archive: {values.shown(str(error))}")
    return files


def write_zip(files: Mapping[str, bytes]) -> bytes:
    """An archive of the files, by name, uncompressed and without dates: compressed bytes depend on the zlib version."""
    archive_file = io.BytesIO()
    with zipfile.ZipFile(archive_file, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3  # the same on every system
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return archive_file.getvalue()


def _check(entries: list[zipfile.ZipInfo], location: SourceLocation) -> None:
    if len(entries) > MAX_FILES:
        location.fail("too-many-files", f"expected at most {MAX_FILES} files, got {len(entries)}")
    if len({entry.filename for entry in entries}) < len(entries):
        location.report("duplicate-file", "expected each file once, got one twice")
    for entry in entries:
        entry_location = location.at(entry.filename)
        if _NAME.fullmatch(entry.filename) is None or entry.filename in {".", ".."}:
            entry_location.report("path", f"expected a file name without folders, got {values.shown(entry.filename)}")
        if entry.flag_bits & 1:
            entry_location.report("encrypted", "expected a file that is not encrypted")
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            entry_location.report("packing", "expected a stored or deflated file")
        if entry.file_size > MAX_FILE_BYTES:
            entry_location.report(
                "too-large", f"expected a file of at most {MAX_FILE_BYTES} bytes, got {entry.file_size}"
            )
        if entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            entry_location.report(
                "bomb",
                f"expected a compression ratio of at most {MAX_RATIO}, got {entry.file_size}:{entry.compress_size} bytes",
            )
    if sum(entry.file_size for entry in entries) > MAX_ALL_BYTES:
        location.report("too-large", f"expected at most {MAX_ALL_BYTES} bytes of files in total")
    location.raise_errors()
