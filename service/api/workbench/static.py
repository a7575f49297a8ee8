"""The style sheet and the script of the pages, under addresses that change with their content."""

import functools
import pathlib
from collections.abc import Mapping

from aiohttp import hdrs, web

from service.http.api import Route
from service.http.static_files import StaticFile, read_static_files, static_response


@functools.cache
def files() -> Mapping[str, StaticFile]:
    """The files by name, read once."""
    return read_static_files(pathlib.Path(__file__).parent / "static")


def url_of(name: str) -> str:
    """The address of a file."""
    return f"/l10n/static/{files()[name].version}/{name}"


async def get_static(request: web.Request) -> web.Response:
    """A file. Under its current version it may be cached forever; under any other, it is revalidated."""
    name = request.match_info["name"]
    is_current = name in files() and request.match_info["version"] == files()[name].version
    return static_response(request, files(), name, is_immutable=is_current)


ROUTES = (Route(hdrs.METH_GET, "/l10n/static/{version}/{name}", "static", get_static),)
