"""Coalesced reads: all questions asked while a statement is under way travel together in the next one.

The cost of a request falls as load rises, and never more than a few connections are in use.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")

_MOST_TOGETHER = 256  # questions a statement: bounds what one slow answer can hold up


class BatchLoader(Generic[Question, Answer]):
    """Answers single questions by context many at once.

    `answer_all` gets the questions and gives their answers in the same order. What it raises, each of the questions
    that travelled together gets. `lanes` statements may be under way at once.
    """

    def __init__(
        self, answer_all: Callable[[list[Question]], Awaitable[list[Answer]]], *, max_concurrency: int = 2
    ) -> None:
        self._answer_all = answer_all
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._free_lanes = max_concurrency
        self._running: set[asyncio.Task[None]] = set()

    def load(self, question: Question) -> asyncio.Future[Answer]:
        """The answer, to be awaited."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._free_lanes:
            self._free_lanes -= 1
            task = asyncio.create_task(self._run())
            self._running.add(task)  # the loop itself keeps only a weak reference
            task.add_done_callback(self._running.discard)
        return future

    async def _run(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
                await self._answer(together)
        finally:
            self._free_lanes += 1

    async def _answer(self, together: list[tuple[Question, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._answer_all([question for question, _ in together])
        except Exception as error:  # noqa: BLE001  (each of those who asked is told, and decides)
            for _, future in together:
                if not future.done():  # whoever asked may have gone
                    future.set_exception(error)
        else:
            for (_, future), answer in zip(together, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
