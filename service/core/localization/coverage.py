"""How far each title is in each locale: the first page that a localization team looks at."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from service.db import Connection
from service.db.queries import query
from service.errors import NotFound


class LocaleCoverage(msgspec.Struct, frozen=True):
    """One locale of a title, in strings. `stale` and `problems` count some of those of the three states again.

    `published` is how many are served. `changed_at` is None where there are no texts but served ones.
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
    """One title. `strings` is how many texts it has in its default locale: what there is to translate.

    `release` is what is served, 0 before the first publish; `name` None where the default locale has none.
    """

    title_id: int
    name: str | None
    default_locale: str
    catalog_version: int
    publish_from: Literal["translated", "approved"]
    release: int
    strings: int
    locales: tuple[LocaleCoverage, ...]

    def missing(self, locale: LocaleCoverage) -> int:
        """How many strings a locale has no text of."""
        return max(0, self.strings - locale.translated - locale.approved - locale.needs_review)


async def title_ids(connection: Connection) -> list[int]:
    """Every title that there is."""
    return [title.title_id for title in await _titles.all(connection)]


async def matrix(connection: Connection, of: Iterable[int]) -> list[TitleCoverage]:
    """How far these titles are; those that there are not are left out. By title, then by locale."""
    wanted = set(of)
    found = [title for title in await _titles.all(connection) if title.title_id in wanted]
    locales: dict[int, list[LocaleCoverage]] = {title.title_id: [] for title in found}
    for row in await _coverage.all(connection, title_ids=list(locales)):
        locales[row.title_id].append(row)
    return [_title(title, locales[title.title_id]) for title in found]


async def of_title(connection: Connection, title_id: int) -> TitleCoverage:
    """How far one title is.

    Raises:
        NotFound: there is no such title.
    """
    found = await matrix(connection, [title_id])
    if not found:
        raise NotFound(f"there is no title {title_id}")
    return found[0]


def _title(title: "_TitleRow", locales: list[LocaleCoverage]) -> TitleCoverage:
    source = next((row for row in locales if row.locale == title.default_locale), None)
    strings = 0 if source is None else source.translated + source.approved + source.needs_review
    return TitleCoverage(**msgspec.structs.asdict(title), strings=strings, locales=tuple(locales))


class _TitleRow(msgspec.Struct, frozen=True):
    title_id: int
    name: str | None
    default_locale: str
    catalog_version: int
    publish_from: Literal["translated", "approved"]
    release: int


_titles = query("texts.titles", row=_TitleRow)
_coverage = query("texts.coverage", row=LocaleCoverage)
