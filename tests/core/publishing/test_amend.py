"""Changes of admin APIs: edited and served at once, each item on its own, without unpublished work of others."""

import msgspec
import pytest

from service.core.auth.principal import OPERATOR, Principal
from service.core.catalog.model import Draft
from service.core.publishing.amend import amend_items, served
from service.core.publishing.drafts import draft_of, import_draft
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


def numbers(title):
    return [item.number for item in title.achievements]


async def test_invalid_change_is_an_error_and_the_others_are_served(connection):
    await publish_draft(connection, draft(1, (achievement(1),)))

    result = await amend_items(connection, SERVER, 1, [add(2), add(1), add(3)])

    assert list(result.errors) == [1]
    assert numbers(result.served) == numbers(await served(connection, 1)) == [1, 2, 3]


async def test_change_that_contradicts_the_draft_is_an_error_and_the_draft_stays(connection):
    """A team has added achievement 2 and not published it."""
    await publish_draft(connection, draft(1, (achievement(1),)))
    await import_draft(connection, OPERATOR, draft(1, (achievement(1), achievement(2))))

    result = await amend_items(connection, SERVER, 1, [add(2), add(3)])

    assert list(result.errors) == [0]
    assert numbers(await served(connection, 1)) == [1, 3]
    assert numbers(await draft_of(connection, 1)) == [1, 2, 3]


@pytest.mark.parametrize(
    "principal",
    [msgspec.structs.replace(SERVER, title_id=2), msgspec.structs.replace(SERVER, scopes=frozenset())],
    ids=["another title", "no scope"],
)
async def test_only_a_credential_that_may_edit_the_title_amends_it(connection, principal):
    await publish_draft(connection, draft(1, (achievement(1),)))

    with pytest.raises(PermissionDenied):
        await amend_items(connection, principal, 1, [add(2)])
