"""Translation coverage: how many strings of each title are translated, approved or published in each locale."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from service.core.auth.permissions import titles_with_rights
from service.core.auth.principal import Principal
from service.core.publishing.draft_status import PublishFrom
from service.db import Connection
from service.db.queries import query
from service.errors import NotFound


class LocaleCoverage(msgspec.Struct, frozen=True):
    """The numbers of strings of one locale of a title.

    `translated`, `approved` and `needs_review` are disjoint; `stale` and `problems` count some of those again.
    `published` is how many are served. `changed_at` is None where the draft has no texts.
    """

    title_id: int
    locale: str
    published: int
    translated: int
    approved: int
    needs_review: int
    stale: int
    problems: int
    changed_at: datetime | None


class TitleCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """The coverage of one title. `strings` is the number of texts in its default locale: what is to be translated.

    `release` is the served one, 0 before the first publish; `name` is None where the default locale has none.
    """

    title_id: int
    name: str | None
    default_locale: str
    catalog_version: int
    publish_from: PublishFrom
    release: int
    strings: int
    locales: tuple[LocaleCoverage, ...]

    def missing(self, locale: LocaleCoverage) -> int:
        """How many strings have no text in a locale."""
        return max(0, self.strings - locale.translated - locale.approved - locale.needs_review)


async def list_coverage(connection: Connection, principal: Principal) -> list[TitleCoverage]:
    """The coverage of each title that the principal has any right on, ordered by title, then by locale."""
    titles = await _titles.all(connection)
    readable = set(titles_with_rights(principal, (title.title_id for title in titles)))
    return await _read_coverage(connection, [title for title in titles if title.title_id in readable])


async def get_coverage(connection: Connection, title_id: int) -> TitleCoverage:
    """The coverage of one title.

    Raises:
        NotFound: there is no such title.
    """
    titles = [title for title in await _titles.all(connection) if title.title_id == title_id]
    if not titles:
        raise NotFound(f"there is no title {title_id}")
    return (await _read_coverage(connection, titles))[0]


async def _read_coverage(connection: Connection, titles: Sequence["_TitleRow"]) -> list[TitleCoverage]:
    locales: dict[int, list[LocaleCoverage]] = {title.title_id: [] for title in titles}
    for row in await _coverage.all(connection, title_ids=list(locales)):
        locales[row.title_id].append(row)
    return [_title_coverage(title, locales[title.title_id]) for title in titles]


def _title_coverage(title: "_TitleRow", locales: list[LocaleCoverage]) -> TitleCoverage:
    source = next((row for row in locales if row.locale == title.default_locale), None)
    strings = 0 if source is None else source.translated + source.approved + source.needs_review
    return TitleCoverage(**msgspec.structs.asdict(title), strings=strings, locales=tuple(locales))


class _TitleRow(msgspec.Struct, frozen=True):
    title_id: int
    name: str | None
    default_locale: str
    catalog_version: int
    publish_from: PublishFrom
    release: int


_titles = query("texts.titles", row=_TitleRow)
_coverage = query("texts.coverage", row=LocaleCoverage)
