"""Which strings fall back in production, and how often: counted in memory by chain, written down in the background.

A request adds one to one number. Which strings a chain lacks is worked out when the numbers are written.
"""

from collections import Counter
from datetime import datetime

import msgspec

from service.core.publishing.published_title import PublishedTitle
from service.db import Connection
from service.db.pool import Pool
from service.db.queries import query, statement

MOST_CHAINS = 4096  # counted between two writes; what comes above is not counted
LISTED = 500
_ROWS = 5000  # of one statement


class Fallback(msgspec.Struct, frozen=True):
    """One string of a title, wanted in one locale and found in another one.

    `answers` is how many answers were made in a chain in which it falls back, whether or not they showed the string.
    """

    key: str
    wanted: str
    used: str
    answers: int
    last_at: datetime


class Fallbacks:
    """The counts of this process since they were last written."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._seen: dict[tuple[int, tuple[str, ...]], tuple[PublishedTitle, int]] = {}

    def count(self, published: PublishedTitle, chain: tuple[str, ...]) -> None:
        """One more answer from a release in a chain (as `PublishedTitle.trim_chain` has it)."""
        if len(chain) < 2:  # noqa: PLR2004  (the first locale has every string)
            return
        key = published.key, chain
        seen = self._seen.get(key)
        if seen is not None:
            self._seen[key] = published, seen[1] + 1
        elif len(self._seen) < MOST_CHAINS:
            self._seen[key] = published, 1

    async def flush(self) -> None:
        """Write what was counted, and begin anew. What cannot be written is counted on."""
        seen, self._seen = self._seen, {}
        found: Counter[tuple[int, str, str, str]] = Counter()
        for (_, chain), (published, answers) in seen.items():
            for used, key in missing_keys(published, chain):
                found[published.title_id, chain[0], used, key] += answers
        rows = sorted((*place, answers) for place, answers in found.items())  # in one order: no deadlock with others
        if not rows:
            return
        try:
            async with self._pool.transaction() as connection:
                for start in range(0, len(rows), _ROWS):
                    title_ids, wanted, used_locales, keys, counts = zip(*rows[start : start + _ROWS], strict=True)
                    await _add.run(
                        connection, title_ids=title_ids, wanted=wanted, used=used_locales, keys=keys, answers=counts
                    )
        except Exception:
            for place, (published, answers) in seen.items():
                self._seen[place] = published, answers + self._seen.get(place, (published, 0))[1]
            raise


def missing_keys(published: PublishedTitle, chain: tuple[str, ...]) -> list[tuple[str, str]]:
    """The strings that the first locale of a chain lacks and another one has: (that one, key). Pure."""
    first = published.texts.get(chain[0], {})
    found: dict[str, str] = {}
    for locale in chain[1:]:
        for key in published.texts.get(locale, {}):
            if key not in first:
                found.setdefault(key, locale)
    return [(locale, key) for key, locale in found.items()]


async def of_title(connection: Connection, title_id: int) -> list[Fallback]:
    """The strings of a title that fell back most often, most often first."""
    return await _of_title.all(connection, title_id=title_id, count=LISTED)


_add = statement("fallbacks.add")
_of_title = query("fallbacks.of_title", row=Fallback)
