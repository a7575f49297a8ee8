"""Child processes for work that would hold the event loop: bounded in number, time and memory, in turn by caller.

Reading files, comparing, checking and writing exports hold the interpreter for as long as a title is large. A child
does it at a lower priority, so that the process that serves players keeps its core. It is a Python of its own that
reads calls from its input and writes results to its output, both pickled; it knows no setting and no database.
"""

import asyncio
import contextlib
import os
import pathlib
import pickle
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, ParamSpec, Protocol, TypeVar

from service.errors import LaurelError, PayloadTooLarge, TooManyRequests, Unavailable

P = ParamSpec("P")
T = TypeVar("T")

SMALL_BYTES = 16 * 1024  # of arguments: a call takes a few milliseconds, and asking a child longer
MAX_WAITING = 8  # calls, each with its arguments in memory
MAX_WAITING_OF_CALLER = 4
MAX_SECONDS = 60  # of one call
MAX_MEMORY_BYTES = 2**30  # of address space
REPLACED_ABOVE_BYTES = 256 * 2**20  # a child that once needed more is replaced, which gives the memory back
IDLE_SECONDS = 60.0  # until a child without work is ended
RETRY_AFTER_SECONDS = 2
_NICENESS = 10
_CALL = struct.Struct("!Q")  # bytes of the pickled call
_RESULT = struct.Struct("!Q?")  # bytes of the pickled result, and whether the child ends after it
_PIECE_BYTES = 256 * 1024


