"""The statements of the write path: what players have is read with its revision, and written only above that one."""

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from service.core.catalog.model import to_int4
from service.core.unlocks.model import Change, ChangeOutcome, PlayerState, Profile
from service.core.unlocks.player_progress import decode_profile, decode_standings
from service.db import Connection
from service.db.queries import query


class PendingWrite(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written of one player: `applied` to what was there `before`. Of unlocks in `silent` nobody is told."""

    player: str
    title_id: int
    before: PlayerState
    outcome: ChangeOutcome
    silent: frozenset[int]
    player_hash: bytes


def hash_player(player: str, *, key: bytes) -> bytes:
    """A player's name where it must not be readable: 32 bytes, the same for the same key."""
    return hashlib.blake2b(player.encode(), key=key, digest_size=32).digest()


async def read_states(
    connection: Connection, places: Sequence[tuple[str, int]], *, hashes: Sequence[bytes]
) -> list[PlayerState]:
    """What each player has in a title; `hashes` are the players' names in `erased`."""
    players, title_ids = zip(*places, strict=True)
    rows = await _states.all(connection, players=players, title_ids=title_ids, erased_as=hashes)
    return [row.state() for row in rows]


async def find_replays(
    connection: Connection, changes: Iterable[Change]
) -> Mapping[tuple[str, int, str, str], uuid.UUID]:
    """Which events of these changes were told before, by player, title, metric and key: as which event."""
    asked = {
        (change.player, change.title_id, event.metric, event.key)
        for change in changes
        for event in change.events
        if event.key is not None
    }
    if not asked:
        return {}
    players, title_ids, metrics, keys = zip(*asked, strict=True)
    rows = await _told_before.all(connection, players=players, title_ids=title_ids, metrics=metrics, keys=keys)
    return {(row.player, row.title_id, row.metric, row.key): row.event_id for row in rows}


async def find_committed(connection: Connection, writes: Sequence[PendingWrite]) -> set[int]:
    """Which of these records were written, by their index: those whose first event is in the log.

    Of a record without events it is never said: writing it again changes nothing.
    """
    first = {record.outcome.logged[0].event_id: i for i, record in enumerate(writes) if record.outcome.logged}
    if not first:
        return set()
    asked = [writes[i] for i in first.values()]
    rows = await _landed.all(
        connection,
        players=[record.player for record in asked],
        title_ids=[record.title_id for record in asked],
        metrics=[record.outcome.logged[0].metric for record in asked],
        ats=[record.outcome.logged[0].at for record in asked],
        event_ids=list(first),
    )
    return {first[row.event_id] for row in rows}


async def write(connection: Connection, writes: Sequence[PendingWrite]) -> set[int]:
    """Write what nobody was faster with; gives the indexes of the records that were written.

    Records are ordered by player, no player twice. All of a record is written, or nothing.

    Raises:
        Unavailable: the database was lost, and with it the answer.
    """
    unlocks = [
        (i, unlock, unlock.number not in r.silent) for i, r in enumerate(writes, 1) for unlock in r.outcome.unlocked
    ]
    events = [(i, event) for i, r in enumerate(writes, 1) for event in r.outcome.logged]
    days = [(i, day) for i, r in enumerate(writes, 1) for day in r.outcome.days]
    keys = [(i, event) for i, event in events if event.key is not None]
    rows = await RECORD.all(
        connection,
        players=[r.player for r in writes],
        title_ids=[r.title_id for r in writes],
        expected=[r.before.revision for r in writes],
        known=[r.before.exists for r in writes],
        here=[r.before.in_title for r in writes],
        erased_as=[r.player_hash for r in writes],
        standings=[_json(r.outcome.standings) if r.outcome.standings else None for r in writes],
        profiles=[_profile(r.outcome.profile) for r in writes],
        created=[r.outcome.state.created_at or None for r in writes],
        unlock_places=[i for i, _, _ in unlocks],
        unlock_numbers=[to_int4(unlock.number) for _, unlock, _ in unlocks],
        unlock_ats=[unlock.at for _, unlock, _ in unlocks],
        unlock_told=[is_told for _, _, is_told in unlocks],
        event_places=[i for i, _ in events],
        event_metrics=[event.metric for _, event in events],
        event_ats=[event.at for _, event in events],
        event_ids=[event.event_id for _, event in events],
        event_amounts=[event.amount for _, event in events],
        event_attributes=[_json(event.attributes) if event.attributes else None for _, event in events],
        day_places=[i for i, _ in days],
        day_metrics=[day.metric for _, day in days],
        days=[day.day for _, day in days],
        day_changes=[day.change for _, day in days],
        day_actives=[day.is_active for _, day in days],
        key_places=[i for i, _ in keys],
        key_metrics=[event.metric for _, event in keys],
        keys=[event.key for _, event in keys],
        key_events=[event.event_id for _, event in keys],
    )
    return {row.place - 1 for row in rows}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _profile(profile: Profile | None) -> str | None:
    return None if profile is None else _json(profile)


class _StateRow(msgspec.Struct, frozen=True):
    revision: int
    is_known: bool
    is_here: bool
    created_at: int | None
    unlocked: list[int] | None
    unlocked_at: list[int] | None
    standings: str | None
    profile: str | None

    def state(self) -> PlayerState:
        return PlayerState(
            revision=self.revision,
            exists=self.is_known,
            in_title=self.is_here,
            created_at=self.created_at or 0,
            unlocked=dict(zip(self.unlocked or (), self.unlocked_at or (), strict=True)),
            standings={} if self.standings is None else decode_standings(self.standings),
            profile=Profile() if self.profile is None else decode_profile(self.profile),
        )


class _ToldRow(msgspec.Struct, frozen=True):
    player: str
    title_id: int
    metric: str
    key: str
    event_id: uuid.UUID


class _EventRow(msgspec.Struct, frozen=True):
    event_id: uuid.UUID


class _PlaceRow(msgspec.Struct, frozen=True):
    place: int


_states = query("records.states", row=_StateRow)
_told_before = query("records.told_before", row=_ToldRow)
_landed = query("records.landed", row=_EventRow)
RECORD = query("records.record", row=_PlaceRow)
