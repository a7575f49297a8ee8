"""Who has earned what, and how far along they are.

A player's row in a title carries the player's revision that wrote it. Revisions only rise, so whatever is known under
one needs no second look while the revision stands: reads say what they know, and get back only what is newer.
"""

import functools
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from service.core.catalog.model import to_int4
from service.core.formats.xbox.captured_page import ImportedProgress
from service.core.unlocks.player_progress import PlayerProgress, TitleProgress
from service.db import Connection
from service.db.batching import BatchLoader
from service.db.pool import Pool
from service.db.queries import query, statement

_UNLOCKS_REMEMBERED = 40_000  # some 10 MB of whole players; single titles are read afresh


class FoundProgress(msgspec.Struct, frozen=True):
    """The answer to one question: the revision of the row, -1 if there is none, and what is newer than was known."""

    revision: int
    progress: TitleProgress | None


_NOT_FOUND = FoundProgress(revision=-1, progress=None)


class ProgressReader:
    """Reads of players' rows, coalesced. Nothing is answered from memory without its revision being asked for."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._in_title = BatchLoader(self._answer_in_title)
        self._changes = BatchLoader(self._answer_changes)
        self._remembered: OrderedDict[str, PlayerProgress] = OrderedDict()
        self._nothing = PlayerProgress(
            revision=-1, titles={}
        )  # of this database: what is derived from it names releases
        self._weight = 0

    async def read_title(self, player: str, title_id: int, *, known: int = -1) -> FoundProgress:
        """What a player has in one title; without its contents if its revision is not above `known`.

        Raises:
            Unavailable: the database is out of reach.
        """
        return await self._in_title.load((player, title_id, known))

    async def read_all(self, player: str) -> PlayerProgress:
        """What a player has in all titles. Only what changed since the last time is read.

        Raises:
            Unavailable: the database is out of reach.
        """
        before = self._remembered.get(player, self._nothing)
        revision, changed = await self._changes.load((player, before.revision))
        if revision < before.revision:  # erased and begun again: nothing remembered holds
            self._forget(player)
            revision, changed = await self._changes.load((player, -1))
            before = self._nothing
        if revision == before.revision:
            if player in self._remembered:
                self._remembered.move_to_end(player)
            return before
        now = PlayerProgress(revision=revision, titles={**before.titles, **changed})
        self._remember(player, now)
        return now

    def _remember(self, player: str, everything: PlayerProgress) -> None:
        self._forget(player)
        self._remembered[player] = everything
        self._weight += _weight(everything)
        while self._weight > _UNLOCKS_REMEMBERED and len(self._remembered) > 1:
            self._forget(next(iter(self._remembered)))

    def _forget(self, player: str) -> None:
        forgotten = self._remembered.pop(player, None)
        if forgotten is not None:
            self._weight -= _weight(forgotten)

    async def _answer_in_title(self, questions: list[tuple[str, int, int]]) -> list[FoundProgress]:
        players, title_ids, known = zip(*questions, strict=True)
        rows = await self._pool.read(
            functools.partial(_in_titles.all, players=players, title_ids=title_ids, known=known)
        )
        answers = [_NOT_FOUND] * len(questions)
        for row in rows:
            progress = None if row.unlocked is None else _progress(row)
            answers[row.question - 1] = FoundProgress(row.revision, progress)
        return answers

    async def _answer_changes(self, questions: list[tuple[str, int]]) -> list[tuple[int, dict[int, TitleProgress]]]:
        players, known = zip(*questions, strict=True)
        rows = await self._pool.read(functools.partial(_changes.all, players=players, known=known))
        answers: list[tuple[int, dict[int, TitleProgress]]] = [(-1, {}) for _ in questions]
        for row in rows:
            changed = answers[row.question - 1][1]
            answers[row.question - 1] = row.player_revision, changed
            if row.title_id is not None:
                changed[row.title_id] = _progress(row)
        return answers


async def existing_titles(connection: Connection, title_ids: Sequence[int]) -> set[int]:
    """Which of these titles there are."""
    return {row.title_id for row in await _known_titles.all(connection, title_ids=title_ids)}


async def put_progress(connection: Connection, *, player: str, progress: Sequence[ImportedProgress]) -> int:
    """Make these titles' progress the player's own, in one revision; gives how many unlocks were new.

    What the player already had and the pages do not name stays. An unlock that is already there keeps its first
    time. The connection must be in a transaction.
    """
    revision = (await _next_revision.one(connection, player=player)).revision
    added = 0
    for part in progress:
        rows = await _in_titles.all(connection, players=[player], title_ids=[part.title_id], known=[-1])
        before = _progress(rows[0]) if rows else TitleProgress(0, (), (), (), None)
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
        counted = [*new] if rows else [0, *new]
        await _add_completions.run(connection, title_id=part.title_id, numbers=counted, changes=[1] * len(counted))
        added += len(new)
    return added


def _weight(everything: PlayerProgress) -> int:
    return 1 + sum(1 + len(progress.unlocked_at) for progress in everything.titles.values())


class _InTitleRow(msgspec.Struct, frozen=True):
    question: int
    revision: int
    unlocked: list[int] | None
    unlocked_at: list[int] | None
    unlocked_in: list[int] | None
    currents: str | None
    standings: str | None
    profile: str | None
    created_at: int | None


class _ChangeRow(msgspec.Struct, frozen=True):
    question: int
    player_revision: int
    title_id: int | None
    revision: int
    unlocked: list[int] | None
    unlocked_at: list[int] | None
    unlocked_in: list[int] | None
    currents: str | None
    standings: str | None
    profile: str | None
    created_at: int | None


class _TitleRow(msgspec.Struct, frozen=True):
    title_id: int


class _RevisionRow(msgspec.Struct, frozen=True):
    revision: int


_in_titles = query("progress.in_titles", row=_InTitleRow)
_changes = query("progress.changes", row=_ChangeRow)
_known_titles = query("catalog.known_titles", row=_TitleRow)
_next_revision = query("progress.next_revision", row=_RevisionRow)
_put_progress = statement("progress.put_progress")
_add_completions = statement("progress.add_completions")


def _progress(row: _InTitleRow | _ChangeRow) -> TitleProgress:
    return TitleProgress(
        row.revision,
        row.unlocked or (),
        row.unlocked_at or (),
        row.unlocked_in or (),
        row.currents,
        row.standings,
        row.profile,
        row.created_at,
    )
