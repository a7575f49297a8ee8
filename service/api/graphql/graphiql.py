"""`GET /graphiql`: GraphiQL in the browser, from files of the package alone. It shows the schema to anybody, and no data.

Whoever looks types a token into the page; it goes to `/graphql` and is kept nowhere.
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
_MEDIA_TYPES = {  # not the machine's own table: a browser takes no script or style of another type
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".txt": "text/plain",
}
_OF_A_VERSION = re.compile(r".+-\d+\.\d+\.\d+\..+")  # such a name never stands for other bytes
_HEADERS = {
    # GraphiQL's dialogs write style elements. Nothing else is inline, and nothing comes from elsewhere.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class File(msgspec.Struct, frozen=True):
    """What is sent for one path; all of it is text."""

    body: bytes
    media_type: str
    etag: str
    headers: Mapping[str, str]


def routes(schema: GraphQLSchema) -> Sequence[Route]:
    """The routes of the page and of its files, all read now."""
    files = {path.name: _file(path.name, path.read_bytes()) for path in _FOLDER.iterdir() if path.is_file()}
    introspected = {"data": introspection_from_schema(schema)}
    files["schema.json"] = _file("schema.json", msgspec.json.encode(introspected))

    async def page(request: web.Request) -> web.Response:
        """A page where people type queries and run them. The page needs no token, its queries do."""
        return _answer(request, files[_PAGE])

    async def part(request: web.Request) -> web.Response:
        """The page's files, and the schema as JSON. Nothing is loaded from elsewhere."""
        found = files.get(request.match_info["file"])
        if found is None:
            raise NotFound("there is no such file")
        return _answer(request, found)

    return (
        Route(hdrs.METH_GET, "/graphiql", "graphiql", page),
        Route(hdrs.METH_GET, "/graphiql/{file}", "graphiql_file", part),
    )


def _file(name: str, body: bytes) -> File:
    kept = "public, max-age=31536000, immutable" if _OF_A_VERSION.fullmatch(name) else "no-cache"
    return File(body, _MEDIA_TYPES[pathlib.Path(name).suffix], make_etag(body), {hdrs.CACHE_CONTROL: kept, **_HEADERS})


def _answer(request: web.Request, file: File) -> web.Response:
    return conditional_response(
        request, file.body, etag=file.etag, headers=file.headers, content_type=file.media_type, charset="utf-8"
    )
