"""The catalogs door: what localization teams and their tools ask and change, as REST with problem+json."""

from service.api.catalogs import imports, releases, strings, titles
from service.api.catalogs.context import identify
from service.api.catalogs.errors import refuse
from service.api.catalogs.openapi import describe
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
