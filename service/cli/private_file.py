"""Files of LAUREL_DATA that hold a secret: readable by their owner alone, written whole or not at all."""

import contextlib
import os
import pathlib
import tempfile


def write_private_file(file: pathlib.Path, content: str) -> None:
    """Create a file with this ASCII content; a file that another process created meanwhile is kept.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, file)  # a rename would replace the other process's file
    finally:
        os.unlink(temporary)  # noqa: PTH108  (mkstemp returns a string)
