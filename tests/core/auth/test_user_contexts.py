"""Users as applications know them: one a UUID and title, seen by every process, gone with the player."""

import uuid

import msgspec
import pytest

from service.core.auth.principal import CONTEXTS, OPERATOR, Principal
from service.core.auth.user_contexts import UserContext, UserContexts
from service.core.events.writer import Writer
from service.core.progress import player_data
from service.core.publishing.snapshot import SnapshotStore
from service.errors import InvalidField, NotFound, PermissionDenied
from tests.factories import draft, publish_draft

NAME = uuid.UUID("00000000-0000-4000-8000-000000000001")


@pytest.fixture
async def writer(pool):
    async with pool.transaction() as connection:
        for title_id in (1, 2):
            await publish_draft(connection, draft(title_id, ()))
    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    return Writer(pool, snapshots)


def wanted(**changes):
    fields = {"title_id": 1, "uuid": NAME, "player": "ada", "display_name": "Ada", "is_active": True, "scopes": []}
    return UserContext(**({"context_id": 0} | fields | changes))


async def test_context_is_found_by_uuid_and_id_only_in_its_title(pool, writer):
    contexts = UserContexts(pool)
    put = await contexts.put(OPERATOR, writer.write, wanted(scopes=["AUTHENTICATED", "ADMINISTRATOR", "AUTHENTICATED"]))

    assert put.context_id > 0
    assert put.scopes == ["ADMINISTRATOR", "AUTHENTICATED"]
    assert await UserContexts(pool).by_uuid(1, NAME) == put
    assert await contexts.by_id(1, put.context_id) == put
    assert await contexts.by_uuid(2, NAME) is None
    assert await contexts.by_id(2, put.context_id) is None


async def test_replacing_a_context_keeps_its_id(pool, writer):
    contexts = UserContexts(pool)
    first = await contexts.put(OPERATOR, writer.write, wanted())
    second = await contexts.put(OPERATOR, writer.write, wanted(display_name="Ada L.", is_active=False))

    assert second == msgspec.structs.replace(first, display_name="Ada L.", is_active=False)
    assert await contexts.by_uuid(1, NAME) == second


async def test_putting_a_context_creates_its_player(pool, writer):
    await UserContexts(pool).put(OPERATOR, writer.write, wanted(is_active=False))

    state = await writer.read_state("ada", 1)
    assert (state.in_title, state.created_at > 0) == (True, True)
    assert (state.profile.name, state.profile.is_active) == ("Ada", False)


async def test_refresh_shows_changes_by_other_processes(pool, writer):
    here, there = UserContexts(pool), UserContexts(pool)
    await here.put(OPERATOR, writer.write, wanted())
    await there.by_uuid(1, NAME)
    changed = await here.put(OPERATOR, writer.write, wanted(is_active=False))
    before = await there.by_uuid(1, NAME)
    await there.refresh()

    assert before.is_active
    assert await there.by_uuid(1, NAME) == changed


async def test_contexts_are_exported_and_erased_with_the_player(pool, connection, writer):
    contexts = UserContexts(pool)
    await contexts.put(OPERATOR, writer.write, wanted())
    held = msgspec.json.decode(b"".join([piece async for piece in player_data.export(connection, "ada")]))
    await player_data.erase(connection, "ada")
    await contexts.refresh()

    assert held["user_contexts"] == [
        {"title_id": 1, "uuid": str(NAME), "display_name": "Ada", "is_active": True, "scopes": []}
    ]
    assert await contexts.by_uuid(1, NAME) is None


@pytest.mark.parametrize("name", ["", " ", "a" * 256, "a\x00", "a\ud800", "a\nb"])
async def test_unreadable_name_is_rejected_and_nothing_is_written(pool, writer, name):
    contexts = UserContexts(pool)
    with pytest.raises(InvalidField, match="displayName: expected 1 to 255 characters"):
        await contexts.put(OPERATOR, writer.write, wanted(display_name=name))

    assert await contexts.by_uuid(1, NAME) is None
    assert not (await writer.read_state("ada", 1)).exists


async def test_unpublished_title_has_no_contexts(pool, writer):
    with pytest.raises(NotFound):
        await UserContexts(pool).put(OPERATOR, writer.write, wanted(title_id=3))


@pytest.mark.parametrize(("title_id", "scopes"), [(2, {CONTEXTS}), (1, set())], ids=["another title", "no scope"])
async def test_only_an_application_of_the_title_creates_its_contexts(pool, writer, title_id, scopes):
    application = Principal(players=(), title_id=title_id, expires_at=2**40, scopes=frozenset(scopes))

    with pytest.raises(PermissionDenied):
        await UserContexts(pool).put(application, writer.write, wanted())
