"""The connection pool: a lost, full or slow database is reported as `Unavailable`, and the pool recovers."""

import asyncio
import contextlib

import asyncpg
import pytest

from service.db import limits
from service.db.limits import UNLIMITED, StatementLimits
from service.db.pool import open_pool
from service.errors import ConfigurationError, NotFound, Unavailable
from tests.lent_pool import LentPool

END_OTHERS = """
SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity AS a
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
"""

WRITE = "INSERT INTO player (player, revision) VALUES ($1, 1)"
COUNT = "SELECT count(*) FROM player"


@pytest.fixture
async def administrator(own_database):
    """A connection outside the pool."""
    connection = await asyncpg.connect(own_database)
    yield connection
    await connection.close()


@pytest.fixture
async def real_pool(own_database):
    """A pool of two connections, both open."""
    async with await open_pool(own_database, size=2, limits=StatementLimits(statement=0.2, lock=0.1)) as pool:
        async with pool.connection() as first, pool.connection() as second:
            await asyncio.gather(first.execute("SELECT 1"), second.execute("SELECT 1"))
        yield pool


async def write_and_fail(pool) -> None:
    """Write in a transaction and raise an error of the service."""
    async with pool.transaction() as connection:
        await connection.execute(WRITE, "2")
        raise NotFound("no such title")


async def select_one(connection) -> int:
    """Run the smallest statement."""
    return await connection.fetchval("SELECT 1")


# A lost database


@pytest.mark.parametrize("kind", ["connection", "transaction"])
async def test_terminated_connection_raises_unavailable_and_the_next_one_works(real_pool, administrator, kind):
    async def lose() -> None:
        async with getattr(real_pool, kind)() as connection:
            await administrator.execute(END_OTHERS)
            await connection.execute(WRITE, "1")

    with pytest.raises(Unavailable) as caught:
        await lose()

    assert caught.value.__cause__ is not None
    async with real_pool.connection() as connection:
        assert await select_one(connection) == 1


async def test_transaction_terminated_before_its_commit_raises_unavailable_and_is_rolled_back(real_pool, administrator):
    async def lose() -> None:
        async with real_pool.transaction() as connection:
            await connection.execute(WRITE, "1")
            await administrator.execute(END_OTHERS)

    with pytest.raises(Unavailable):
        await lose()

    assert await administrator.fetchval(COUNT) == 0


async def test_read_is_retried_after_its_connection_is_lost(real_pool, administrator):
    calls = []

    async def read(connection):
        calls.append(connection)
        if len(calls) == 1:
            await administrator.execute(END_OTHERS)
        return await select_one(connection)

    assert await real_pool.read(read) == 1
    assert len(calls) == 2


async def test_read_is_retried_only_once(real_pool):
    calls = []

    async def read(connection):
        calls.append(connection)
        await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(Unavailable):
        await real_pool.read(read)
    assert len(calls) == 2


async def test_reads_succeed_after_idle_connections_were_terminated(real_pool, administrator):
    await administrator.execute(END_OTHERS)

    assert await asyncio.gather(*(real_pool.read(select_one) for _ in range(4))) == [1, 1, 1, 1]


async def test_pool_reconnects_after_a_failover(own_database, administrator):
    """A connection to a server that became a replica stays open, but is read-only."""
    name = await administrator.fetchval("SELECT current_database()")
    await administrator.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with await open_pool(own_database, size=1) as pool:
        with pytest.raises(Unavailable):
            async with pool.connection() as connection:
                await connection.execute(WRITE, "1")
        await administrator.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")

        async with pool.connection() as connection:
            assert await connection.execute(WRITE, "1") == "INSERT 0 1"


# A slow or busy database


async def test_exhausted_pool_raises_unavailable_within_a_second(own_database):
    async with await open_pool(own_database, size=1) as pool, pool.connection():
        async with asyncio.timeout(1):
            with pytest.raises(Unavailable):
                async with pool.connection():
                    pytest.fail("the pool lent more connections than it has")


async def test_slow_statement_raises_unavailable_and_its_connection_is_usable_again(real_pool):
    async with asyncio.timeout(2):
        with pytest.raises(Unavailable):
            async with real_pool.connection() as connection:
                await connection.execute("SELECT pg_sleep(10)")

    async with real_pool.connection() as connection:
        assert await select_one(connection) == 1


