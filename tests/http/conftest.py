"""The fixtures of the APIs' tests: the HTTP layer is tested through them."""

from tests.api.conftest import ask, client, give, make_title, services, settings
from tests.api.trophy.conftest import key_of

__all__ = ["ask", "client", "give", "key_of", "make_title", "services", "settings"]
