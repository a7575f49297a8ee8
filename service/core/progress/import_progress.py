"""Imports a player's progress from captured pages of the live service; what the player already has is kept."""

from collections.abc import Sequence

import msgspec

from service.core.catalog.model import to_int4
from service.core.formats.xbox.captured_page import ImportedProgress
from service.core.progress.reader import read_progress
from service.core.unlocks.player_progress import TitleProgress
from service.db import Connection
from service.db.queries import query, statement
from service.errors import NotFound


async def import_progress(connection: Connection, *, player: str, progress: Sequence[ImportedProgress]) -> int:
    """Add progress in these titles to the player's, in one revision, and return how many unlocks were new.

    Progress that the player already has is kept, and an unlock keeps its first time. The connection must be in a
    transaction.

    Raises:
        NotFound: one of the titles does not exist.
    """
    title_ids = [part.title_id for part in progress]
    existing_titles = {row.title_id for row in await _known_titles.all(connection, title_ids=title_ids)}
    for title_id in title_ids:
        if title_id not in existing_titles:
            raise NotFound(f"there is no title {title_id}; import its catalog first")
    revision = (await _next_revision.one(connection, player=player)).revision
    added = 0
    for part in progress:
        existing = await read_progress(connection, player, part.title_id)
        before = existing or TitleProgress(0, (), (), (), None)
        new = {number: at for number, at in part.unlocked.items() if to_int4(number) not in before.unlocked_at}
        unlocked = {**before.unlocked_at, **{to_int4(number): at for number, at in new.items()}}
        await _put_progress.run(
            connection,
            player=player,
            title_id=part.title_id,
            revision=revision,
            unlocked=list(unlocked),
            unlocked_at=list(unlocked.values()),
            unlocked_in=[*before.revisions_of_unlocks().values(), *[revision] * len(new)],
            currents=before.current_values_with(part.currents),
        )
        counted = [0, *new] if existing is None else [*new]
        await _add_holder_deltas.run(connection, title_id=part.title_id, numbers=counted, changes=[1] * len(counted))
        added += len(new)
    return added


class _TitleRow(msgspec.Struct, frozen=True):
    title_id: int


class _RevisionRow(msgspec.Struct, frozen=True):
    revision: int


_known_titles = query("drafts.known_titles", row=_TitleRow)
_next_revision = query("progress.next_revision", row=_RevisionRow)
_put_progress = statement("progress.put_progress")
_add_holder_deltas = statement("progress.add_holder_deltas")
