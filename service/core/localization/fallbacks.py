"""Counts of strings that fall back to another locale in production: kept in memory by chain, written in the background.

A request increments one number. Which strings a chain lacks is computed when the numbers are written.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from service.concurrency.cooperative import run_steps
from service.concurrency.steps import Steps
from service.core.publishing.published_title import PublishedTitle
from service.db import Connection
from service.db.limits import CATALOG
from service.db.pool import Pool
from service.db.queries import query, statement

MAX_CHAINS = 4096  # counted between two writes; further chains are not counted
LISTED = 500  # strings of a title
_ROWS = 5000  # of one statement


class Fallback(msgspec.Struct, frozen=True):
    """One string of a title that was wanted in one locale and used in another one.

    `answers` is the number of responses with a chain in which it falls back, whether or not they showed the string.
    """

    key: str
    wanted: str
    used: str
    answers: int
    last_at: datetime


class Fallbacks:
    """The fallback counts of this process since they were last written."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._seen: dict[tuple[int, tuple[str, ...]], tuple[PublishedTitle, int]] = {}

    def count(self, published: PublishedTitle, chain: tuple[str, ...]) -> None:
        """Count one response from a release in a chain, which `PublishedTitle.trim_chain` has shortened."""
        if len(chain) < 2:  # noqa: PLR2004  (its only locale has every string)
            return
        key = published.key, chain
        seen = self._seen.get(key)
        if seen is not None:
            self._seen[key] = published, seen[1] + 1
        elif len(self._seen) < MAX_CHAINS:
            self._seen[key] = published, 1

    async def flush(self) -> None:
        """Write the counts and reset them. Counts that cannot be written are kept for the next flush.

        Raises:
            Unavailable: the database is out of reach.
        """
        seen, self._seen = self._seen, {}
        try:
            parts = await run_steps(_rows_by_statement([(*counted, chain) for (_, chain), counted in seen.items()]))
            if parts:
                async with self._pool.transaction(CATALOG) as connection:
                    for rows in parts:
                        title_ids, wanted, used_locales, keys, answers = zip(*rows, strict=True)
                        await _add.run(
                            connection,
                            title_ids=title_ids,
                            wanted=wanted,
                            used=used_locales,
                            keys=keys,
                            answers=answers,
                        )
        except Exception:
            for counted, (published, count) in seen.items():
                self._seen[counted] = published, count + self._seen.get(counted, (published, 0))[1]
            raise


def _rows_by_statement(
    seen: Iterable[tuple[PublishedTitle, int, tuple[str, ...]]],
) -> Steps[list[list[tuple[int, str, str, str, int]]]]:
    """The rows to add for releases, counts and chains: in one order, so that processes do not deadlock."""
    counts: dict[tuple[int, str, str], Counter[str]] = {}
    for published, count, chain in seen:
        for locale, keys in _missing_keys(published, chain):
            of_locales = counts.setdefault((published.title_id, chain[0], locale), Counter())
            for key in keys:
                of_locales[key] += count
                yield
    parts: list[list[tuple[int, str, str, str, int]]] = [[]]
    for locales in sorted(counts):
        of_locales = counts[locales]
        for key in sorted(of_locales):
            if len(parts[-1]) == _ROWS:
                parts.append([])
            parts[-1].append((*locales, key, of_locales[key]))
            yield
    return [part for part in parts if part]


def _missing_keys(published: PublishedTitle, chain: tuple[str, ...]) -> Iterator[tuple[str, set[str]]]:
    """The strings that the first locale of a chain lacks, by the first locale that has them."""
    known = set(published.texts.get(chain[0], {}))
    for locale in chain[1:]:
        found = published.texts.get(locale, {}).keys() - known
        known |= found
        yield locale, found


async def list_fallbacks(connection: Connection, title_id: int) -> list[Fallback]:
    """The strings of a title that fall back most often, in descending order."""
    return await _of_title.all(connection, title_id=title_id, max_rows=LISTED)


_add = statement("fallbacks.add")
_of_title = query("fallbacks.of_title", row=Fallback)
