"""The explanation of a title names the locale that supplies each string, and why."""

from service.concurrency.steps import run_at_once
from service.core.auth.principal import OPERATOR
from service.core.localization.explain import explain
from service.core.publishing.publish import publish_title
from tests.factories import achievement, draft, publish_draft

NAME = "achievement/1/name"


async def test_each_string_names_its_locale_and_the_locales_without_it(connection, title, served):
    await publish_title(connection, OPERATOR, title)

    explanation = run_at_once(explain(await served(), "fr", None, max_distance=50))

    by_key = {string.key: (string.locale, string.locales_without_text) for string in explanation.strings}
    assert explanation.chain == ("fr-FR", "en-US")
    assert by_key[NAME] == ("fr-FR", ())
    assert by_key["title/name"] == ("en-US", ("fr-FR",))


async def test_one_language_per_achievement_is_explained(connection, served):
    new = draft(1, (achievement(1),), texts={"fr-FR": {NAME: "Nom 1"}}, text_unit="achievement")
    await publish_draft(connection, new)

    explanation = run_at_once(explain(await served(), "fr", None, max_distance=50))

    name = next(string for string in explanation.strings if string.key == NAME)

    assert (name.locale, name.locales_without_text, name.is_with_others) == ("en-US", (), True)
