import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from service.concurrency import processes
from service.concurrency.processes import Processes
from service.core.formats.detect import detect_format
from service.errors import InvalidCatalog, PayloadTooLarge, TooManyRequests, Unavailable

LARGE = processes.SMALL_BYTES + 1
PID = "__import__('os').getpid()"


def large(expression: str) -> str:
    """An expression that is too large to be evaluated in this process."""
    return expression.ljust(LARGE)


@pytest.fixture
async def pool() -> AsyncIterator[Processes]:
    made = Processes()
    yield made
    await made.close()


async def test_small_work_is_done_here_and_large_work_in_a_child_of_lower_priority(pool):
    run = pool.run_for("ana")

    assert await run(eval, PID) == os.getpid()
    child, niceness = await run(eval, large(f"({PID}, __import__('os').nice(0))"))
    assert child != os.getpid()
    assert niceness > os.nice(0)
    assert await run(eval, large(PID)) == child


async def test_child_knows_no_setting(pool, monkeypatch):
    monkeypatch.setenv("LAUREL_JWT_SECRET", "secret")

    names = await pool.run_for("ana")(eval, large("list(__import__('os').environ)"))

    assert "PATH" in names
    assert "LAUREL_JWT_SECRET" not in names


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signal_to_all_processes_of_the_service_leaves_children_to_it(pool, number):
    run = pool.run_for("ana")
    child = await run(eval, large(PID))
    os.kill(child, number)

    assert await run(eval, large(PID)) == child


async def test_errors_of_the_child_are_raised_as_they_are(pool):
    with pytest.raises(InvalidCatalog) as expected:
        detect_format(b"x" * LARGE, "file.bin")
    with pytest.raises(InvalidCatalog) as raised:
        await pool.run_for("ana")(detect_format, b"x" * LARGE, "file.bin")

    assert str(raised.value) == str(expected.value)
    assert raised.value.diagnostics == expected.value.diagnostics


async def test_bug_in_the_child_keeps_its_trace(pool):
    with pytest.raises(ZeroDivisionError) as raised:
        await pool.run_for("ana")(eval, large("1 / 0"))

    assert "Traceback" in raised.value.__notes__[0]


async def test_killed_child_is_replaced_and_the_call_repeated_once(pool):
    run = pool.run_for("ana")
    first = await run(eval, large(PID))
    working = asyncio.create_task(run(eval, large(f"__import__('time').sleep(0.3) or {PID}")))
    await asyncio.sleep(0)
    os.kill(first, signal.SIGKILL)

    assert await working not in (first, os.getpid())
    with pytest.raises(Unavailable, match="ended twice"):
        await run(eval, large(f"__import__('os').kill({PID}, 9)"))
    assert await run(eval, large("1")) == 1


async def test_call_is_refused_while_no_child_can_be_started(pool, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(Unavailable, match="no process can be started"):
        await pool.run_for("ana")(eval, large("1"))
    monkeypatch.undo()

    assert await pool.run_for("ana")(eval, large("1")) == 1


async def test_call_that_needs_too_much_time_or_memory_is_refused(pool):
    run = pool.run_for("ana")

    with pytest.raises(PayloadTooLarge, match="takes longer than"):
        await run(eval, large(f"__import__('os').kill({PID}, {int(signal.SIGALRM)})"))
    with pytest.raises(PayloadTooLarge, match="of memory"):
        await run(eval, large(f"bytes({2 * processes.MAX_MEMORY_BYTES})"))
    assert await run(eval, large("1")) == 1


async def test_child_that_needed_much_memory_is_replaced(pool):
    run = pool.run_for("ana")
    used = await run(eval, large(f"bytearray(b'x' * {processes.REPLACED_ABOVE_BYTES}) and {PID}"))

    assert await run(eval, large(PID)) != used


async def test_child_is_kept_however_much_memory_its_parent_has_needed(pool):
    needed = bytearray(b"x" * processes.REPLACED_ABOVE_BYTES)
    run = pool.run_for("ana")

    assert await run(eval, large(PID)) == await run(eval, large(PID))
    assert needed


async def test_callers_take_turns(pool):
    order: list[str] = []

    async def call(caller: str) -> None:
        await pool.run_for(caller)(eval, large("1"))
        order.append(caller)

    await asyncio.gather(*(call("ana") for _ in range(4)), call("ben"), call("cy"))

    assert order == ["ana", "ana", "ben", "cy", "ana", "ana"]


async def test_waiting_calls_are_bounded_in_all_and_by_caller(pool):
    begun = [asyncio.create_task(pool.run_for("ana")(eval, large("1"))) for _ in range(6)]
    begun += [asyncio.create_task(pool.run_for(f"caller-{number}")(eval, large("1"))) for number in range(5)]

    results = await asyncio.gather(*begun, return_exceptions=True)

    assert [type(result) for result in results] == [int] * 5 + [TooManyRequests] + [int] * 4 + [Unavailable]
    assert results[-1].retry_after_seconds == processes.RETRY_AFTER_SECONDS


async def test_cancelled_call_leaves_the_queue(pool):
    run = pool.run_for("ana")
    begun = [asyncio.create_task(run(eval, large("1"))) for _ in range(5)]
    await asyncio.sleep(0)
    begun[3].cancel()

    results = await asyncio.gather(*begun, run(eval, large("2")), return_exceptions=True)

    assert [result for result in results if isinstance(result, int)] == [1, 1, 1, 1, 2]


async def test_call_that_is_cancelled_when_its_turn_comes_is_passed_over(pool):
    run = pool.run_for("ana")
    begun = [asyncio.create_task(run(eval, large("1"))) for _ in range(3)]
    begun[0].add_done_callback(lambda _: begun[1].cancel())

    results = await asyncio.gather(*begun, return_exceptions=True)

    assert results[2] == 1
    assert await run(eval, large("2")) == 2


async def test_child_of_a_cancelled_call_ends(pool):
    run = pool.run_for("ana")
    child = await run(eval, large(PID))
    working = asyncio.create_task(run(eval, large("__import__('time').sleep(30)")))
    await asyncio.sleep(0)
    working.cancel()

    with pytest.raises(asyncio.CancelledError):
        await working

    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert await run(eval, large("1")) == 1


async def test_call_that_is_cancelled_while_its_child_starts_leaves_the_child_to_others(pool):
    starting = asyncio.create_task(pool.run_for("ana")(eval, large(PID)))
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert await pool.run_for("ana")(eval, large("1")) == 1

    await pool.close()

    assert not pool._children


async def test_one_import_or_export_of_a_caller_at_a_time(pool):
    with pool.one_at_a_time("ana"):
        with pool.one_at_a_time("ben"), pytest.raises(TooManyRequests), pool.one_at_a_time("ana"):
            pass
        with pytest.raises(TooManyRequests), pool.one_at_a_time("ana"):
            pass
    with pool.one_at_a_time("ana"):
        pass


async def test_child_without_work_is_ended(pool, monkeypatch):
    monkeypatch.setattr(processes, "IDLE_SECONDS", 0.01)
    child = await pool.run_for("ana")(eval, large(PID))

    (ended,) = pool._children
    await asyncio.to_thread(ended._process.wait)

    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


async def test_no_child_outlives_the_service(pool):
    run = pool.run_for("ana")
    child = await run(eval, large(PID))
    working = asyncio.create_task(run(eval, large("__import__('time').sleep(30)")))
    await asyncio.sleep(0)

    await pool.close()

    with pytest.raises(Unavailable):
        await working
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    with pytest.raises(Unavailable, match="stopping"):
        await run(eval, large("1"))
