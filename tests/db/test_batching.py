"""Coalesced reads: who asks while a statement is under way travels in the next; nobody gets another's answer."""

import asyncio
import itertools

import pytest

from service.db.batching import BatchLoader


class Desk:
    """Answers a number with its double once the door is open, and remembers who came together."""

    def __init__(self) -> None:
        self.together: list[list[int]] = []
        self.open = asyncio.Event()
        self.at_once = self.most_at_once = 0

    async def answer(self, questions: list[int]) -> list[int]:
        """The doubles; ValueError if one is negative."""
        self.together.append(questions)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.open.wait()
        finally:
            self.at_once -= 1
        if min(questions) < 0:
            raise ValueError("negative")
        return [2 * question for question in questions]


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def turn() -> None:
    """Let everything that can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_answer_is_that_of_its_question(desk):
    desk.open.set()
    reads = BatchLoader(desk.answer)

    assert await asyncio.gather(*(reads.load(number) for number in range(100))) == [2 * n for n in range(100)]


async def test_who_asks_at_the_same_time_travels_together(desk):
    desk.open.set()
    reads = BatchLoader(desk.answer)

    await asyncio.gather(*(reads.load(number) for number in range(5)))

    assert desk.together == [[0, 1, 2, 3, 4]]


async def test_who_asks_while_a_statement_is_under_way_waits_for_the_next(desk):
    reads = BatchLoader(desk.answer, max_concurrency=1)
    first = reads.load(1)
    await turn()
    later = [reads.load(number) for number in (2, 3, 4)]
    await turn()

    assert desk.together == [[1]]
    desk.open.set()
    assert await asyncio.gather(first, *later) == [2, 4, 6, 8]
    assert desk.together == [[1], [2, 3, 4]]


async def test_as_many_statements_as_there_are_lanes_go_on_at_once(desk):
    reads = BatchLoader(desk.answer, max_concurrency=2)
    answers = []
    for number in range(6):
        answers.append(reads.load(number))
        await turn()

    assert desk.together == [[0], [1]]
    desk.open.set()
    assert await asyncio.gather(*answers) == [0, 2, 4, 6, 8, 10]
    assert desk.together == [[0], [1], [2, 3, 4, 5]]
    assert desk.most_at_once == 2


async def test_a_lane_is_free_again_when_nobody_waits(desk):
    desk.open.set()
    reads = BatchLoader(desk.answer, max_concurrency=1)

    for number in range(3):
        assert await reads.load(number) == 2 * number

    assert desk.together == [[0], [1], [2]]


async def test_a_statement_carries_at_most_256(desk):
    desk.open.set()
    reads = BatchLoader(desk.answer, max_concurrency=1)

    answers = await asyncio.gather(*(reads.load(number) for number in range(600)))

    assert answers == [2 * number for number in range(600)]
    assert [len(questions) for questions in desk.together] == [256, 256, 88]
    assert [*itertools.chain(*desk.together)] == [*range(600)]


async def test_an_error_reaches_all_who_travelled_together_and_nobody_else(desk):
    reads = BatchLoader(desk.answer, max_concurrency=1)
    asked = [reads.load(number) for number in (1, -1, 2)]
    await turn()
    later = [reads.load(number) for number in (3, 4)]
    desk.open.set()

    found = await asyncio.gather(*asked, *later, return_exceptions=True)

    assert [str(error) for error in found[:3]] == ["negative"] * 3
    assert found[3:] == [6, 8]
    assert await reads.load(5) == 10


@pytest.mark.parametrize("number", [2, -2])
async def test_who_has_gone_takes_nothing_from_the_others(desk, number):
    """Also if the statement fails."""
    reads = BatchLoader(desk.answer, max_concurrency=1)
    gone, stays, later = reads.load(number), reads.load(3), reads.load(4)
    await turn()
    gone.cancel()
    waiting = reads.load(5)
    waiting.cancel()
    desk.open.set()

    found = await asyncio.gather(stays, later, return_exceptions=True)

    assert [str(each) for each in found] == (["6", "8"] if number > 0 else ["negative"] * 2)
    assert gone.cancelled()
    assert waiting.cancelled()
    assert await reads.load(6) == 12
