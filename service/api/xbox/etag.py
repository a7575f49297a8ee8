"""ETags of responses with a player's progress: the player's revision, and a digest of everything else."""

import functools
import re
from collections.abc import Sequence

from service.api.xbox.context import ReadContext
from service.api.xbox.list_request import ListQuery
from service.core.progress.ordering import Order
from service.core.progress.paging import PageRequest, last_closing, newest
from service.core.publishing.published_title import PublishedTitle
from service.http.conditional import etag_matches, make_etag

_CACHED_CHARACTERS = 512  # of a query: longer ones, with hundreds of titles, are not cached


class ProgressETag:
    """The ETag of a response, apart from the player's revision: that of a client's copy tells what it knows already."""

    def __init__(self, context: ReadContext, query: str, *, publication: int, titles: Sequence[PublishedTitle]) -> None:
        self._condition = context.condition
        rarity_stamp = 0
        if context.contract.has_rarity:
            rarities = context.services.rarities
            rarity_stamp = hash(tuple(rarities.of(published.title_id).stamp for published in titles))
        digest = _digest if len(query) <= _CACHED_CHARACTERS else _digest.__wrapped__
        self._digest = digest(
            context.request.match_info.route.name or "",
            query,
            publication,
            rarity_stamp,
            context.contract.version,
            context.services.incarnation.tag,
            *context.locale.cache_key,
        )

    @property
    def known_revision(self) -> int:
        """The revision of the response that the client has a copy of, -1 if there is none."""
        condition = self._condition
        if condition is None:
            return -1
        match = re.search(rf'"([0-9a-f]{{1,15}})-{self._digest}"', condition)
        known = -1 if match is None else int(match[1], 16) - 1
        return known if etag_matches(condition, self.at(known)) else -1

    def at(self, revision: int) -> str:
        """The strong ETag of the response at a revision of the player's, -1 for a player without progress."""
        return f'"{revision + 1:x}-{self._digest}"'

    def matches(self, revision: int) -> bool:
        """Whether the client has a copy of the response at this revision."""
        return self._condition is not None and etag_matches(self._condition, self.at(revision))


def list_etag(
    context: ReadContext, query: ListQuery, page_request: PageRequest, titles: Sequence[PublishedTitle]
) -> ProgressETag:
    """The ETag of a page of a list over these titles."""
    closed = 0
    if query.spec.order is Order.ENDING_SOON and page_request.cursor is None:
        closed = last_closing(page_request, titles)
    return ProgressETag(context, f"{query.canonical} {closed}", publication=newest(titles), titles=titles)


@functools.lru_cache(maxsize=4096)  # players share it
def _digest(*parts: object) -> str:
    return make_etag(b"", *parts).strip('"')
