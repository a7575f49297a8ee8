"""The incarnation of the database: a random number that is another one once the database went back in time.

A restore gives numbers a second time: revisions of players, versions of texts, publications. Whatever a process or a
client remembers under such a number is therefore bound to the incarnation. `laurel restored` begins another one. So
does every process that finds the database at another place than before (another cluster, timeline, database or set of
tables), or behind what it has seen of the write-ahead log or of publications.
"""

import secrets

import msgspec

from service.db import Connection
from service.db.limits import CATALOG
from service.db.pool import Pool
from service.db.queries import query, statement


class Incarnation:
    """The incarnation that this process works with; 0 before the first `check`.

    `tag` is a short form of `id`, for ETags and cursors.
    """

    def __init__(self) -> None:
        self._position = self._publication_id = 0
        self.id = 0
        self.tag = ""

    async def check(self, pool: Pool) -> int | None:
        """The incarnation of the database if it is not the one of this process; `adopt` it after forgetting.

        Raises:
            Unavailable: the database is out of reach, or accepts no writes and went back in time.
        """
        async with pool.connection(CATALOG) as connection:
            row = await _current.one(connection)
            has_moved = row.place is not None and row.actual_place not in (None, row.place)
            is_behind = row.publication_id < self._publication_id
            is_behind |= row.position is not None and row.position < self._position
            # In another incarnation, another process has noticed already.
            if has_moved or (is_behind and row.incarnation_id == self.id):
                row = await _rotate_from(connection, row)
            elif row.place is None and row.actual_place is not None:
                await _settle.run(connection, incarnation_id=row.incarnation_id, place=row.actual_place)
        self._position, self._publication_id = row.position or self._position, row.publication_id
        return None if row.incarnation_id == self.id else row.incarnation_id

    def adopt(self, incarnation_id: int) -> None:
        """Work with this incarnation from now on."""
        self.id = incarnation_id
        self.tag = f"{incarnation_id & 0xFFFF_FFFF:08x}"


async def rotate(connection: Connection) -> None:
    """Begin another incarnation: every process forgets what it remembers of the database, and clients' ETags end."""
    await _rotate_from(connection, await _current.one(connection))


async def _rotate_from(connection: Connection, row: "_IncarnationRow") -> "_IncarnationRow":
    await _rotate.run(
        connection,
        expected=row.incarnation_id,
        incarnation_id=secrets.randbelow(2**60) + 1,
        place=row.actual_place,
    )
    return await _current.one(connection)


class _IncarnationRow(msgspec.Struct, frozen=True):
    incarnation_id: int
    place: str | None
    actual_place: str | None
    position: int | None
    publication_id: int


_current = query("incarnation.current", row=_IncarnationRow)
_settle = statement("incarnation.settle")
_rotate = statement("incarnation.rotate")
