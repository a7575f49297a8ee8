"""The Trophy API: achievements, metrics, users and streaks at `/` and `/v1`, and its admin API at `/admin/v1`."""

from service.api.trophy import achievements, admin, metrics, sse, streaks, users
from service.api.trophy.context import authenticate, versioned
from service.api.trophy.cors import preflight
from service.api.trophy.errors import error_response
from service.api.trophy.openapi import describe
from service.api.trophy.renderer import completed_message
from service.http.api import Api

# A user's id may hold slashes, so the longer paths below `/users/{id}` come before it.
_PUBLIC = (*sse.ROUTES, *achievements.ROUTES, *metrics.ROUTES, *streaks.ROUTES, *users.ROUTES)
_ROUTES = (*versioned(_PUBLIC), *admin.ROUTES)

API = Api(
    name="trophy",
    prefixes=("/achievements", "/users", "/metrics", "/streaks", "/v1/", "/admin/"),
    routes=_ROUTES,
    authenticate=authenticate,
    error_response=error_response,
    openapi=describe(_ROUTES),
    preflight=preflight,
)

__all__ = ["API", "completed_message"]
