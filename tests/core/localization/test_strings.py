"""Strings are read with their context, listed by filter and search, and paged by key."""

import pytest

from service.core.auth.principal import OPERATOR
from service.core.localization import strings
from service.core.publishing.drafts import import_draft
from service.errors import NotFound
from tests.factories import achievement, draft

NAME = "achievement/1/name"


async def test_string_has_its_source_state_limit_author_and_a_third_language(connection, save):
    await save("Meilleur", 1)

    string = await strings.get_string(connection, 1, NAME, "fr-FR", other="en-US")

    assert (string.source, string.text, string.other) == ("Name 1", "Meilleur", "Name 1")
    assert (string.state, string.version, string.limit, string.actor) == ("translated", 2, 44, "Ana")
    assert not string.is_stale


@pytest.mark.parametrize(
    ("options", "count"),
    [
        pytest.param({"filter": "missing"}, 6, id="missing"),
        pytest.param({"filter": "needs_review"}, 0, id="needs review"),
        pytest.param({"filter": "translated"}, 1, id="translated"),
        pytest.param({"filter": "problems"}, 0, id="problems"),
        pytest.param({"filter": "unpublished"}, 1, id="differs from what is served"),
        pytest.param({"q": "NOM"}, 1, id="in the text, in any case"),
        pytest.param({"q": "locked 2"}, 1, id="in the source"),
        pytest.param({"q": "achievement/2/"}, 3, id="in the key"),
        pytest.param({"q": "%"}, 0, id="not a pattern"),
    ],
)
async def test_list_is_filtered_and_searched(connection, title, options, count):
    assert len((await strings.list_strings(connection, title, "fr-FR", **options)).strings) == count


async def test_pages_list_every_string_once(connection, title):
    keys, after = [], ""
    while after is not None:
        page = await strings.list_strings(connection, title, "fr-FR", after=after, count=2)
        keys += [string.key for string in page.strings]
        after = page.after

    assert keys == sorted(keys)
    assert len(keys) == 7


async def test_default_locale_lists_strings_without_a_text(connection, title):
    new = draft(1, (achievement(3),))
    del new.texts["en-US"]["achievement/3/name"]
    await import_draft(connection, OPERATOR, new)

    missing = await strings.list_strings(connection, title, "en-US", filter="missing")

    assert "achievement/3/name" in [string.key for string in missing.strings]
    with pytest.raises(NotFound, match="has no text of the key"):
        await strings.get_string(connection, title, "achievement/9/name", "en-US")
