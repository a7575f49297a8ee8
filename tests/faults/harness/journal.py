"""What clients know of their writes, and the comparison with what PostgreSQL holds."""

import itertools

from service.core.progress import consistency
from service.db.limits import UNLIMITED
from service.db.pool import open_pool
from tests.faults.harness.postgres import Database

PLAYERS = 8
_FIRST_PLAYER = 2_533_274_790_000_000


class Journal:
    """The writes of all players: each is an event of 1 under a key of its own.

    The first event of each player is a number that no other player reaches, so that a total shows whose it is.
    """

    def __init__(self) -> None:
        self.players = [str(_FIRST_PLAYER + number) for number in range(PLAYERS)]
        self.wrong: list[str] = []
        """Everything that must not happen, as sentences."""
        self._acknowledged: dict[str, dict[str, str]] = {player: {} for player in self.players}
        self._sent: dict[str, set[str]] = {player: set() for player in self.players}
        self._numbers = itertools.count()

    def first_amount(self, player: str) -> int:
        """The amount of the player's first event."""
        return (self.players.index(player) + 1) * 1_000_000

    def begin(self, player: str) -> str:
        """The key of a new write, which is about to be sent."""
        key = f"write {next(self._numbers)}"
        self._sent[player].add(key)
        return key

    def acknowledge(self, player: str, key: str, event_id: str) -> None:
        """Note that the service has answered that it stored the write."""
        self._acknowledged[player][key] = event_id

    def acknowledged(self, player: str) -> int:
        """How many writes of the player are acknowledged."""
        return len(self._acknowledged[player])

    def check_total(self, player: str, total: int, *, since: int) -> None:
        """Check a total that was read after `since` writes were acknowledged."""
        low, high = self.first_amount(player) + since - 1, self.first_amount(player) + len(self._sent[player]) - 1
        if not low <= total <= high:
            self.wrong.append(f"a total of {total} for {player}: expected {low} to {high}")

    async def lost(self, database: Database) -> int:
        """How many acknowledged writes are missing, or how often more than once anything is counted."""
        async with (
            await open_pool(database.url, size=1, limits=UNLIMITED) as pool,
            pool.transaction(is_one_moment=True) as connection,
        ):
            stored = await connection.fetch(
                "SELECT i.player, i.key, i.event_id::text, count(e.event_id) AS events FROM idempotency AS i "
                "LEFT JOIN event AS e ON e.player = i.player AND e.event_id = i.event_id "
                "WHERE i.player = any($1) GROUP BY 1, 2, 3",
                self.players,
            )
            totals = await connection.fetch(
                "SELECT p.player, (p.standings ->> 'sum:words')::numeric AS total, "
                "(SELECT sum(amount) FROM event AS e WHERE e.player = p.player) AS logged, "
                "(SELECT count(*) FROM event AS e WHERE e.player = p.player) AS events "
                "FROM progress AS p WHERE p.player = any($1)",
                self.players,
            )
            drifts = await consistency.find_drift(connection)
        events = {(row["player"], row["key"]): (row["event_id"], row["events"]) for row in stored}
        missing = [
            f"{key} of {player} is {events.get((player, key))}, and was acknowledged as {event_id}"
            for player, keys in self._acknowledged.items()
            for key, event_id in keys.items()
            if events.get((player, key)) != (event_id, 1)
        ]
        keys = {player: sum(1 for owner, _ in events if owner == player) for player in self.players}
        wrong_totals = [
            f"{row['player']} has a total of {row['total']}, {row['logged']} in {row['events']} events, "
            f"{keys[row['player']]} keys"
            for row in totals
            if not row["total"] == row["logged"] == self.first_amount(row["player"]) + keys[row["player"]] - 1
            or row["events"] != keys[row["player"]]
        ]
        self.wrong += missing[:5] + wrong_totals + [drift.description for drift in drifts]
        return len(missing) + len(wrong_totals)
