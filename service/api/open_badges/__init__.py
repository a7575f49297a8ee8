"""The Open Badges API: signed credentials of what players unlocked, and the documents that verifiers need."""

from service.api.open_badges.context import authenticate
from service.api.open_badges.errors import error_response
from service.api.open_badges.openapi import describe
from service.api.open_badges.routes import ROUTES
from service.http.api import Api

API = Api(
    name="open-badges",
    prefixes=("/open-badges", "/.well-known"),
    routes=ROUTES,
    authenticate=authenticate,
    error_response=error_response,
    openapi=describe(ROUTES),
)

__all__ = ["API"]
