"""Coverage counts the strings of each locale by state."""

from service.core.auth.principal import OPERATOR
from service.core.localization import coverage
from service.core.publishing.publish import publish_title


async def test_coverage_counts_each_locale(connection, title, save):
    await publish_title(connection, OPERATOR, title)
    await save("Nom deux", 1, state="approved")

    titles = await coverage.list_coverage(connection, OPERATOR)
    found = await coverage.get_coverage(connection, title)

    french = next(locale for locale in found.locales if locale.locale == "fr-FR")
    assert (found.strings, found.missing(french)) == (7, 6)
    assert (french.published, french.translated, french.approved, french.needs_review) == (1, 0, 1, 0)
    assert (found.name, found.release) == ("Title 1", 1)
    assert titles == [found]
