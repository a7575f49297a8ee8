"""Files of LAUREL_DATA that hold a secret: readable by their owner alone, written whole or not at all."""

import contextlib
import os
import pathlib
import tempfile


def write_private_file(file: pathlib.Path, content: str, *, replace: bool = False) -> None:
    """Create a file with this content; one that exists, or that another process creates meanwhile, is kept.

    With `replace`, the new file takes its place.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            os.replace(temporary, file)  # noqa: PTH105  (mkstemp returns a string)
        else:
            with contextlib.suppress(FileExistsError):
                os.link(temporary, file)
    finally:
        pathlib.Path(temporary).unlink(missing_ok=True)
