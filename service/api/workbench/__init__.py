"""The workbench: pages for localization teams at `/l10n`, rendered on the server and usable without JavaScript."""

from service.api.workbench import editor, imports, overview, releases, session, static, strings
from service.api.workbench.errors import error_response
from service.api.workbench.pages import templates
from service.http.api import Api
from service.http.limits.admission import CATALOGS

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
        *editor.ROUTES,  # last: a key may contain slashes
    ),
    authenticate=session.authenticate,
    error_response=error_response,
    openapi={"tags": (), "paths": {}, "components": {}},  # pages are for people
    request_class=CATALOGS,
)

__all__ = ["API", "templates"]
