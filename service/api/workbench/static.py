"""The style sheet and the script of the pages, under addresses that change with their content."""

import functools
import hashlib
import pathlib

import msgspec
from aiohttp import hdrs, web

from service.errors import NotFound
from service.http.api import Route
from service.http.conditional import conditional_response

_TYPES = {"workbench.css": "text/css", "workbench.js": "text/javascript"}


class File(msgspec.Struct, frozen=True):
    """One file; `version` is a hash of its bytes."""

    data: bytes
    content_type: str
    version: str


@functools.cache
def files() -> dict[str, File]:
    """The files by name, read once."""
    folder = pathlib.Path(__file__).parent / "static"
    found = {}
    for name, content_type in _TYPES.items():
        data = (folder / name).read_bytes()
        found[name] = File(data, content_type, hashlib.blake2b(data, digest_size=8).hexdigest())
    return found


def url_of(name: str) -> str:
    """The address of a file."""
    return f"/l10n/static/{files()[name].version}/{name}"


async def get_static(request: web.Request) -> web.Response:
    """A file. Under its current version it may be cached forever; under any other, it is revalidated."""
    file = files().get(request.match_info["name"])
    if file is None:
        raise NotFound("there is no such file")
    is_current = request.match_info["version"] == file.version
    return conditional_response(
        request,
        file.data,
        etag=f'"{file.version}"',
        headers={hdrs.CACHE_CONTROL: "public, max-age=31536000, immutable" if is_current else "no-cache"},
        content_type=file.content_type,
        charset="utf-8",
    )


ROUTES = (Route(hdrs.METH_GET, "/l10n/static/{version}/{name}", "static", get_static),)
