"""The Xbox API: `GET /users/xuid({xuid})/achievements` and its siblings, as documented for achievements.xboxlive.com."""

from service.api.xbox.routes import API

__all__ = ["API"]