async def test_locked_row_raises_unavailable_before_the_statement_times_out(real_pool, administrator):
    await administrator.execute(WRITE, "1")
    async with administrator.transaction():
        await administrator.execute("UPDATE player SET revision = 2")

        with pytest.raises(Unavailable) as caught:
            async with real_pool.connection() as connection:
                await connection.execute("UPDATE player SET revision = 3")

    assert isinstance(caught.value.__cause__, asyncpg.LockNotAvailableError)


async def shown(connection) -> list[str]:
    """The limits of the statements that the connection runs now."""
    return [await connection.fetchval(f"SHOW {name}") for name in limits.READ.settings]


@pytest.mark.parametrize("kind", ["connection", "transaction"])
async def test_each_class_of_statements_has_its_own_limits(own_database, kind):
    async with await open_pool(own_database, size=1) as pool:

        async def of(chosen) -> list[str]:
            async with getattr(pool, kind)(chosen) as connection:
                return await shown(connection)

        assert await of(limits.READ) == ["1s", "500ms", "2s"]
        assert await of(limits.IMPORT) == ["1min", "5s", "2min"]
        assert await of(limits.CATALOG) == ["10s", "5s", "20s"]  # also after an import on the same connection
        assert await of(limits.WRITE) == ["1s", "500ms", "2s"]


@pytest.mark.parametrize("chosen", [limits.READ, limits.CATALOG, limits.IMPORT])
async def test_a_command_has_no_limits(own_database, chosen):
    async with await open_pool(own_database, size=1, limits=UNLIMITED) as pool, pool.connection(chosen) as connection:
        assert await shown(connection) == ["0", "0", "0"]


async def test_long_statements_leave_the_connections_of_players_free(own_database):
    async with await open_pool(own_database, size=1) as pool, contextlib.AsyncExitStack() as held:
        for _ in range(2):
            await held.enter_async_context(pool.connection(limits.IMPORT))

        assert await pool.read(select_one) == 1


async def test_unreachable_database_at_startup_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="LAUREL_DATABASE_URL"):
        await open_pool("postgresql://laurel:hunter2@127.0.0.1:1/laurel", size=1)


# Errors of the caller


@pytest.mark.parametrize(
    ("statement", "value", "error"),
    [
        pytest.param("SELECT $1::bigint", 2**63, asyncpg.DataError, id="rejected by asyncpg"),
        pytest.param("SELECT $1::text", "\0", asyncpg.CharacterNotInRepertoireError, id="rejected by PostgreSQL"),
        pytest.param(WRITE, "", asyncpg.CheckViolationError, id="check constraint"),
        pytest.param("SELECT $1::text FROM no_such_table", "", asyncpg.UndefinedTableError, id="unknown table"),
    ],
)
async def test_errors_of_the_caller_are_not_translated(pool, statement, value, error):
    with pytest.raises(error):
        async with pool.connection() as connection:
            await connection.fetch(statement, value)


async def test_error_of_the_service_passes_through_and_rolls_back(real_pool, administrator):
    with pytest.raises(NotFound):
        await write_and_fail(real_pool)

    assert await administrator.fetchval(COUNT) == 0


# A pool of one connection that the caller owns


async def test_lent_connection_is_used_by_one_caller_at_a_time(pool):
    """A second statement while one is running is an error of asyncpg."""
    assert await asyncio.gather(*(pool.read(select_one) for _ in range(8))) == [1] * 8


async def test_failed_statement_does_not_affect_the_next(connection):
    pool = LentPool(connection)
    with contextlib.suppress(asyncpg.DivisionByZeroError):
        async with pool.connection() as borrowed:
            await borrowed.execute("SELECT 1 / 0")

    async with pool.transaction() as borrowed:
        assert await select_one(borrowed) == 1


async def test_transaction_on_a_lent_connection_is_rolled_back_alone(connection):
    pool = LentPool(connection)
    await connection.execute(WRITE, "1")
    before = await connection.fetchval(COUNT)

    with pytest.raises(NotFound):
        await write_and_fail(pool)

    assert await connection.fetchval(COUNT) == before
