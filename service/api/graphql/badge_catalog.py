"""A title's badges in one language: what is the same for all players, worked out once a release and chain."""

import functools
import itertools
import mimetypes
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec

from service.api.graphql.criteria import Criterion, Kind, criterion_of
from service.core.catalog.model import Achievement, to_int4
from service.core.publishing.published_title import PublishedTitle

_KEPT = 64  # catalogues: releases × chains
_SORTED_CHARACTERS = 100  # of a title, in cursors


class MediaImage(msgspec.Struct, frozen=True):
    """A badge's picture. Its sizes are not known here."""

    id: str
    url: str
    alt: str
    title: str | None
    mime_type: str | None
    width: ClassVar[None] = None
    height: ClassVar[None] = None


class BadgeDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A badge without what is a player's own. `sort_title` puts titles in order, whatever their case.

    `key` is this very one's in this process: of one badge, in one release and chain. `measure_key` is the criterion's.
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
    """The badges of one release in one chain, by number; `by_id` finds one. `has` says which kinds of criteria there are."""

    def __init__(self, published: PublishedTitle, chain: tuple[str, ...]) -> None:
        self.published = published
        self.emblems: Sequence[BadgeDefinition] = tuple(
            _definition(published, chain, achievement, criterion)
            for achievement in sorted(published.all_achievements.values(), key=lambda one: one.number)
            if achievement.status in ("active", "locked") and (criterion := criterion_of(achievement)) is not None
        )
        self.by_id: Mapping[str, BadgeDefinition] = {emblem.achievement.public_id: emblem for emblem in self.emblems}

    def of_kind(self, kind: Kind) -> Sequence[BadgeDefinition]:
        """Those that are earned in one way."""
        return [emblem for emblem in self.emblems if emblem.criterion.kind == kind]

    @functools.cached_property
    def by_title(self) -> Sequence[BadgeDefinition]:
        """In the order of their titles."""
        return sorted(self.emblems, key=lambda emblem: (emblem.sort_title, emblem.number))


_keys = itertools.count()
_kept_catalogs: OrderedDict[tuple[int, tuple[str, ...]], BadgeCatalog] = OrderedDict()


def badge_catalog(published: PublishedTitle, chain: tuple[str, ...]) -> BadgeCatalog:
    """The badges of a title in a chain; kept."""
    key = published.key, chain
    found = _kept_catalogs.get(key)
    if found is None:
        found = _kept_catalogs[key] = BadgeCatalog(published, chain)
        if len(_kept_catalogs) > _KEPT:
            _kept_catalogs.popitem(last=False)
    return found


def _definition(
    published: PublishedTitle, chain: tuple[str, ...], achievement: Achievement, criterion: Criterion
) -> BadgeDefinition:
    words = published.texts_of(achievement, chain)
    media = achievement.media[0]
    return BadgeDefinition(
        key=next(_keys),
        achievement=achievement,
        number=achievement.number,
        stored_number=to_int4(achievement.number),
        criterion=criterion,
        measure_key=criterion.measure.key,
        title=words.name,
        locale=None if words.locales[0] is None else chain[words.locales[0]],
        picture=MediaImage(
            id=f"{achievement.public_id}/{media.name}",
            url=media.url,
            alt=words.name,
            title=None,
            mime_type=mimetypes.guess_type(media.url.partition("?")[0])[0],
        ),
        sort_title=words.name.casefold()[:_SORTED_CHARACTERS],
    )
