"""Reads the titles of a player's list and the player's progress in them."""

import asyncio
from collections.abc import Sequence

import msgspec

from service.core.progress.ordering import TitleView
from service.core.progress.paging import PageRequest
from service.core.progress.reader import ProgressReader
from service.core.publishing.published_title import PublishedTitle
from service.core.publishing.snapshot import SnapshotStore
from service.core.unlocks.player_progress import PlayerProgress, TitleProgress, derive


class ListScope(msgspec.Struct, frozen=True):
    """The titles of a list, ascending by id, and whose they are.

    If these are the titles that the player has progress in, `player_progress` is set, and `views` has the progress in
    each. If they were requested by id, both are None: `read_views` reads the progress.
    """

    titles: Sequence[PublishedTitle]
    views: Sequence[TitleView] | None = None
    player_progress: PlayerProgress | None = None


async def find_titles(request: PageRequest, snapshots: SnapshotStore, reader: ProgressReader) -> ListScope:
    """The published titles of a list: those requested by id, else those of the player and of their token.

    A later page has the releases that the first page had.

    Raises:
        Unavailable: the database is out of reach.
    """
    spec = request.spec
    if spec.titles:
        return ListScope(await _published(request, snapshots, spec.titles))
    player_progress = await reader.read_all(request.player)
    version = snapshots.current.version if request.cursor is None else request.cursor.version
    key = "titles", version, spec.own_title
    if key not in player_progress.derived:  # `derive` cannot await
        own = () if spec.own_title is None else (spec.own_title,)
        titles = await _published(request, snapshots, sorted({*player_progress.titles, *own}))
        views = [TitleView(title, player_progress.titles.get(title.title_id)) for title in titles]
        derive(player_progress.derived, key, lambda: (titles, views))
    # The cached values must not refer to the progress that caches them: only the garbage collector would free both.
    titles, views = player_progress.derived[key]
    return ListScope(titles, views, player_progress)


async def read_views(
    request: PageRequest, scope: ListScope, reader: ProgressReader, *, known: int = -1
) -> tuple[Sequence[TitleView], int]:
    """The titles of a list with the player's progress in each, and its newest revision (-1: no progress).

    If the newest revision is `known`, the progress may be left out: the caller has it already.

    Raises:
        Unavailable: the database is out of reach.
    """
    if scope.views is not None and scope.player_progress is not None:
        return scope.views, scope.player_progress.revision
    if request.spec.possible_only:
        return [TitleView(title, None) for title in scope.titles], -1
    revision, progress = await read_progress(reader, request.player, scope.titles, known=known)
    return [TitleView(title, own) for title, own in zip(scope.titles, progress, strict=True)], revision


async def read_progress(
    reader: ProgressReader, player: str, titles: Sequence[PublishedTitle], *, known: int = -1
) -> tuple[int, list[TitleProgress | None]]:
    """The newest revision of a player's progress in these titles (-1: no progress), and the progress in each.

    If the newest revision is `known`, the progress may be left out: the caller has it already.

    Raises:
        Unavailable: the database is out of reach.
    """
    if len(titles) == 1:
        rows = [await reader.read_title(player, titles[0].title_id, known=known)]
    else:
        rows = await asyncio.gather(*(reader.read_title(player, title.title_id, known=known) for title in titles))
    revision = max((row.revision for row in rows), default=-1)
    if revision != known and any(row.progress is None and row.revision >= 0 for row in rows):
        return await read_progress(reader, player, titles)
    return revision, [row.progress for row in rows]


async def _published(request: PageRequest, snapshots: SnapshotStore, title_ids: Sequence[int]) -> list[PublishedTitle]:
    if request.cursor is None:
        titles = snapshots.current.titles
        return [titles[title_id] for title_id in title_ids if title_id in titles]
    await snapshots.ensure_version(request.cursor.version)
    as_of = [await snapshots.as_of(title_id, request.cursor.version) for title_id in title_ids]
    return [published for published in as_of if published is not None]
