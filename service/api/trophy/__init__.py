"""The Trophy door: `GET /achievements`, `GET /users/{id}/metrics/{key}`, what feeds them, and the admin API."""

from service.api.trophy import admin, endpoints, sse
from service.api.trophy.context import authenticate
from service.api.trophy.cors import preflight
from service.api.trophy.errors import error_response
from service.api.trophy.openapi import describe
from service.api.trophy.responses import completed
from service.http.api import Api

_ROUTES = (*sse.ROUTES, *endpoints.ROUTES, *admin.ROUTES)

API = Api(
    name="trophy",
    prefixes=("/achievements", "/users", "/metrics", "/streaks", "/v1/", "/admin/"),
    routes=_ROUTES,
    authenticate=authenticate,
    error_response=error_response,
    openapi=describe(_ROUTES),
    preflight=preflight,
)

__all__ = ["API", "completed"]
