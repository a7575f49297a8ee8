"""What requests about a title's texts share, over REST and on the pages of the workbench: title, key and locale."""

from aiohttp import web

from service.core.auth.permissions import may_read_texts
from service.core.catalog.model import U32
from service.http.params import KEY_CHARACTERS, clean_text, locale_param, path_int
from service.http.services import PRINCIPAL, SERVICES, Services


class TitleRequest:
    """A request about the texts of the title in its path, by a principal who may read them.

    Raises:
        InvalidParameter: the path has no valid title id.
        PermissionDenied: the principal has no right on the title's texts.
    """

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.services: Services = request.app[SERVICES]
        self.principal = request[PRINCIPAL]
        self.title_id = path_int(request, "title", most=U32 - 1)
        may_read_texts(self.principal, self.title_id)

    def key(self) -> str:
        """The text key in the path; its slashes may be percent-encoded."""
        return clean_text("key", self.request.match_info["key"], KEY_CHARACTERS)

    def locale(self) -> str:
        """The locale in the path, in its canonical spelling."""
        return locale_param("locale", self.request.match_info["locale"])
