"""The rules that let players be spread over several servers later, held from the first migration."""

import re

import asyncpg
import pytest

from service.db.queries import read_statements, sql_folder

# What a player has. A new table with a `player` column joins them by `test_user_tables_are_all_named_here`.
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

# What works in the background over all players, a page or a queue at a time: on several servers, on each by itself.
OVER_ALL_PLAYERS = {
    "age.arrivals",
    "backfill.players_after",
    "doctor.completions",
    "doctor.double_unlocks",
    "doctor.totals",
    "outbox.claim",
    "outbox.dead",
    "outbox.remove_webhook",
    "outbox.retry",
    "outbox.webhooks",
}

_COMMENT = re.compile(r"--[^\n]*")
_MENTION = re.compile(rf"\b(?:FROM|JOIN|UPDATE|INTO|USING|ONLY)\s+({'|'.join(USER_TABLES)})\b(?:\s+AS\s+(\w+))?")
_LIST = re.compile(r"\bunnest\s*\(\s*:players?\b.*?\bAS\s+(\w+)\s*\(\s*player\b", re.DOTALL)
_ASKED = re.compile(r"(?:\b(\w+)\.)?\bplayer\s*=\s*(?:(?i:any)\s*\(\s*)?:\w+")
_JOINED = re.compile(r"\b(\w+)\.player\s*=\s*(\w+)\.player\b")
_ADDED = re.compile(
    r"\bINTO\s+(\w+)(?:\s+AS\s+(\w+))?\s*\(\s*player\b[^)]*\)\s*(?:VALUES\s*\(|SELECT)\s*(?::\w+|(\w+)\.player)\b"
)
_PART = re.compile(r"\b(\w+) AS \(\s*(?:SELECT\s+(\w+)\.player|UPDATE|INSERT)")
_OF_PART = r"\b(?:FROM|JOIN)\s+({})\s+AS\s+(\w+)"
_ORDERED = re.compile(r"\b(NOTIFY|pg_notify|LISTEN|nextval|pg_\w*advisory\w*|LOCK\s+TABLE)\b", re.IGNORECASE)


def crossings(sql: str) -> list[str]:
    """The user tables, by alias, whose rows a statement reaches without saying whose they are; and what it may not use."""
    text = _COMMENT.sub("", sql)
    mentions = {alias or table for table, alias in _MENTION.findall(text)}
    if not mentions:
        return []
    added = [(alias or table, player) for table, alias, player in _ADDED.findall(text)]
    held = set(_LIST.findall(text)) | {table for table, player in added if not player}
    held |= mentions if len(mentions) == 1 and _ASKED.search(text) else set(_ASKED.findall(text))
    joined = [set(pair) for pair in _JOINED.findall(text)] + [set(pair) for pair in added if pair[1]]
    for part, player in _PART.findall(text):  # a part of a statement is of the players that it takes its rows from
        aliases = {alias for _, alias in re.findall(_OF_PART.format(part), text)}
        joined += [{alias, player} for alias in aliases if player]
    for _ in joined:
        held = held.union(*(pair for pair in joined if pair & held))
    return sorted(mentions - held) + _ORDERED.findall(text)


def test_every_statement_on_a_players_rows_says_whose():
    found = {
        f"{file.stem}.{name}": crossings(text)
        for file in (sql_folder() / "queries").glob("*.sql")
        for name, text in read_statements(file).items()
        if crossings(text) and f"{file.stem}.{name}" not in OVER_ALL_PLAYERS
    }

    assert found == {}


@pytest.mark.parametrize(
    ("sql", "found"),
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
def test_a_statement_that_crosses_players_is_found(sql, found):
    assert crossings(sql) == found


async def test_user_tables_are_all_named_here(connection):
    tables = await connection.fetch(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'player'"
    )

    assert sorted(table for (table,) in tables) == sorted(USER_TABLES)


async def test_every_key_of_a_user_table_leads_with_the_player(connection):
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


async def test_nothing_points_at_a_players_rows(connection):
    """A foreign key may lead from a player to the catalogue, which every server has."""
    keys = await connection.fetch(
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND confrelid::regclass::text = ANY($1)", USER_TABLES
    )

    assert keys == []


# What was said and done by those who publish: added to, and never changed, by whoever owns the tables either.
HISTORIES = ("publication", "release", "release_bundle", "text_revision")


async def test_the_only_triggers_are_those_that_guard_histories(connection):
    triggers = await connection.fetch(
        "SELECT tgrelid::regclass::text, tgfoid::regproc::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
    )

    assert [tuple(trigger) for trigger in triggers] == [(table, "refuse_to_change_history") for table in HISTORIES]


@pytest.mark.parametrize("table", HISTORIES)
@pytest.mark.parametrize("change", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET title_id = 1"])
async def test_a_history_is_never_changed_by_its_owner_either(connection, table, change):
    with pytest.raises(asyncpg.RestrictViolationError, match="is a history"):
        await connection.execute(change.format(table))
