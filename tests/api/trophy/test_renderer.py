"""The cache of rendered lists is bounded in bytes, whatever clients ask for."""

from service.api.trophy import renderer
from service.api.trophy.renderer import Renderers


async def test_cached_lists_stay_within_their_bytes(client, title, key_of, services, monkeypatch):
    monkeypatch.setattr(renderer, "_MAX_LIST_BYTES", 10_000)
    headers = {"X-API-KEY": await key_of(title_id=title)}

    bodies = [
        await (await client.get("/achievements", params={"userAttributes": f"plan:{plan}"}, headers=headers)).read()
        for plan in ("pro", *map(str, range(20)), "x" * 4000)
    ]

    lists = services.api_state.of(Renderers)._lists
    assert 0 < lists.currsize <= 10_000 < sum(map(len, bodies))
    assert all(len(repr(key)) < 1000 for key in lists)
