"""`GET /graphiql`: GraphiQL in the browser, from files of this package. The schema is public, the data is not.

The user types a token into the page, which sends it to `/graphql` and stores it nowhere.
"""

import pathlib
import re
from collections.abc import Sequence

import msgspec
from aiohttp import hdrs, web
from graphql import GraphQLSchema, introspection_from_schema

from service.http.api import Route
from service.http.static_files import make_static_file, read_static_files, static_response

_FOLDER = pathlib.Path(__file__).with_name("graphiql_files")
_PAGE = "page.html"
_VERSIONED_NAME = re.compile(r".+-\d+\.\d+\.\d+\..+")  # the content of such a file never changes
_HEADERS = {
    # GraphiQL's dialogs add style elements. Nothing else is inline, and nothing comes from other hosts.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}


def routes(schema: GraphQLSchema) -> Sequence[Route]:
    """The routes of the page and its files, which are read once."""
    files = read_static_files(_FOLDER)
    introspected = {"data": introspection_from_schema(schema)}
    files["schema.json"] = make_static_file("schema.json", msgspec.json.encode(introspected))

    async def page(request: web.Request) -> web.Response:
        """A page where people type queries and run them. The page needs no token, its queries do."""
        return static_response(request, files, _PAGE, is_immutable=False, headers=_HEADERS)

    async def file(request: web.Request) -> web.Response:
        """The page's files, and the schema as JSON. Nothing is loaded from elsewhere."""
        name = request.match_info["file"]
        is_immutable = _VERSIONED_NAME.fullmatch(name) is not None
        return static_response(request, files, name, is_immutable=is_immutable, headers=_HEADERS)

    return (
        Route(hdrs.METH_GET, "/graphiql", "graphiql", page),
        Route(hdrs.METH_GET, "/graphiql/{file}", "graphiql_file", file),
    )
