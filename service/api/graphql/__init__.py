"""The badges door: GraphQL at `/graphql`, a page to try it, and how applications come to their tokens."""

import pathlib

from aiohttp import hdrs, web

from service.api.graphql import errors, graphiql, oauth, transport
from service.api.graphql.context import allow, authenticate, make_context
from service.api.graphql.engine.document import Documents
from service.api.graphql.engine.schema import bind
from service.api.graphql.openapi import describe, describe_public
from service.api.graphql.resolvers import GETTERS, OWN, ROOTS
from service.http.api import Api, Route
from service.http.authenticate import anonymous

_BOUND = bind(pathlib.Path(__file__).with_name("schema.graphql").read_text(encoding="utf-8"), GETTERS, ROOTS, OWN)
_DOCUMENTS = Documents(_BOUND)
SCHEMA = _BOUND.schema


async def graphql(request: web.Request) -> web.Response:
    """Ask for badges, and make user contexts."""
    return await transport.execute_request(request, _DOCUMENTS, make_context=make_context, allow=allow)


_ROUTES = tuple(Route(method, "/graphql", "graphql", graphql) for method in (hdrs.METH_GET, hdrs.METH_POST))
_PUBLIC_ROUTES = (Route(hdrs.METH_POST, "/oauth/token", "give_token", oauth.issue_token), *graphiql.routes(SCHEMA))

API = Api(
    name="badges",
    prefixes=("/graphql",),
    routes=_ROUTES,
    authenticate=authenticate,
    error_response=errors.error_response,
    openapi=describe(),
)
PUBLIC_API = Api(
    name="badges-public",
    prefixes=("/oauth/", "/graphiql"),
    routes=_PUBLIC_ROUTES,
    authenticate=anonymous,
    error_response=oauth.error_response,
    openapi=describe_public(),
)
"""What needs no token yet: it has a door of its own, as it refuses in other words."""

__all__ = ["API", "PUBLIC_API", "SCHEMA"]
