"""Query plans: the most frequent statements read by primary key, however large the tables are."""

import pytest

from service.core.events.outbox import _claim, _due_webhooks
from service.core.progress.reader import _changes, _in_titles

PLAYERS = 20_000  # enough that ten index probes are always cheaper than a sequential scan


@pytest.fixture
async def crowd(connection):
    """Players with two titles each, and up-to-date planner statistics."""
    await connection.execute("""
        INSERT INTO title (title_id, scid, default_locale, kind, platform, text_unit)
        SELECT n, gen_random_uuid(), 'en-US', 'Game', 'XboxOne', 'string' FROM generate_series(1, 2) AS n
    """)
    await connection.execute(f"INSERT INTO player SELECT n::text, 1 FROM generate_series(1, {PLAYERS}) AS n")  # noqa: S608
    await connection.execute(f"""
        INSERT INTO progress (player, title_id, revision, unlocked, unlocked_at, unlocked_in)
        SELECT n::text, t, 1, '{{1}}', '{{1}}', '{{1}}'
        FROM generate_series(1, {PLAYERS}) AS n, generate_series(1, 2) AS t
    """)  # noqa: S608
    await connection.execute("ANALYZE player, progress")
    await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")  # as in the service's connections
    return connection


async def plan(connection, sql, *values):
    """The lines of the plan for these values."""
    types = ", ".join("text[]" if isinstance(value[0], str) else "bigint[]" for value in values)
    await connection.execute(f"PREPARE hot ({types}) AS {sql}")
    arrays = ", ".join("'{" + ",".join(map(str, value)) + "}'" for value in values)
    try:
        return [row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE hot({arrays})")]
    finally:
        await connection.execute("DEALLOCATE hot")


@pytest.mark.parametrize("count", [1, 64])
async def test_progress_in_a_title_is_read_by_primary_key(crowd, count):
    lines = await plan(crowd, _in_titles.sql, ["7"] * count, [1] * count, [-1] * count)

    assert any("Index Scan using progress_pkey" in line for line in lines), lines
    assert not any("Seq Scan" in line for line in lines), lines


@pytest.mark.parametrize("count", [1, 64])
async def test_changes_of_a_player_are_read_by_primary_key(crowd, count):
    lines = await plan(crowd, _changes.sql, ["7"] * count, [-1] * count)

    assert any("using player_pkey" in line for line in lines), lines
    assert any("progress_pkey" in line for line in lines), lines
    assert not any("Seq Scan" in line for line in lines), lines


async def test_unchanged_player_costs_one_index_probe(crowd):
    await plan(crowd, _changes.sql, ["7"], [1])

    lines = [
        row[0]
        for row in await crowd.fetch(
            "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + _changes.sql.replace("$1", "'{7}'").replace("$2", "'{1}'")
        )
    ]

    assert any("progress_pkey" in line and "never executed" in line for line in lines), lines


async def test_due_messages_are_claimed_by_index_however_many_wait(connection):
    await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    await connection.execute(f"""
        INSERT INTO outbox (player, title_id, number, webhook_id, at)
        SELECT n::text, 1, 1, n % 10, 1 FROM generate_series(1, {PLAYERS}) AS n
    """)  # noqa: S608
    await connection.execute("ANALYZE outbox")
    await connection.execute(f"PREPARE claim (bigint[], integer[], interval) AS {_claim.sql}")
    try:
        claim = await connection.fetch("EXPLAIN EXECUTE claim ('{1,2}', '{8,8}', '1 min')")
    finally:
        await connection.execute("DEALLOCATE claim")
    lines = [row[0] for row in (*claim, *await connection.fetch(f"EXPLAIN {_due_webhooks.sql}"))]

    assert sum("using outbox_of_webhook" in line for line in lines) == 3, lines
    assert not any("Seq Scan on outbox" in line for line in lines), lines