class Run(Protocol):
    """Runs a pure function somewhere. Function, arguments and result can be pickled."""

    async def __call__(self, function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> T:
        """The result of the function, or its exception."""
        ...


async def in_place(function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> T:
    """Run a function here and now: for commands, which serve nobody meanwhile."""
    return function(*arguments, **named)


class Processes:
    """The child processes of this process, at most `count`; each is started when work needs it.

    Callers take turns: each has one call run before any has a second one.
    """

    def __init__(self, count: int = 1) -> None:
        self._free = count
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._children: set[_Child] = set()
        self._idle: list[_Child] = []
        self._starting: set[asyncio.Future[_Child]] = set()
        self._alone: set[str] = set()
        self._is_closed = False

    def run_for(self, caller: str) -> Run:
        """Runs functions on behalf of a caller, small ones here and others in a child, which ends if it is cancelled.

        A call raises:
            TooManyRequests: the caller has too many calls waiting.
            Unavailable: too many calls are waiting, or the child died twice.
            PayloadTooLarge: the call needed too much time or memory.
        """

        async def run(function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> T:
            call = pickle.dumps((function, arguments, named), protocol=pickle.HIGHEST_PROTOCOL)
            if len(call) <= SMALL_BYTES:
                return function(*arguments, **named)
            async with self._turn(caller):
                result: T = await self._run_in_child(call)
                return result

        return run

    @contextlib.contextmanager
    def one_at_a_time(self, caller: str) -> Iterator[None]:
        """Refuse a second import or export of the same caller for as long as the block runs.

        Raises:
            TooManyRequests: the caller has one already.
        """
        if caller in self._alone:
            raise _too_many("another import or export of yours is still running: try again when it has ended")
        self._alone.add(caller)
        try:
            yield
        finally:
            self._alone.remove(caller)

    async def close(self) -> None:
        """End all children; what they were doing is lost."""
        self._is_closed = True
        await asyncio.gather(*self._starting, return_exceptions=True)
        for child in list(self._children):
            await self._end(child)

    @contextlib.asynccontextmanager
    async def _turn(self, caller: str) -> AsyncIterator[None]:
        """Wait until a child may be used, in turn with other callers."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(caller)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, caller: str) -> None:
        if len(self._waiting.get(caller, ())) >= MAX_WAITING_OF_CALLER:
            raise _too_many("too much work of yours is waiting: try again when some of it has ended")
        if sum(map(len, self._waiting.values())) >= MAX_WAITING:
            raise _unavailable("too much work on texts is waiting: try again")
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._leave(caller, turn)
            else:
                self._pass_on()
            raise

    def _leave(self, caller: str, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(caller, deque())
        with contextlib.suppress(ValueError):  # it was passed over already
            turns.remove(turn)
        if not turns:
            self._waiting.pop(caller, None)

    def _pass_on(self) -> None:
        """Let the next caller go on. The one after it is another caller, if one waits."""
        while self._waiting:
            caller = next(iter(self._waiting))
            turns = self._waiting.pop(caller)
            turn = turns.popleft()
            if turns:
                self._waiting[caller] = turns
            if not turn.cancelled():
                turn.set_result(None)
                return
        self._free += 1

    async def _run_in_child(self, call: bytes) -> Any:
        for _ in range(2):
            child = await self._take()
            try:
                result, is_last = await child.call(call)
            except (EOFError, OSError):
                if await self._end(child) == -signal.SIGALRM:
                    raise PayloadTooLarge(f"this takes longer than {MAX_SECONDS} s") from None
                continue
            except BaseException:
                await self._end(child)
                raise
            if is_last:
                await self._end(child)
            else:
                self._give_back(child)
            is_error, value = pickle.loads(result)  # noqa: S301  (from our child)
            if is_error:
                raise value
            return value
        raise _unavailable("a process that works on texts ended twice: try again")

    async def _take(self) -> "_Child":
        if self._is_closed:
            raise _unavailable("the service is stopping")
        if self._idle:
            return self._idle.pop()
        starting = asyncio.ensure_future(_start_child())
        self._starting.add(starting)
        starting.add_done_callback(self._started)
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:  # of the call, not of the start
            starting.add_done_callback(self._keep)
            raise
        except OSError:
            raise _unavailable("no process can be started at the moment: try again") from None

    def _started(self, starting: "asyncio.Future[_Child]") -> None:
        self._starting.discard(starting)
        if starting.exception() is None:
            self._children.add(starting.result())

    def _keep(self, started: "asyncio.Future[_Child]") -> None:
        if started.exception() is None:
            self._give_back(started.result())

    def _give_back(self, child: "_Child") -> None:
        self._idle.append(child)
        child.used_at = time.monotonic()
        asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end_if_idle, child)

    def _end_if_idle(self, child: "_Child") -> None:
        if child in self._idle and time.monotonic() - child.used_at >= IDLE_SECONDS - 1:
            child.ending = asyncio.ensure_future(self._end(child))

    async def _end(self, child: "_Child") -> int:
        """Kill a child, and return its exit status."""
        if child in self._idle:
            self._idle.remove(child)
        status = await child.kill()
        self._children.discard(child)
        return status


class _Child:
    """One child process, and the socket to it. `ending` keeps the task that ends it."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self.used_at = 0.0
        self.ending: asyncio.Future[int] | None = None

    async def call(self, call: bytes) -> tuple[bytearray, bool]:
        """The pickled result of a call, and whether the child ends now.

        Raises:
            EOFError: the child ended before.
            OSError: the same.
        """
        self._writer.write(_CALL.pack(len(call)))
        for start in range(0, len(call), _PIECE_BYTES):
            self._writer.write(call[start : start + _PIECE_BYTES])
            await self._writer.drain()
        size, is_last = _RESULT.unpack(await self._reader.readexactly(_RESULT.size))
        result = bytearray(size)  # filled as it arrives: `readexactly` would copy it whole at the end
        filled = 0
        while piece := await self._reader.read(min(_PIECE_BYTES, size - filled)):
            result[filled : filled + len(piece)] = piece
            filled += len(piece)
        if filled < size:
            raise EOFError
        return result, is_last

    async def kill(self) -> int:
        """End it, and return its exit status."""
        self._process.kill()
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        return await asyncio.to_thread(self._process.wait)


async def _start_child() -> _Child:
    """A new child, without the settings of the service: they hold secrets, and it reads files of strangers.

    It is started in a thread: a process of some hundred megabytes takes a while to start another one.
    """
    ours, theirs = socket.socketpair()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LAUREL_", "PG"))}

    def start() -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-P", "-m", "service.concurrency.processes"]
        return subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno(), env=environment)  # noqa: S603  (this module)

    try:
        with theirs:
            process = await asyncio.to_thread(start)
    except BaseException:
        ours.close()
        raise
    return _Child(process, *await asyncio.open_connection(sock=ours, limit=4 * _PIECE_BYTES))


def _too_many(message: str) -> TooManyRequests:
    return TooManyRequests(message, policy="concurrent", limit=1, retry_after=RETRY_AFTER_SECONDS)


def _unavailable(message: str) -> Unavailable:
    error = Unavailable(message)
    error.retry_after_seconds = RETRY_AFTER_SECONDS
    return error


def main() -> None:
    """Run calls from the standard input until it ends, and write their results to the standard output."""
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # sent to all processes of a service: the parent finishes its requests
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICENESS)
    with contextlib.suppress(OSError, ValueError):  # not every system has this limit
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no result
    while header := source.read(_CALL.size):
        signal.alarm(MAX_SECONDS)  # ends this process, even if its parent has ended
        result = _result_of(source.read(*_CALL.unpack(header)))
        signal.alarm(0)
        is_last = _peak_bytes() > REPLACED_ABOVE_BYTES
        sink.write(_RESULT.pack(len(result), is_last))
        sink.write(result)
        sink.flush()


def _result_of(call: bytes) -> bytes:
    """Whether a call failed, and its result or exception, pickled."""
    error: Exception
    try:
        function, arguments, named = pickle.loads(call)  # noqa: S301  (from our parent)
        return pickle.dumps((False, function(*arguments, **named)), protocol=pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        error = PayloadTooLarge(f"this needs more than {MAX_MEMORY_BYTES >> 20} MB of memory")
    except LaurelError as refusal:
        error = refusal
    except Exception as bug:  # noqa: BLE001  (raised again by the parent)
        error = bug
        error.add_note(traceback.format_exc())
    return pickle.dumps((True, error.with_traceback(None)), protocol=pickle.HIGHEST_PROTOCOL)


def _peak_bytes() -> int:
    """The most memory that this process has used so far.

    Not by `getrusage` where the system tells it otherwise: what that counts begins at the memory of the parent.
    """
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    main()
