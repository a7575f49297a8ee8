"""The hot statements read by key, however large the tables grow: what Postgres plans, not what we hope."""

import pytest

from service.core.progress.reader import _changes, _in_titles

PLAYERS = 20_000  # so many that reading a whole table would never be cheaper than ten probes


@pytest.fixture
async def crowd(connection):
    """Players with two titles each, and what Postgres knows of them."""
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
    await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")  # as the service's own connections
    return connection


async def plan(connection, sql, *values):
    """The lines of the plan that these values are run by."""
    types = ", ".join("text[]" if isinstance(value[0], str) else "bigint[]" for value in values)
    await connection.execute(f"PREPARE hot ({types}) AS {sql}")
    arrays = ", ".join("'{" + ",".join(map(str, value)) + "}'" for value in values)
    try:
        return [row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE hot({arrays})")]
    finally:
        await connection.execute("DEALLOCATE hot")


@pytest.mark.parametrize("questions", [1, 64])
async def test_players_rows_in_a_title_are_probed_by_key(crowd, questions):
    lines = await plan(crowd, _in_titles.sql, ["7"] * questions, [1] * questions, [-1] * questions)

    assert any("Index Scan using progress_pkey" in line for line in lines), lines
    assert not any("Seq Scan" in line for line in lines), lines


@pytest.mark.parametrize("questions", [1, 64])
async def test_what_changed_for_a_player_is_probed_by_key(crowd, questions):
    lines = await plan(crowd, _changes.sql, ["7"] * questions, [-1] * questions)

    assert any("using player_pkey" in line for line in lines), lines
    assert any("progress_pkey" in line for line in lines), lines
    assert not any("Seq Scan" in line for line in lines), lines


async def test_a_player_of_whom_nothing_changed_costs_one_probe(crowd):
    await plan(crowd, _changes.sql, ["7"], [1])

    lines = [
        row[0]
        for row in await crowd.fetch(
            "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + _changes.sql.replace("$1", "'{7}'").replace("$2", "'{1}'")
        )
    ]

    assert any("progress_pkey" in line and "never executed" in line for line in lines), lines
