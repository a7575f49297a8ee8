"""Fallbacks are counted per response and string, and written once."""

from service.core.auth.principal import OPERATOR
from service.core.localization import fallbacks
from service.core.localization.fallbacks import Fallbacks
from service.core.publishing.publish import publish_title

NAME = "achievement/1/name"


async def test_fallbacks_are_counted_per_response_and_written_once(connection, pool, title, served):
    await publish_title(connection, OPERATOR, title)
    published, counts = await served(), Fallbacks(pool)

    for chain in (("fr-FR", "en-US"), ("fr-FR", "en-US"), ("en-US",)):
        counts.count(published, chain)
    await counts.flush()
    await counts.flush()

    rows = await fallbacks.list_fallbacks(connection, title)
    assert {(row.wanted, row.used, row.answers) for row in rows} == {("fr-FR", "en-US", 2)}
    assert NAME not in {row.key for row in rows}
    assert len(rows) == 6


async def test_number_of_counted_chains_is_bounded(connection, pool, title, served):
    await publish_title(connection, OPERATOR, title)
    published, counts = await served(), Fallbacks(pool)

    for number in range(fallbacks.MAX_CHAINS + 5):
        counts.count(published, (f"x-{number}", "en-US"))

    assert len(counts._seen) == fallbacks.MAX_CHAINS
