"""The Trophy admin API, under `/admin/v1`: definitions of a title, users' keys, and events in bulk."""

from service.api.trophy.admin import collections, users

ROUTES = (*users.ROUTES, *collections.ROUTES)

__all__ = ["ROUTES"]
