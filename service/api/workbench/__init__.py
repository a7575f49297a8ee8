"""The workbench: pages for localization teams at `/l10n`, made on the server, whole without JavaScript."""

from service.api.workbench import editor, imports, overview, releases, session, static, strings
from service.api.workbench.errors import error_response
from service.http.api import Api

API = Api(
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
    authenticate=session.authenticate,
    error_response=error_response,
    openapi={"tags": (), "paths": {}, "components": {}},  # pages are for people
)

__all__ = ["API"]
