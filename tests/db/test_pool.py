import asyncio
import contextlib

import asyncpg
import pytest

from service.db.pool import LentPool, open_pool
from service.errors import ConfigurationError, NotFound, Unavailable

END_OTHERS = """
SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity AS a
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
"""

WRITE = "INSERT INTO player (player, revision) VALUES ($1, 1)"
COUNT = "SELECT count(*) FROM player"


@pytest.fixture
async def administrator(own_database):
    """A connection beside the pool."""
    connection = await asyncpg.connect(own_database)
    yield connection
    await connection.close()


@pytest.fixture
async def real_pool(own_database):
    """A pool of two connections, both open."""
    async with await open_pool(own_database, size=2, statement_timeout=0.2) as pool:
        async with pool.connection() as one, pool.connection() as two:
            await asyncio.gather(one.execute("SELECT 1"), two.execute("SELECT 1"))
        yield pool


async def write_and_refuse(pool) -> None:
    """A transaction that changes its mind."""
    async with pool.transaction() as connection:
        await connection.execute(WRITE, "2")
        raise NotFound("no such title")


async def one(connection) -> int:
    """The least that a connection can be asked."""
    return await connection.fetchval("SELECT 1")


# A database that is lost


@pytest.mark.parametrize("kind", ["connection", "transaction"])
async def test_a_connection_that_is_ended_says_unavailable_and_the_next_one_works(real_pool, administrator, kind):
    async def lose() -> None:
        async with getattr(real_pool, kind)() as connection:
            await administrator.execute(END_OTHERS)
            await connection.execute(WRITE, "1")

    with pytest.raises(Unavailable) as refusal:
        await lose()

    assert refusal.value.__cause__ is not None
    async with real_pool.connection() as connection:
        assert await one(connection) == 1


async def test_a_transaction_that_is_ended_before_its_commit_says_unavailable_and_leaves_nothing(
    real_pool, administrator
):
    async def lose() -> None:
        async with real_pool.transaction() as connection:
            await connection.execute(WRITE, "1")
            await administrator.execute(END_OTHERS)

    with pytest.raises(Unavailable):
        await lose()

    assert await administrator.fetchval(COUNT) == 0


async def test_a_read_outlives_its_connection(real_pool, administrator):
    calls = []

    async def read(connection):
        calls.append(connection)
        if len(calls) == 1:
            await administrator.execute(END_OTHERS)
        return await one(connection)

    assert await real_pool.read(read) == 1
    assert len(calls) == 2


async def test_a_read_is_tried_no_more_than_twice(real_pool):
    calls = []

    async def read(connection):
        calls.append(connection)
        await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(Unavailable):
        await real_pool.read(read)
    assert len(calls) == 2


async def test_idle_connections_that_were_ended_are_not_noticed_by_a_read(real_pool, administrator):
    await administrator.execute(END_OTHERS)

    assert await asyncio.gather(*(real_pool.read(one) for _ in range(4))) == [1, 1, 1, 1]


async def test_after_a_failover_the_pool_connects_anew(own_database, administrator):
    """A connection to what became a replica stays good, and read-only, for ever."""
    name = await administrator.fetchval("SELECT current_database()")
    await administrator.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with await open_pool(own_database, size=1) as pool:
        with pytest.raises(Unavailable):
            async with pool.connection() as connection:
                await connection.execute(WRITE, "1")
        await administrator.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")

        async with pool.connection() as connection:
            assert await connection.execute(WRITE, "1") == "INSERT 0 1"


# A database that is slow


async def test_a_pool_that_is_all_lent_says_unavailable_within_a_second(own_database):
    async with await open_pool(own_database, size=1) as pool, pool.connection():
        async with asyncio.timeout(1):
            with pytest.raises(Unavailable):
                async with pool.connection():
                    pytest.fail("there was none to lend")


async def test_a_slow_statement_says_unavailable_and_its_connection_is_good_again(real_pool):
    async with asyncio.timeout(2):
        with pytest.raises(Unavailable):
            async with real_pool.connection() as connection:
                await connection.execute("SELECT pg_sleep(10)")

    async with real_pool.connection() as connection:
        assert await one(connection) == 1


async def test_a_row_that_is_locked_says_unavailable_before_the_statement_is_out_of_time(real_pool, administrator):
    await administrator.execute(WRITE, "1")
    async with administrator.transaction():
        await administrator.execute("UPDATE player SET revision = 2")

        with pytest.raises(Unavailable) as refusal:
            async with real_pool.connection() as connection:
                await connection.execute("UPDATE player SET revision = 3")

    assert isinstance(refusal.value.__cause__, asyncpg.LockNotAvailableError)


async def test_long_work_asks_for_no_limit(own_database):
    async with await open_pool(own_database, size=1, statement_timeout=None) as pool, pool.connection() as connection:
        limits = [await connection.fetchval(f"SHOW {name}") for name in ("statement_timeout", "lock_timeout")]

    assert limits == ["0", "0"]


async def test_no_database_at_the_start_is_a_bad_setting():
    with pytest.raises(ConfigurationError, match="LAUREL_DATABASE_URL"):
        await open_pool("postgresql://laurel:hunter2@127.0.0.1:1/laurel", size=1)


# What is not the database's fault


@pytest.mark.parametrize(
    ("statement", "value", "error"),
    [
        pytest.param("SELECT $1::bigint", 2**63, asyncpg.DataError, id="a value that does not fit, seen here"),
        pytest.param("SELECT $1::text", "\0", asyncpg.CharacterNotInRepertoireError, id="one seen by Postgres"),
        pytest.param(WRITE, "", asyncpg.CheckViolationError, id="a rule"),
        pytest.param("SELECT $1::text FROM no_such_table", "", asyncpg.UndefinedTableError, id="a statement of ours"),
    ],
)
async def test_an_error_of_the_caller_stays_what_it_is(pool, statement, value, error):
    with pytest.raises(error):
        async with pool.connection() as connection:
            await connection.fetch(statement, value)


async def test_a_refusal_of_ours_passes_and_rolls_back(real_pool, administrator):
    with pytest.raises(NotFound):
        await write_and_refuse(real_pool)

    assert await administrator.fetchval(COUNT) == 0


# The pool of one connection


async def test_the_lent_connection_serves_one_at_a_time(pool):
    """A connection refuses a second statement while one is under way."""
    assert await asyncio.gather(*(pool.read(one) for _ in range(8))) == [1] * 8


async def test_a_failed_statement_breaks_nothing_after_it(connection):
    pool = LentPool(connection)
    with contextlib.suppress(asyncpg.DivisionByZeroError):
        async with pool.connection() as borrowed:
            await borrowed.execute("SELECT 1 / 0")

    async with pool.transaction() as borrowed:
        assert await one(borrowed) == 1


async def test_a_transaction_on_the_lent_connection_is_rolled_back_alone(connection):
    pool = LentPool(connection)
    await connection.execute(WRITE, "1")
    before = await connection.fetchval(COUNT)

    with pytest.raises(NotFound):
        await write_and_refuse(pool)

    assert await connection.fetchval(COUNT) == before
