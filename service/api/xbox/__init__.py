"""The Xbox door: `GET /users/xuid({xuid})/achievements` and its siblings (seed 002)."""

from service.api.xbox.routes import API

__all__ = ["API"]
