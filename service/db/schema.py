"""`python -m service.db.schema`: print the schema that the migrations create, for sql/schema.sql."""

import asyncio
import pathlib
import re
import subprocess
import sys
import tempfile

from service.db.embedded import EmbeddedPostgres, binaries
from service.db.migrate import migrate

_HEAD = "-- Generated from the migrations by `make schema`, for reading; a test compares it with the migrations.\n\n"
_NOISE = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)\n", re.MULTILINE)


def schema() -> str:
    """The tables, constraints and indexes of an up-to-date database, as pg_dump writes them."""
    with (
        tempfile.TemporaryDirectory(prefix="laurel-schema-") as folder,
        EmbeddedPostgres(pathlib.Path(folder), durable=False) as url,
    ):
        asyncio.run(migrate(url))
        dump = subprocess.run(  # noqa: S603  (the program of the embedded server)
            [binaries() / "pg_dump", "--schema-only", "--no-owner", "--no-privileges", url],
            check=True,
            capture_output=True,
            text=True,
        )
    return _HEAD + re.sub(r"\n{3,}", "\n\n", _NOISE.sub("", dump.stdout)).strip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
