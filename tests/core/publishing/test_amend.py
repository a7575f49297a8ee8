"""Changes of admin APIs: edited and served at once, each item on its own, without unpublished work of others."""

import asyncio

import msgspec
import pytest

from service.concurrency.processes import in_place
from service.core.auth.principal import OPERATOR, Principal
from service.core.catalog.model import Draft
from service.core.publishing.amend import amend_items
from service.core.publishing.drafts import draft_of, import_draft
from service.core.publishing.releases import served_draft
from service.core.publishing.snapshot import SnapshotStore
from service.db.pool import open_pool
from service.errors import InvalidField, PermissionDenied
from tests.factories import achievement, draft, publish_draft

SERVER = Principal(players=(), title_id=1, expires_at=2**40, scopes=frozenset({"catalog:write"}))


def add(number):
    """Adds an achievement, unless its number is in use."""

    def change(before: Draft) -> Draft:
        if any(other.number == number for other in before.achievements):
            raise InvalidField("number", "a new number", number)
        added = draft(1, (*before.achievements, achievement(number)))
        return msgspec.structs.replace(added, title=before.title)

    return change


@pytest.fixture
def amend(pool):
    """Makes changes to title 1."""

    async def amended(changes, principal=SERVER):
        return await amend_items(pool, SnapshotStore(pool), principal, 1, changes, show=all_numbers, run=in_place)

    return amended


def all_numbers(title, _indexes):
    return numbers(title)


def numbers(title):
    return [item.number for item in title.achievements]


async def test_invalid_change_is_an_error_and_the_others_are_served(connection, amend):
    await publish_draft(connection, draft(1, (achievement(1),)))

    result = await amend([add(2), add(1), add(3)])

    assert list(result.errors) == [1]
    assert result.shown == numbers(await served_draft(connection, 1)) == [1, 2, 3]


async def test_change_that_contradicts_the_draft_is_an_error_and_the_draft_stays(connection, amend):
    """A team has added achievement 2 and not published it."""
    await publish_draft(connection, draft(1, (achievement(1),)))
    await import_draft(connection, OPERATOR, draft(1, (achievement(1), achievement(2))))

    result = await amend([add(2), add(3)])

    assert list(result.errors) == [0]
    assert numbers(await served_draft(connection, 1)) == [1, 3]
    assert numbers(await draft_of(connection, 1)) == [1, 2, 3]


@pytest.mark.parametrize(
    "principal",
    [msgspec.structs.replace(SERVER, title_id=2), msgspec.structs.replace(SERVER, scopes=frozenset())],
    ids=["another title", "no scope"],
)
async def test_only_a_credential_that_may_edit_the_title_amends_it(connection, amend, principal):
    await publish_draft(connection, draft(1, (achievement(1),)))

    with pytest.raises(PermissionDenied):
        await amend([add(2)], principal)


async def test_concurrent_changes_of_one_title_are_all_made(own_database):
    async with await open_pool(own_database, size=4) as pool:
        async with pool.transaction() as connection:
            await publish_draft(connection, draft(1, (achievement(1),)))

        await asyncio.gather(
            *(
                amend_items(pool, SnapshotStore(pool), SERVER, 1, [add(number)], show=all_numbers, run=in_place)
                for number in range(2, 10)
            )
        )

        async with pool.connection() as connection:
            made = [*range(1, 10)]
            assert sorted(numbers(await served_draft(connection, 1))) == numbers(await draft_of(connection, 1)) == made
