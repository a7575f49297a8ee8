"""Memory stays bounded whatever clients send: documents, attributes, languages, tokens, filters and cursors, all new.

`ISOLATION=heavy` sends them for ten minutes, after two minutes that fill the caches.
"""

import asyncio
import itertools
import time

from tests.factories import authorization
from tests.isolation.conftest import IS_HEAVY
from tests.isolation.deeds import TITLE, Deed, World, document, languages

WARM_SECONDS, SECONDS = (120.0, 600.0) if IS_HEAVY else (3.0, 3.0)
CLIENTS = 4
ALLOWED_BYTES = 48 * 1024 * 1024
FIRST_PLAYER = 2533274790400000


def _token(world: World) -> dict[str, str]:
    player = str(FIRST_PLAYER + next(world.numbers))
    return {"Authorization": authorization(player, title_id=TITLE)}


def _xbox(query: str) -> str:
    return f"/users/xuid(2533274790395905)/{query}"


FIELDS = " ".join(f"f@n{i}: title" for i in range(20))
VARIETY = (
    Deed("badges", "graphql", "POST", "/graphql", document(f"{{ getBadges(first: 5) {{ nodes {{ {FIELDS} }} }} }}")),
    Deed("badges", "graphql", "POST", "/graphql", document("{ q@: __schema { types { name fields { name } } } }")),
    Deed("badges", "graphql", "POST", "/graphql", document("{ q@ { unknown } }")),
    Deed("badges", "graphql", "POST", "/graphql", document("{ q@ { unfinished")),
    Deed("badges", "graphql", "POST", "/graphql", document("{ getBadges { totalItems } }"), languages),
    Deed("trophy", "achievements", "GET", "/achievements?userAttributes=plan:{n},other{n}:{n}"),
    Deed("trophy", "achievements", "GET", "/achievements", None, languages),
    Deed("trophy", "user", "GET", "/users/u{n}", status=404),
    Deed("xbox", "achievements", "GET", _xbox(f"achievements?titleId={TITLE}&skipItems={{n}}"), None, languages),
    Deed("xbox", "achievements", "GET", _xbox(f"achievements?titleId={TITLE},{{n}}&orderBy=Title&maxItems=7")),
    Deed("xbox", "achievements", "GET", _xbox("achievements?continuationToken=a{n}"), status=400),
    Deed("xbox", "unmatched", "GET", "/users/xuid({n})/nothing/{n}", status=404),
    Deed("xbox", "history", "GET", _xbox("history/titles?skipItems={n}"), None, _token, status=403),
    Deed("catalogs", "strings", "GET", f"/catalogs/{TITLE}/strings?locale=fr-FR&q=lantern {{n}}"),
)


async def test_memory_is_bounded_for_ten_minutes_of_hostile_variety(world):
    async def send(until):
        for deed in itertools.cycle(VARIETY):
            if time.monotonic() > until:
                return
            status, about = await world.send(deed)
            assert status == deed.status, (status, *about)

    async def send_for(seconds):
        async with asyncio.TaskGroup() as clients:
            for _ in range(CLIENTS):
                clients.create_task(send(time.monotonic() + seconds))

    await send_for(WARM_SECONDS)
    warm = world.memory_bytes()
    before = next(world.world.numbers)
    await send_for(SECONDS)
    grown = world.memory_bytes() - warm

    sent = next(world.world.numbers) - before
    print(f"{warm >> 20} MB after {before}, grown by {grown / 2**20:.1f} MB in {sent} more")  # noqa: T201  (pytest -s)
    assert grown <= ALLOWED_BYTES
