"""The services of the application, whose unlocks webhooks deliver."""

from tests.api.conftest import make_title, services, settings

__all__ = ["make_title", "services", "settings"]
