"""The installed command `laurel` as a process: run to its end, or running in the background."""

import contextlib
import os
import pathlib
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

LAUREL = (str(pathlib.Path(sys.executable).with_name("laurel")),)
PATIENCE = 30.0  # seconds, enough for a busy machine


def free_port(count: int = 2) -> int:
    """The first of this many free ports in a row, below those that the system gives to outgoing connections."""
    while True:
        port = random.randrange(20_000, 32_000, 8)  # noqa: S311  (no secret)
        with contextlib.suppress(OSError), contextlib.ExitStack() as probes:
            for number in range(port, port + count):
                probes.enter_context(socket.create_server(("127.0.0.1", number)))
            return port


def environment(**settings: str) -> dict[str, str]:
    """This environment with these settings instead of all LAUREL_* and PG* variables: `environment(LAUREL_DATA="…")`.

    Unless they say otherwise, a service ends without the seconds in which a balancer would notice it.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LAUREL_", "PG"))}
    return inherited | {"PYTHONDONTWRITEBYTECODE": "1", "LAUREL_DRAIN": "0"} | settings


def laurel(*arguments: object, command: tuple[str, ...] = LAUREL, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(  # noqa: S603  (the project's own command)
        [*command, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
    )


class Running:
    """A running `laurel`. `url` is from its ready line; `lines` are all lines that it has printed so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.url = ""
        self.lines: list[str] = []
        self._unread: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._unread.put(line.rstrip("\n"))
        self._unread.put(None)

    def wait_until_ready(self) -> None:
        """Wait for the ready line; fail if the process ends before."""
        deadline = time.monotonic() + PATIENCE
        while not self.url:
            try:
                line = self._unread.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"laurel was not ready in time: {self.lines}") from None
            assert line is not None, f"laurel ended before it was ready: {self.lines}"
            if line.startswith("ready http://"):
                self.url = line.removeprefix("ready ").split()[0]
            self.lines.append(line)

    def line(self, start: str) -> str:
        """The rest of the next line with this start, after the ready line."""
        deadline = time.monotonic() + PATIENCE
        while True:
            line = self._unread.get(timeout=max(0.0, deadline - time.monotonic()))
            assert line is not None, f"laurel ended before it printed {start!r}: {self.lines}"
            self.lines.append(line)
            if line.startswith(start):
                return line.removeprefix(start)

    def take_lines(self) -> list[str]:
        """The lines that were printed and not read yet, without waiting for more."""
        taken = []
        with contextlib.suppress(queue.Empty):
            while (line := self._unread.get_nowait()) is not None:
                taken.append(line)
        self.lines += taken
        return taken

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        with contextlib.suppress(queue.Empty):
            while (line := self._unread.get(timeout=1.0)) is not None:
                self.lines.append(line)
        return status


@contextlib.contextmanager
def running(
    *arguments: object, command: tuple[str, ...] = LAUREL, folder: pathlib.Path | None = None, **settings: str
) -> Iterator[Running]:
    """A `laurel` that is ready; it is ended with the block if it still runs."""
    process: subprocess.Popen[Any] = subprocess.Popen(  # noqa: S603  (the project's own command)
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
    """All processes that name the folder in their command line or have it as working directory: pid → command line."""
    processes = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            working_directory = (entry / "cwd").readlink()
            if str(folder) in line or working_directory.is_relative_to(folder):
                processes[int(entry.name)] = line
    return processes
