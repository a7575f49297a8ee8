"""Server processes, and their CPU time and memory from /proc; NaN where there is none."""

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
    """Run `python -m …` during the block, which begins after its line `ready http://…`. Its log goes to a file.

    `settings` are its only LAUREL_* variables.
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
    """The CPU time of a process so far, in user and kernel mode."""
    try:
        fields = _stat(pid)
    except OSError:
        return math.nan
    return (int(fields[11]) + int(fields[12])) / _TICKS


def cpu_seconds_of_children(pid: int) -> float:
    """The CPU time of all current children of a process, such as the backends of PostgreSQL."""
    total = 0.0 if _PROC.is_dir() else math.nan
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if parent(int(folder.name)) == pid:
                total += cpu_seconds(int(folder.name))
    return total


def parent(pid: int) -> int:
    """The id of a process's parent; 0 without /proc."""
    return int(_stat(pid)[1]) if _PROC.is_dir() else 0


def peak_megabytes(pid: int) -> float:
    """The peak resident memory of a process in MB of 10**6 bytes."""
    try:
        status = (_PROC / str(pid) / "status").read_text()
    except OSError:
        return math.nan
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on; the second is a name with any characters (proc(5))."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
