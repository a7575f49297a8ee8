"""Schema rules that keep sharding by player possible: statements and keys are scoped to a player."""

import re

import asyncpg
import pytest

from service.db.queries import read_statements, sql_folder

# Tables with a `player` column; `test_user_tables_lists_every_table_with_a_player_column` keeps the list complete.
USER_TABLES = (
    "event",
    "event_at_other_times",
    "idempotency",
    "metric_day",
    "outbox",
    "player",
    "progress",
    "revoked_badge",
)

# Background statements over all players, a page or a queue at a time; with several servers, each runs them itself.
OVER_ALL_PLAYERS = {
    "backfill.players_after",
    "consistency.holder_count_drift",
    "consistency.double_unlocks",
    "consistency.daily_total_drift",
    "outbox.claim",
    "outbox.due_webhooks",
    "outbox.dead_messages",
    "outbox.remove_webhook",
    "outbox.retry_dead",
    "outbox.webhooks",
    "tenure.arrivals",
}

_COMMENT = re.compile(r"--[^\n]*")
_MENTION = re.compile(rf"\b(?:FROM|JOIN|UPDATE|INTO|USING|ONLY)\s+({'|'.join(USER_TABLES)})\b(?:\s+AS\s+(\w+))?")
_LIST = re.compile(r"\bunnest\s*\(\s*:players?\b.*?\bAS\s+(\w+)\s*\(\s*player\b", re.DOTALL)
_FILTERED = re.compile(r"(?:\b(\w+)\.)?\bplayer\s*=\s*(?:(?i:any)\s*\(\s*)?:\w+")
_JOINED = re.compile(r"\b(\w+)\.player\s*=\s*(\w+)\.player\b")
_INSERTED = re.compile(
    r"\bINTO\s+(\w+)(?:\s+AS\s+(\w+))?\s*\(\s*player\b[^)]*\)\s*(?:VALUES\s*\(|SELECT)\s*(?::\w+|(\w+)\.player)\b"
)
_CTE = re.compile(r"\b(\w+) AS \(\s*(?:SELECT\s+(\w+)\.player|UPDATE|INSERT)")
_CTE_REFERENCE = r"\b(?:FROM|JOIN)\s+({})\s+AS\s+(\w+)"
_GLOBAL = re.compile(r"\b(NOTIFY|pg_notify|LISTEN|nextval|pg_\w*advisory\w*|LOCK\s+TABLE)\b", re.IGNORECASE)


def crossings(sql: str) -> list[str]:
    """Aliases of user tables that a statement reads or writes without limiting the player, and global features that it uses."""
    text = _COMMENT.sub("", sql)
    mentions = {alias or table for table, alias in _MENTION.findall(text)}
    if not mentions:
        return []
    inserted = [(alias or table, player) for table, alias, player in _INSERTED.findall(text)]
    limited = set(_LIST.findall(text)) | {table for table, player in inserted if not player}
    limited |= mentions if len(mentions) == 1 and _FILTERED.search(text) else set(_FILTERED.findall(text))
    joined = [set(pair) for pair in _JOINED.findall(text)] + [set(pair) for pair in inserted if pair[1]]
    for cte, player in _CTE.findall(text):  # a CTE is limited to the players of the rows that it reads
        aliases = {alias for _, alias in re.findall(_CTE_REFERENCE.format(cte), text)}
        joined += [{alias, player} for alias in aliases if player]
    for _ in joined:
        limited = limited.union(*(pair for pair in joined if pair & limited))
    return sorted(mentions - limited) + _GLOBAL.findall(text)


def test_every_statement_on_user_tables_is_limited_to_players():
    crossed = {
        f"{file.stem}.{name}": crossings(text)
        for file in (sql_folder() / "queries").glob("*.sql")
        for name, text in read_statements(file).items()
        if crossings(text) and f"{file.stem}.{name}" not in OVER_ALL_PLAYERS
    }

    assert crossed == {}


