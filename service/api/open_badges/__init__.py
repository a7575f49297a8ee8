"""The Open Badges door: what players unlocked as signed credentials, and what others verify them with."""

from service.api.open_badges.context import identify
from service.api.open_badges.errors import refuse
from service.api.open_badges.openapi import describe
from service.api.open_badges.routes import ROUTES
from service.http.api import Door

DOOR = Door(
    name="open-badges",
    prefixes=("/open-badges", "/.well-known"),
    routes=ROUTES,
    identify=identify,
    refuse=refuse,
    openapi=describe(ROUTES),
)

__all__ = ["DOOR"]
