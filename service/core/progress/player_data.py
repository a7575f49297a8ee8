"""A player's data: export everything stored about a player, or erase it for good; editors of texts count as players."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from service import ticks
from service.core.catalog.model import from_int4
from service.db import Connection
from service.db.queries import query, statement
from service.errors import NotFound

_PARTS = (
    "progress",
    "metric_days",
    "events",
    "idempotency_keys",
    "outbox",
    "api_keys",
    "user_contexts",
    "revoked_badges",
    "text_revisions",
    "publications",
    "scheduled_publishes",
    "import_batches",
    "sessions",
)


class Erased(msgspec.Struct, frozen=True):
    """How many titles, unlocks and logged events of a player were erased."""

    titles: int
    unlocks: int
    events: int


async def export(connection: Connection, player: str) -> AsyncIterator[bytes]:
    """Everything stored about a player, as the pieces of one JSON document.

    The connection must be in a repeatable-read transaction, so that all pieces are of the same moment.

    Raises:
        NotFound: nothing is stored about the player.
    """
    row = await _get_revision.first(connection, player=player)
    if row is None:
        await _check_editor(connection, player)
    head = msgspec.json.encode({"player": player, "revision": 0 if row is None else row.revision})
    yield head[:-1]
    for part in _PARTS:
        yield b',"' + part.encode() + b'":['
        rows = await _QUERIES[part].all(connection, player=player)
        yield b",".join(msgspec.json.encode(_document(part, row.document)) for row in rows)
        yield b"]"
    yield b"}\n"


async def erase(connection: Connection, player: str) -> Erased:
    """Erase everything stored about a player, and subtract it from all counts. The connection must be in a transaction.

    Concurrent changes of the player are evaluated again afterwards, without any progress. New players begin above the
    revision of the erased one, so that caches of the erased player are never used for a new player of that id.
    Histories of texts name editors by pseudonyms, which stand for nobody afterwards.

    Raises:
        NotFound: nothing is stored about the player.
    """
    row = await _lock_player.first(connection, player=player)
    if row is None:
        await _check_editor(connection, player)
    else:
        await _keep_revision.run(connection, revision=row.revision + 1)
    await _subtract_from_counts.run(connection, player=player)
    counted = await _count_progress.one(connection, player=player)
    events = await _erase_events.run(connection, player=player)
    for forget in (
        _erase_days,
        _erase_idempotency,
        _erase_outbox,
        _erase_progress,
        _erase_keys,
        _erase_contexts,
        _erase_badges,
        _erase_editor,
        _erase_sessions,
        _erase_backfill_positions,
        _erase_tenure_cursors,
        _erase_player,
    ):
        await forget.run(connection, player=player)
    return Erased(titles=counted.titles, unlocks=counted.unlocks, events=events)


async def _check_editor(connection: Connection, player: str) -> None:
    if not (await _is_editor.one(connection, player=player)).is_editor:
        raise NotFound("nothing is stored about this player")


def _document(part: str, text: str) -> Mapping[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(text)
    if part == "progress":
        document["unlocks"] = [
            {"number": from_int4(number), "at": ticks.to_text(at)}
            for number, at in zip(document.pop("unlocked"), document.pop("unlocked_at"), strict=True)
        ]
    for name in ("at", "created_at"):
        if isinstance(document.get(name), int):
            document[name] = ticks.to_text(document[name])
    return document


class _RevisionRow(msgspec.Struct, frozen=True):
    revision: int


class _EditorRow(msgspec.Struct, frozen=True):
    is_editor: bool


class _DocumentRow(msgspec.Struct, frozen=True):
    document: str


class _CountedRow(msgspec.Struct, frozen=True):
    titles: int
    unlocks: int


_QUERIES = {part: query(f"player_data.{part}", row=_DocumentRow) for part in _PARTS}
_get_revision = query("player_data.get_revision", row=_RevisionRow)
_is_editor = query("player_data.is_editor", row=_EditorRow)
_lock_player = query("player_data.lock_player", row=_RevisionRow)
_count_progress = query("player_data.count_progress", row=_CountedRow)
_keep_revision = statement("player_data.keep_revision")
_subtract_from_counts = statement("player_data.subtract_from_counts")
_erase_events = statement("player_data.erase_events")
_erase_days = statement("player_data.erase_days")
_erase_idempotency = statement("player_data.erase_idempotency")
_erase_outbox = statement("player_data.erase_outbox")
_erase_progress = statement("player_data.erase_progress")
_erase_keys = statement("player_data.erase_keys")
_erase_contexts = statement("player_data.erase_contexts")
_erase_badges = statement("player_data.erase_badges")
_erase_editor = statement("player_data.erase_editor")
_erase_sessions = statement("player_data.erase_sessions")
_erase_backfill_positions = statement("player_data.erase_backfill_positions")
_erase_tenure_cursors = statement("player_data.erase_tenure_cursors")
_erase_player = statement("player_data.erase_player")
