"""The catalogs door: what localization teams and their tools ask and change, as REST with problem+json."""

from service.api.localization import imports, releases, strings, titles
from service.api.localization.context import identify
from service.api.localization.errors import refuse
from service.api.localization.openapi import describe
from service.http.api import Door

_ROUTES = (*titles.ROUTES, *strings.ROUTES, *imports.ROUTES, *releases.ROUTES)

DOOR = Door(
    name="catalogs",
    prefixes=("/catalogs",),
    routes=_ROUTES,
    identify=identify,
    refuse=refuse,
    openapi=describe(_ROUTES),
)

__all__ = ["DOOR"]
