"""Completing an achievement that the title itself reports: authorized, once, and only while it is possible."""

import pytest

from service.core.auth.principal import WRITE, Principal
from service.core.events.completion import complete
from service.core.events.writer import Writer
from service.core.publishing.snapshot import SnapshotStore
from service.errors import InvalidField, NotFound, WrongPlayer
from tests.factories import OTHER, PLAYER, achievement, counted, draft, metric, publish_draft

SERVER = Principal(players=(), title_id=1, expires_at=2**40, scopes=frozenset({WRITE}))


@pytest.fixture
async def completing(pool, connection):
    """Completes achievement `key` as `principal`."""
    await publish_draft(
        connection, draft(1, (achievement(1, key="onboarded", requirements=()), counted(2, 5)), metrics=(metric(),))
    )
    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    writer = Writer(pool, snapshots)

    def run(key="onboarded", principal=SERVER):
        return complete(writer, principal, snapshots.current.titles[1], player=PLAYER, key=key, profile={})

    return run


async def test_repetition_has_the_same_id_and_changes_nothing(completing):
    first, again = await completing(), await completing()

    assert (first.completion_id, first.state) == (again.completion_id, again.state)


async def test_credential_of_another_player_completes_nothing(completing):
    with pytest.raises(WrongPlayer):
        await completing(principal=Principal(players=(OTHER,), title_id=1, expires_at=2**40))


@pytest.mark.parametrize(("key", "error"), [("nothing", NotFound), ("2", InvalidField)])
async def test_only_a_reported_achievement_can_be_completed(completing, key, error):
    with pytest.raises(error):
        await completing(key)
