"""Servers as processes of their own, and what they take of the machine. Linux tells through /proc; elsewhere NaN."""

import asyncio
import contextlib
import math
import os
import pathlib
import sys
from collections.abc import AsyncIterator, Mapping

import msgspec

_START_TIMEOUT = 60.0  # seconds
_STOP_TIMEOUT = 10.0
_PROC = pathlib.Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")  # per second


class Server(msgspec.Struct, frozen=True):
    """A server under load: its process and its port on loopback."""

    pid: int
    port: int


@contextlib.asynccontextmanager
async def started(*arguments: str, log: pathlib.Path, settings: Mapping[str, str]) -> AsyncIterator[Server]:
    """`python -m …` until the end of the block, once it has said `ready http://…`. What it logs goes to a file.

    `settings` are the only LAUREL_* it gets.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LAUREL_")}
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=file,
            env=environment | dict(settings),
        )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), _START_TIMEOUT)).decode()
        if not line.startswith("ready http://"):
            raise RuntimeError(f"{arguments[0]} did not start, see {log}: {line!r}")
        yield Server(process.pid, int(line.rpartition(":")[2]))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_TIMEOUT)
        except TimeoutError:
            process.kill()
            await process.wait()


def cpu_seconds(pid: int) -> float:
    """What a process has taken so far, in user mode and in the kernel."""
    try:
        fields = _stat(pid)
    except OSError:
        return math.nan
    return (int(fields[11]) + int(fields[12])) / _TICKS


def cpu_seconds_of_children(pid: int) -> float:
    """The same for all children of a process that there are now, such as the backends of a Postgres."""
    total = 0.0 if _PROC.is_dir() else math.nan
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if parent(int(folder.name)) == pid:
                total += cpu_seconds(int(folder.name))
    return total


def parent(pid: int) -> int:
    """The process that started this one; 0 where nothing tells."""
    return int(_stat(pid)[1]) if _PROC.is_dir() else 0


def peak_megabytes(pid: int) -> float:
    """The most memory that a process has had resident, in MB of 10**6 bytes."""
    try:
        status = (_PROC / str(pid) / "status").read_text()
    except OSError:
        return math.nan
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def _stat(pid: int) -> list[str]:
    """The fields from the third on: the second is a name, which may hold anything (proc(5))."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
