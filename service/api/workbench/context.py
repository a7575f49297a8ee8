"""The context of a request to a page of one title: principal, title, key, locale, and the rights of the principal."""

from service.core.auth.permissions import may_localize
from service.core.auth.principal import Right
from service.errors import PermissionDenied
from service.http.title_request import TitleRequest


class RequestContext(TitleRequest):
    """One request about one title, by a principal with any right on it."""

    def may(self, right: Right, locale: str | None = None) -> bool:
        """Whether the caller has a right, so that pages only show controls that the server would accept."""
        try:
            may_localize(self.principal, right, self.title_id, locale)
        except PermissionDenied:
            return False
        return True
