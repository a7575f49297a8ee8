"""Serving text files of this package, such as style sheets, scripts and pages, read once with an entity tag."""

import hashlib
import pathlib
from collections.abc import Mapping

import msgspec
from aiohttp import hdrs, web

from service.errors import NotFound
from service.http.conditional import conditional_response

_MEDIA_TYPES = {  # fixed, as browsers reject scripts and styles of another type
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".txt": "text/plain",
}


class StaticFile(msgspec.Struct, frozen=True):
    """A text file in UTF-8; `version` is a hash of its bytes."""

    body: bytes
    media_type: str
    version: str


def make_static_file(name: str, body: bytes) -> StaticFile:
    """A file with the media type of its suffix."""
    version = hashlib.blake2b(body, digest_size=8).hexdigest()
    return StaticFile(body, _MEDIA_TYPES[pathlib.PurePath(name).suffix], version)


def read_static_files(folder: pathlib.Path) -> dict[str, StaticFile]:
    """The files of a folder, by name."""
    return {path.name: make_static_file(path.name, path.read_bytes()) for path in folder.iterdir() if path.is_file()}


def static_response(
    request: web.Request,
    files: Mapping[str, StaticFile],
    name: str,
    *,
    is_immutable: bool,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A file: cached forever if what is at its URL never changes, else revalidated.

    Raises:
        NotFound: there is no file of that name.
    """
    file = files.get(name)
    if file is None:
        raise NotFound("there is no such file")
    cache_control = "public, max-age=31536000, immutable" if is_immutable else "no-cache"
    return conditional_response(
        request,
        file.body,
        etag=f'"{file.version}"',
        headers={hdrs.CACHE_CONTROL: cache_control, **(headers or {})},
        content_type=file.media_type,
        charset="utf-8",
    )
