"""The localization API: strings, imports, releases and exports for localization teams and their tools, as REST."""

from service.api.localization import imports, releases, strings, titles
from service.api.localization.errors import error_response
from service.api.localization.openapi import describe
from service.http.api import Api
from service.http.authenticate import authenticate_bearer
from service.http.limits.admission import CATALOGS

_ROUTES = (*titles.ROUTES, *strings.ROUTES, *imports.ROUTES, *releases.ROUTES)

API = Api(
    name="catalogs",
    prefixes=("/catalogs",),
    routes=_ROUTES,
    authenticate=authenticate_bearer,
    error_response=error_response,
    openapi=describe(_ROUTES),
    request_class=CATALOGS,
)

__all__ = ["API"]
