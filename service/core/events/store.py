"""The statements of the write path: states are read with their revision, and written only if it is still the same."""

import uuid
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from service.core.catalog.model import to_int4
from service.core.unlocks.model import Change, ChangeOutcome, PlayerState, Profile
from service.core.unlocks.player_progress import decode_measure_values, decode_profile
from service.db import Connection
from service.db.queries import query


class PendingWrite(msgspec.Struct, frozen=True, kw_only=True):
    """A write of one player: the outcome of changes to the state `before`. Unlocks in `silent` notify no webhook."""

    player: str
    title_id: int
    before: PlayerState
    outcome: ChangeOutcome
    silent: frozenset[int]


async def read_states(connection: Connection, keys: Sequence[tuple[str, int]]) -> list[PlayerState]:
    """The state of each player in a title, in the order of `keys`."""
    players, title_ids = zip(*keys, strict=True)
    rows = await _states.all(connection, players=players, title_ids=title_ids)
    return [row.state() for row in rows]


async def find_replays(
    connection: Connection, changes: Iterable[Change]
) -> Mapping[tuple[str, int, str, str], uuid.UUID]:
    """The first events under the idempotency keys of these changes, by player, title, metric and key."""
    keyed = {
        (change.player, change.title_id, event.metric, event.key)
        for change in changes
        for event in change.events
        if event.key is not None
    }
    if not keyed:
        return {}
    players, title_ids, metrics, keys = zip(*keyed, strict=True)
    rows = await _find_replays.all(connection, players=players, title_ids=title_ids, metrics=metrics, keys=keys)
    return {(row.player, row.title_id, row.metric, row.key): row.event_id for row in rows}


async def find_committed(connection: Connection, writes: Sequence[PendingWrite]) -> set[int]:
    """The indexes of the writes that were committed: those whose first event is in the log.

    A write without events is never among them: writing it again changes nothing.
    """
    first = {write.outcome.logged[0].event_id: i for i, write in enumerate(writes) if write.outcome.logged}
    if not first:
        return set()
    candidates = [writes[i] for i in first.values()]
    rows = await _find_committed.all(
        connection,
        players=[write.player for write in candidates],
        title_ids=[write.title_id for write in candidates],
        metrics=[write.outcome.logged[0].metric for write in candidates],
        ats=[write.outcome.logged[0].at for write in candidates],
        event_ids=list(first),
    )
    return {first[row.event_id] for row in rows}


async def write(connection: Connection, writes: Sequence[PendingWrite]) -> set[int]:
    """Write those whose player nobody else wrote of since; returns the indexes of the writes that were committed.

    Writes are ordered by player, no player twice. Each is written whole or not at all.

    Raises:
        Unavailable: the connection was lost before the answer: the writes may have been committed.
    """
    unlocks = [
        (i, unlock, unlock.number not in r.silent) for i, r in enumerate(writes, 1) for unlock in r.outcome.unlocked
    ]
    events = [(i, event) for i, r in enumerate(writes, 1) for event in r.outcome.logged]
    days = [(i, day) for i, r in enumerate(writes, 1) for day in r.outcome.days]
    keys = [(i, event) for i, event in events if event.key is not None]
    rows = await WRITE_CHANGES.all(
        connection,
        players=[r.player for r in writes],
        title_ids=[r.title_id for r in writes],
        expected=[r.before.revision for r in writes],
        incarnations=[r.before.incarnation for r in writes],
        player_exists=[r.before.exists for r in writes],
        in_title=[r.before.in_title for r in writes],
        standings=[_json(r.outcome.measure_values) if r.outcome.measure_values else None for r in writes],
        profiles=[_profile(r.outcome.profile) for r in writes],
        created=[r.outcome.state.created_at or None for r in writes],
        unlock_places=[i for i, _, _ in unlocks],
        unlock_numbers=[to_int4(unlock.number) for _, unlock, _ in unlocks],
        unlock_ats=[unlock.at for _, unlock, _ in unlocks],
        unlock_notify=[is_notified for _, _, is_notified in unlocks],
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
    incarnation: int
    player_exists: bool
    in_title: bool
    created_at: int | None
    unlocked: list[int] | None
    unlocked_at: list[int] | None
    standings: str | None
    profile: str | None

    def state(self) -> PlayerState:
        return PlayerState(
            revision=self.revision,
            incarnation=self.incarnation,
            exists=self.player_exists,
            in_title=self.in_title,
            created_at=self.created_at or 0,
            unlocked=dict(zip(self.unlocked or (), self.unlocked_at or (), strict=True)),
            measure_values={} if self.standings is None else decode_measure_values(self.standings),
            profile=Profile() if self.profile is None else decode_profile(self.profile),
        )


class _ReplayRow(msgspec.Struct, frozen=True):
    player: str
    title_id: int
    metric: str
    key: str
    event_id: uuid.UUID


class _EventRow(msgspec.Struct, frozen=True):
    event_id: uuid.UUID


class _PlaceRow(msgspec.Struct, frozen=True):
    place: int


_states = query("store.states", row=_StateRow)
_find_replays = query("store.find_replays", row=_ReplayRow)
_find_committed = query("store.find_committed", row=_EventRow)
WRITE_CHANGES = query("store.write_changes", row=_PlaceRow)
