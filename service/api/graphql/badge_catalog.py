"""A title's badges in one chain of languages: what is the same for all players, cached for each release and chain."""

import functools
import itertools
import mimetypes
from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec
from cachetools import LRUCache

from service.api.graphql.criteria import Criterion, Kind, criterion_of
from service.concurrency.cooperative import run_steps
from service.concurrency.steps import Steps
from service.core.catalog.model import Achievement, to_int4
from service.core.publishing.published_title import PublishedTitle

_MAX_BYTES = 32_000_000  # of all catalogs
_BADGE_BYTES = 4_000  # of memory for a badge and its achievement with usual texts, rounded up
_SORTED_CHARACTERS = 100  # of a title, in cursors


class MediaImage(msgspec.Struct, frozen=True):
    """A badge's picture. Its width and height are unknown."""

    id: str
    url: str
    alt: str
    title: str | None
    mime_type: str | None
    width: ClassVar[None] = None
    height: ClassVar[None] = None


class BadgeDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A badge without the fields of a player. `sort_title` orders titles regardless of case.

    `key` is unique in this process for a badge in one release and chain. `measure_key` is the criterion's.
    """

    key: int
    achievement: Achievement
    number: int
    stored_number: int
    criterion: Criterion
    measure_key: str
    title: str
    locale: str | None
    picture: MediaImage
    sort_title: str


class BadgeCatalog:
    """The badges of one release in one chain, by number; `by_id` by their public ids."""

    def __init__(self, definitions: Sequence[BadgeDefinition]) -> None:
        self.definitions = definitions
        self.by_id: Mapping[str, BadgeDefinition] = {
            definition.achievement.public_id: definition for definition in definitions
        }

    def of_kind(self, kind: Kind) -> Sequence[BadgeDefinition]:
        """The badges with one kind of criterion."""
        return [definition for definition in self.definitions if definition.criterion.kind == kind]

    @functools.cached_property
    def by_title(self) -> Sequence[BadgeDefinition]:
        """The badges ordered by title."""
        return sorted(self.definitions, key=lambda definition: (definition.sort_title, definition.number))

    @property
    def size_bytes(self) -> int:
        """An estimate of the memory that it takes."""
        return _BADGE_BYTES * (1 + len(self.definitions))


class BadgeCatalogs:
    """The badge catalogs of all titles in the chains that callers use, bounded in bytes."""

    def __init__(self) -> None:
        self._catalogs = LRUCache[tuple[int, tuple[str, ...]], BadgeCatalog](
            _MAX_BYTES, getsizeof=lambda catalog: catalog.size_bytes
        )
        self._next_key = itertools.count().__next__

    async def get(self, published: PublishedTitle, chain: tuple[str, ...]) -> BadgeCatalog:
        """The badges of a release in a chain of languages."""
        key = published.key, chain
        catalog = self._catalogs.get(key)
        if catalog is None:
            catalog = await run_steps(self._make(published, chain))
            if catalog.size_bytes <= self._catalogs.maxsize:
                self._catalogs[key] = catalog
        return catalog

    def _make(self, published: PublishedTitle, chain: tuple[str, ...]) -> Steps[BadgeCatalog]:
        definitions = []
        for achievement in published.all_achievements.values():
            criterion = criterion_of(achievement)
            if achievement.status in ("active", "locked") and criterion is not None:
                definitions.append(_definition(published, chain, achievement, criterion, key=self._next_key()))
            yield
        return BadgeCatalog(definitions)


def _definition(
    published: PublishedTitle, chain: tuple[str, ...], achievement: Achievement, criterion: Criterion, *, key: int
) -> BadgeDefinition:
    texts = published.texts_of(achievement, chain)
    media = achievement.media[0]
    return BadgeDefinition(
        key=key,
        achievement=achievement,
        number=achievement.number,
        stored_number=to_int4(achievement.number),
        criterion=criterion,
        measure_key=criterion.measure.key,
        title=texts.name,
        locale=None if texts.locales[0] is None else chain[texts.locales[0]],
        picture=MediaImage(
            id=f"{achievement.public_id}/{media.name}",
            url=media.url,
            alt=texts.name,
            title=None,
            mime_type=mimetypes.guess_type(media.url.partition("?")[0])[0],
        ),
        sort_title=texts.name.casefold()[:_SORTED_CHARACTERS],
    )
