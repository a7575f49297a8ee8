"""The routes of the Xbox API."""

from service.api.xbox.errors import error_response
from service.api.xbox.list_endpoint import get_achievement, list_achievements, list_title_achievements, list_titles
from service.api.xbox.openapi import OPENAPI
from service.api.xbox.progress_update import update_progress
from service.api.xbox.rta import connect
from service.http.api import Api, Route
from service.http.authenticate import authenticate_xbl3
from service.http.limits.admission import STREAMS

_PLAYER = "/users/xuid({xuid:[^/]*})"

API = Api(
    name="xbox",
    prefixes=("/users/xuid(", "/users/xuid%28", "/connect"),
    routes=(
        Route("GET", _PLAYER + "/achievements{slash:/?}", "achievements", list_achievements),
        Route("GET", _PLAYER + "/titleachievements{slash:/?}", "titleachievements", list_title_achievements),
        Route(
            "GET",
            _PLAYER + "/achievements/{scid:[^/]+}/{number:(?!update/?$)[^/]+}{slash:/?}",
            "achievement",
            get_achievement,
        ),
        Route("POST", _PLAYER + "/achievements/{scid:[^/]+}/update{slash:/?}", "update", update_progress),
        Route("GET", "/connect", "connect", connect, STREAMS),
        Route("GET", _PLAYER + "/history/titles{slash:/?}", "history", list_titles),
    ),
    authenticate=authenticate_xbl3,
    error_response=error_response,
    openapi=OPENAPI,
)
