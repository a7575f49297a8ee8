"""The fixtures of the APIs' tests: the HTTP layer is tested through them."""

from tests.api.conftest import ask, client, give, make_title, services, settings

__all__ = ["ask", "client", "give", "make_title", "services", "settings"]
