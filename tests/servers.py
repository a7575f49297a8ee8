"""The real `laurel` as a process, from this checkout or another place, and what it said."""

import contextlib
import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

LAUREL = (str(pathlib.Path(sys.executable).with_name("laurel")),)
PATIENCE = 30.0  # seconds, on a machine that does other things too


def environment(**settings: str) -> dict[str, str]:
    """Ours without what speaks to laurel, and with these settings: `environment(LAUREL_DATA="…")`."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("LAUREL_", "PG"))}
    return ours | {"PYTHONDONTWRITEBYTECODE": "1"} | settings


def laurel(*arguments: object, command: tuple[str, ...] = LAUREL, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command run to its end."""
    return subprocess.run(  # noqa: S603  (our own program)
        [*command, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
    )


class Running:
    """A `laurel` that goes on. `url` is what its ready line named, `said` all other lines so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.url = ""
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def wait_until_ready(self) -> None:
        """Returns once it says so; fails if it ends instead."""
        deadline = time.monotonic() + PATIENCE
        while not self.url:
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            assert line is not None, f"laurel ended before it was ready: {self.said}"
            if line.startswith("ready http://"):
                self.url = line.removeprefix("ready ").split()[0]
            self.said.append(line)

    def line(self, start: str) -> str:
        """The rest of the next line that begins so, and comes after the ready line."""
        deadline = time.monotonic() + PATIENCE
        while True:
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            assert line is not None, f"laurel ended before it said {start!r}: {self.said}"
            self.said.append(line)
            if line.startswith(start):
                return line.removeprefix(start)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; gives the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        with contextlib.suppress(queue.Empty):
            while (line := self._lines.get(timeout=1.0)) is not None:
                self.said.append(line)
        return status


@contextlib.contextmanager
def running(
    *arguments: object, command: tuple[str, ...] = LAUREL, folder: pathlib.Path | None = None, **settings: str
) -> Iterator[Running]:
    """A `laurel` that is ready, killed at the end of the block if it is still there."""
    process: subprocess.Popen[Any] = subprocess.Popen(  # noqa: S603  (our own program)
        [*command, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(**settings),
        cwd=folder,
    )
    with process:
        started = Running(process)
        try:
            started.wait_until_ready()
            yield started
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    process.kill()


def processes_on(folder: pathlib.Path) -> Mapping[int, str]:
    """Every process whose command line names the folder, or that works in it: number → command line."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = (entry / "cwd").readlink()
            if str(folder) in line or place.is_relative_to(folder):
                found[int(entry.name)] = line
    return found