@pytest.mark.parametrize(
    ("sql", "crossed"),
    [
        ("SELECT p.revision FROM player AS p WHERE p.player = :player", []),
        ("SELECT revision FROM player WHERE player = ANY(:players)", []),
        ("DELETE FROM progress WHERE progress.player = :player", []),
        ("SELECT t.kind FROM title AS t", []),
        ("INSERT INTO player (player, revision) VALUES (:player, 1)", []),
        ("SELECT 1 FROM unnest(:players::text []) AS k (player) INNER JOIN progress AS p ON k.player = p.player", []),
        ("SELECT 1 FROM player AS w INNER JOIN progress AS p ON w.player = p.player WHERE w.player = :player", []),
        ("SELECT p.revision FROM player AS p WHERE p.player = any(:players::text[])", []),
        (
            "WITH a AS (SELECT k.player FROM unnest(:players::text[]) AS k (player)) INSERT INTO progress AS p (player) SELECT c.player FROM a AS c",
            [],
        ),
        ("WITH a AS (SELECT w.player FROM player AS w) SELECT 1 FROM a AS c", ["w"]),
        ("SELECT p.revision FROM player AS p", ["p"]),
        ("SELECT p.revision FROM player AS p -- p.player = :player", ["p"]),
        ("SELECT count(*) FROM progress WHERE title_id = :title_id", ["progress"]),
        ("INSERT INTO player (player, revision) SELECT t.player, 1 FROM other AS t", ["player"]),
        ("SELECT 1 FROM player AS w INNER JOIN progress AS p ON w.player = p.player", ["p", "w"]),
        ("SELECT 1 FROM player AS w, LATERAL (SELECT 1 FROM progress AS p) WHERE w.player = :player", ["p"]),
        ("SELECT pg_notify('a', 'b') FROM player WHERE player.player = :player", ["pg_notify"]),
    ],
)  # fmt: skip
def test_statements_that_cross_players_are_found(sql, crossed):
    assert crossings(sql) == crossed


async def test_user_tables_lists_every_table_with_a_player_column(connection):
    tables = await connection.fetch(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'player'"
    )

    assert sorted(table for (table,) in tables) == sorted(USER_TABLES)


async def test_every_key_of_a_user_table_starts_with_the_player(connection):
    keys = await connection.fetch(
        """
        SELECT c.relname, array_agg(a.attname::text ORDER BY i.indexrelid), bool_or(i.indisprimary)
        FROM pg_class AS c
        LEFT JOIN pg_index AS i ON c.oid = i.indrelid AND i.indisunique
        LEFT JOIN pg_attribute AS a ON c.oid = a.attrelid AND i.indkey[0] = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname = ANY($1)
        GROUP BY c.relname
        """,
        USER_TABLES,
    )

    assert len(keys) == len(USER_TABLES)
    for table, leading, is_primary in keys:
        assert is_primary, table
        assert set(leading) == {"player"}, table


async def test_no_foreign_key_references_a_user_table(connection):
    """User tables may reference the catalog, which every server has."""
    keys = await connection.fetch(
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND confrelid::regclass::text = ANY($1)", USER_TABLES
    )

    assert keys == []


# Append-only tables of publications and edits, which even the owner of the tables cannot change.
HISTORIES = ("publication", "release", "release_bundle", "text_revision")


# Tables that say who did something: triggers store pseudonyms instead of names.
NAMING_EDITORS = ("import_batch", "publication", "scheduled_publish", "text", "text_revision")


async def test_only_tables_of_the_catalog_have_triggers(connection):
    triggers = await connection.fetch(
        "SELECT tgfoid::regproc::text, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
    )

    expected = [("refuse_to_change_history", table) for table in HISTORIES]
    expected += [("store_pseudonyms_of_editors", table) for table in NAMING_EDITORS]
    assert sorted(tuple(trigger) for trigger in triggers) == expected


@pytest.mark.parametrize("table", HISTORIES)
@pytest.mark.parametrize("change", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET title_id = 1"])
async def test_history_cannot_be_changed_by_its_owner(connection, table, change):
    with pytest.raises(asyncpg.RestrictViolationError, match="is a history"):
        await connection.execute(change.format(table))
