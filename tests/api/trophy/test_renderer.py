"""The caches of rendered lists and achievements are bounded in bytes, whatever clients ask for."""

import pytest

from service.api.trophy import renderer
from service.api.trophy.renderer import Renderers


@pytest.fixture
def list_for(client, title, key_of):
    """Lists the achievements for a user with these attributes, in a language."""

    async def listed(attributes, language="en-US"):
        headers = {"X-API-KEY": await key_of(title_id=title), "Accept-Language": language}
        answer = await client.get("/achievements", params={"userAttributes": attributes}, headers=headers)
        assert answer.status == 200
        return await answer.read()

    return listed


async def test_cached_lists_stay_within_their_bytes(list_for, services, monkeypatch):
    monkeypatch.setattr(renderer, "_MAX_LIST_BYTES", 3_000)
    monkeypatch.setattr(renderer, "_MAX_RENDERED_BYTES", 3_000)

    bodies = [await list_for(plan, language) for plan in ("plan:pro", "plan:free") for language in ("en", "fr", "de")]

    renderers = services.api_state.of(Renderers)
    assert 0 < renderers._lists.currsize <= 3_000 < sum(map(len, bodies))
    assert renderers._renderers.size_bytes <= 3_000 or len(renderers._renderers) == 1


async def test_attributes_that_decide_nothing_share_one_list(list_for, services):
    pro, *others = [await list_for(attributes) for attributes in ("plan:pro", *(f"plan:{i},a{i}:b" for i in range(20)))]

    assert len(set(others)) == 1
    assert others[0] != pro
    assert len(services.api_state.of(Renderers)._lists) == 2
