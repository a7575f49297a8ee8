"""`GET /graphiql`: GraphiQL in the browser, from files of this package. The schema is public, the data is not.

The user types a token into the page, which sends it to `/graphql` and stores it nowhere.
"""

import pathlib
import re
from collections.abc import Mapping, Sequence

import msgspec
from aiohttp import hdrs, web
from graphql import GraphQLSchema, introspection_from_schema

from service.errors import NotFound
from service.http.api import Route
from service.http.conditional import conditional_response, make_etag

_FOLDER = pathlib.Path(__file__).with_name("graphiql_files")
_PAGE = "page.html"
_MEDIA_TYPES = {  # fixed, as browsers reject scripts and styles of another type
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".txt": "text/plain",
}
_VERSIONED_NAME = re.compile(r".+-\d+\.\d+\.\d+\..+")  # the content of such a file never changes
_HEADERS = {
    # GraphiQL's dialogs add style elements. Nothing else is inline, and nothing comes from other hosts.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class StaticFile(msgspec.Struct, frozen=True):
    """A text file with its headers."""

    body: bytes
    media_type: str
    etag: str
    headers: Mapping[str, str]


def routes(schema: GraphQLSchema) -> Sequence[Route]:
    """The routes of the page and its files, which are read once."""
    files = {path.name: _file(path.name, path.read_bytes()) for path in _FOLDER.iterdir() if path.is_file()}
    introspected = {"data": introspection_from_schema(schema)}
    files["schema.json"] = _file("schema.json", msgspec.json.encode(introspected))

    async def page(request: web.Request) -> web.Response:
        """A page where people type queries and run them. The page needs no token, its queries do."""
        return _response(request, files[_PAGE])

    async def file(request: web.Request) -> web.Response:
        """The page's files, and the schema as JSON. Nothing is loaded from elsewhere."""
        static_file = files.get(request.match_info["file"])
        if static_file is None:
            raise NotFound("there is no such file")
        return _response(request, static_file)

    return (
        Route(hdrs.METH_GET, "/graphiql", "graphiql", page),
        Route(hdrs.METH_GET, "/graphiql/{file}", "graphiql_file", file),
    )


def _file(name: str, body: bytes) -> StaticFile:
    cache_control = "public, max-age=31536000, immutable" if _VERSIONED_NAME.fullmatch(name) else "no-cache"
    return StaticFile(
        body, _MEDIA_TYPES[pathlib.Path(name).suffix], make_etag(body), {hdrs.CACHE_CONTROL: cache_control, **_HEADERS}
    )


def _response(request: web.Request, file: StaticFile) -> web.Response:
    return conditional_response(
        request, file.body, etag=file.etag, headers=file.headers, content_type=file.media_type, charset="utf-8"
    )
