"""What all pages of one title share: who asks, of which title, locale and key, and what they may."""

from service.core.auth.permissions import may_localize
from service.core.auth.principal import Right
from service.errors import PermissionDenied
from service.http.params import TitleRequest


class RequestContext(TitleRequest):
    """One request about one title, by somebody who has a right on it."""

    def may(self, right: Right, where: str | None = None) -> bool:
        """Whether the caller has a right, so that a page shows what it would be refused without."""
        try:
            may_localize(self.who, right, self.title_id, where)
        except PermissionDenied:
            return False
        return True
