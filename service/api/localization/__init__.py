"""The catalogs door: what localization teams and their tools ask and change, as REST with problem+json."""

from service.api.localization import imports, releases, strings, titles
from service.api.localization.context import authenticate
from service.api.localization.errors import error_response
from service.api.localization.openapi import describe
from service.http.api import Api

_ROUTES = (*titles.ROUTES, *strings.ROUTES, *imports.ROUTES, *releases.ROUTES)

API = Api(
    name="catalogs",
    prefixes=("/catalogs",),
    routes=_ROUTES,
    authenticate=authenticate,
    error_response=error_response,
    openapi=describe(_ROUTES),
)

__all__ = ["API"]
