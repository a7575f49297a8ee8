"""The GraphQL API for badges at `/graphql`, the GraphiQL page, and the OAuth token endpoint of applications."""

import pathlib

from aiohttp import hdrs, web

from service.api.graphql import errors, graphiql, oauth, transport
from service.api.graphql.context import access_error, authenticate, make_context
from service.api.graphql.engine.document_cache import DocumentCache
from service.api.graphql.engine.schema import bind
from service.api.graphql.openapi import describe, describe_public
from service.api.graphql.resolvers import GETTERS, PER_PLAYER, ROOTS
from service.http.api import Api, Route
from service.http.authenticate import anonymous
from service.http.services import SERVICES

_BOUND_SCHEMA = bind(
    pathlib.Path(__file__).with_name("schema.graphql").read_text(encoding="utf-8"), GETTERS, ROOTS, PER_PLAYER
)
SCHEMA = _BOUND_SCHEMA.schema


class Documents(DocumentCache):
    """The documents of this API's schema; one object for each application."""

    def __init__(self) -> None:
        super().__init__(_BOUND_SCHEMA)


async def graphql(request: web.Request) -> web.Response:
    """Query badges, and set user contexts."""
    documents = request.app[SERVICES].api_state.of(Documents)
    return await transport.execute_request(request, documents, make_context=make_context, check_access=access_error)


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
"""The routes without authentication; an API of their own, because their errors are those of OAuth."""

__all__ = ["API", "PUBLIC_API", "SCHEMA"]
