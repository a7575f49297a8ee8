"""The workbench: pages for localization teams at `/l10n`, made on the server, whole without JavaScript."""

from service.api.workbench import editor, imports, overview, releases, session, static, strings
from service.api.workbench.errors import refuse
from service.http.api import Door

DOOR = Door(
    name="workbench",
    prefixes=("/l10n",),
    routes=(
        *session.ROUTES,
        *static.ROUTES,
        *releases.ROUTES,
        *imports.ROUTES,
        *overview.ROUTES,
        *strings.ROUTES,
        *editor.ROUTES,  # a key may hold any number of slashes
    ),
    identify=session.identify,
    refuse=refuse,
    openapi={"tags": (), "paths": {}, "components": {}},  # pages are for people
)

__all__ = ["DOOR"]
