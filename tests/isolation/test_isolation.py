"""No use of any route of any API makes a player wait, whatever the size of the title that it works on.

A player in another process asks for pages of a small title all the time. Their longest wait during each deed is compared
with their longest wait when nothing else happens, just before; a deed is repeated if it seems slow, because the machine
may have been. `ISOLATION=heavy` has a title of 20 000 strings in four locales; `pytest -s` prints every wait.
"""

import asyncio

from service.server.app import APIS
from service.server.openapi import openapi_api
from tests.isolation.conftest import IS_HEAVY
from tests.isolation.deeds import DEEDS

IDLE_SECONDS = 0.5 if IS_HEAVY else 0.1
TRIES = 5 if IS_HEAVY else 4
ALLOWED_SECONDS = 0.05 if IS_HEAVY else 0.08
"""More than a player's longest wait while nothing happens."""


def test_every_route_has_a_deed():
    routes = {(api.name, route.method, route.name) for api in (*APIS, openapi_api(APIS)) for route in api.routes}
    deeds = {(deed.api, "GET" if deed.method == "HEAD" else deed.method, deed.route) for deed in DEEDS}

    assert deeds == routes


async def test_nobody_waits_for_what_others_do(world):
    slow = []
    for deed in DEEDS:
        waits = []
        for _ in range(TRIES):
            await world.player.longest_wait()
            await asyncio.sleep(IDLE_SECONDS)
            idle = await world.player.longest_wait()
            waits.append((await world.do(deed, is_again=bool(waits)), idle))
            if waits[-1][0] <= idle + ALLOWED_SECONDS:
                break
        else:
            slow.append(f"{deed.api} {deed.method} {deed.path}")
        shown = ", ".join(f"{wait * 1000:.0f} ({idle * 1000:.0f})" for wait, idle in waits)
        print(f"{deed.api:14} {deed.method:6} {deed.path[:70]:70} {shown} ms")  # noqa: T201  (shown by pytest -s)
    assert slow == []
