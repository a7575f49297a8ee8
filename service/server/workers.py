"""Worker processes behind one socket: gunicorn starts, replaces and stops them.

The parent holds the listening socket, so connections wait in its queue while a worker is replaced. A thread of each
worker says twice a second that the process runs; one that says nothing for three seconds, because it was stopped or
hangs, is killed and replaced.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import uvloop
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from service.server import lifecycle
from service.settings import Settings

BEAT_SECONDS = 0.5
LOOK_SECONDS = 0.5  # between two looks of the parent
SILENT_SECONDS = 3.0  # without a beat, until a worker is killed: no call of Python holds the interpreter as long
LOOP_SECONDS = 30.0  # without an iteration of its event loop, until a worker is killed
CRASH_PAUSE_SECONDS = 1.0  # before a worker that failed ends and is replaced
_POOL_SECONDS = 5.0  # for connections to the database that do not close


def serve(
    settings: Settings,
    *,
    url: str,
    listen: socket.socket,
    ops: Sequence[socket.socket],
    ready: Callable[[], None],
) -> None:
    """Serve on the socket with one process per ops socket, until SIGINT or SIGTERM.

    A process that replaces a dead one takes over its ops socket. The process with the first ops socket calls `ready`
    once it answers requests. The socket is closed for the caller: who still held it would keep it listening.
    """
    _WorkerApplication(settings, url=url, listen=listen, ops=ops, ready=ready).run()


class _WorkerApplication(BaseApplication):  # type: ignore[misc]  # (gunicorn has no types)
    def __init__(
        self,
        settings: Settings,
        *,
        url: str,
        listen: socket.socket,
        ops: Sequence[socket.socket],
        ready: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._url = url
        self._listen = listen.detach()
        self._ops = ops
        self._ready = ready
        self._slot = 0
        self._slots: dict[int, int] = {}  # gunicorn's age of each running worker → its ops socket
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's settings; no file or command line is read."""
        drain = self._settings.drain + lifecycle.LINGER_SECONDS + 2 * lifecycle.SHUTDOWN_SECONDS + _POOL_SECONDS
        options = {
            "bind": f"fd://{self._listen}",
            "workers": len(self._ops),
            "worker_class": _ServiceWorker,
            "graceful_timeout": round(drain),
            "loglevel": "warning",
            "pre_fork": self._assign_slot,
            "child_exit": self._release_slot,
            "worker_exit": _exit,
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[[socket.socket], Any]:
        """The coroutine function that serves on a socket, for one process."""

        async def serve_one(listen: socket.socket) -> None:
            await lifecycle.serve(
                self._settings,
                url=self._url,
                listen=listen,
                ops_listen=self._ops[self._slot],
                ready=self._ready if self._slot == 0 else _no_announcement,
                stop_signals=(signal.SIGTERM, signal.SIGQUIT),
                has_parent=True,
            )

        return serve_one

    def run(self) -> None:
        """Run until a signal ends it."""
        _Parent(self).run()

    def _assign_slot(self, _arbiter: object, worker: Any) -> None:
        self._slot = min(set(range(len(self._ops))) - set(self._slots.values()))
        self._slots[worker.age] = self._slot
        worker.notify()  # from now on its silence counts

    def _release_slot(self, _arbiter: object, worker: Any) -> None:
        self._slots.pop(worker.age, None)


class _Parent(Arbiter):  # type: ignore[misc]
    """The parent process."""

    def __init__(self, app: _WorkerApplication) -> None:
        super().__init__(app)
        self._looked_at = time.monotonic()
        self._is_stopping = False
        self._is_forced = False

    def signal(self, sig: int, frame: object) -> None:
        """Queue a signal. One that asks again for the end ends the workers at once."""
        if self._is_stopping and sig in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            self._is_forced = True
            self.kill_workers(signal.SIGKILL)
        else:
            super().signal(sig, frame)

    def wait_for_signals(self, timeout: float = LOOK_SECONDS) -> list[int]:
        """The signals of the next moment; gunicorn looks after its workers between two calls."""
        signals: list[int] = super().wait_for_signals(timeout)
        return signals

    def stop(self, graceful: bool = True) -> None:  # noqa: FBT001, FBT002  (gunicorn's own signature)
        """Stop the workers and wait for them."""
        self._is_stopping = True
        super().stop(graceful)

    def halt(self, reason: str | None = None, exit_status: int = 0) -> None:
        """Stop, and end this process."""
        try:
            super().halt(reason, exit_status)
        finally:
            if self._is_forced:
                sys.exit(128 + signal.SIGTERM)

    def murder_workers(self) -> None:
        """Kill silent workers. gunicorn asks them to abort first, which a stopped process does not hear."""
        now = time.monotonic()
        was_away = now - self._looked_at > SILENT_SECONDS  # stopped, or short of processor time, as they were then
        self._looked_at = now
        if was_away:
            return
        for pid, worker in list(self.WORKERS.items()):
            if now - worker.tmp.last_update() > SILENT_SECONDS:
                self.log.error("worker %s has not answered for %g s and is replaced", pid, SILENT_SECONDS)
                self.kill_worker(pid, signal.SIGKILL)


class _ServiceWorker(Worker):  # type: ignore[misc]
    """One process of the service. gunicorn's and aiohttp's own workers drop connections when they stop."""

    _looped_at = 0.0

    def init_signals(self) -> None:
        """Undo the parent's handlers; those of the service are set with its event loop."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGUSR1, signal.SIGWINCH):  # a terminal sends SIGINT to the parent too
            signal.signal(number, _ignore)  # SIG_IGN would be inherited by the shell that runs PostgreSQL

    def run(self) -> None:
        """Serve until a signal ends the process."""
        self._looped_at = time.monotonic()
        threading.Thread(target=self._beat, daemon=True).start()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except Exception:
            time.sleep(CRASH_PAUSE_SECONDS)
            raise

    async def _serve(self) -> None:
        self._note_iteration(asyncio.get_running_loop())
        await self.wsgi(self.sockets[0].sock)

    def _note_iteration(self, loop: asyncio.AbstractEventLoop) -> None:
        self._looped_at = time.monotonic()
        loop.call_later(BEAT_SECONDS, self._note_iteration, loop)

    def _beat(self) -> None:
        """Tell the parent that the process runs, and end with the parent."""
        while os.getppid() == self.ppid:
            if time.monotonic() - self._looped_at < LOOP_SECONDS:
                self.notify()
            time.sleep(BEAT_SECONDS)
        os.kill(os.getpid(), signal.SIGQUIT)


def _ignore(_number: int, _frame: object) -> None:
    """Nothing is done about a signal that is meant for the parent."""


def _no_announcement() -> None:
    """Nothing is printed by the other processes."""


def _exit(_arbiter: object, _worker: object) -> None:
    """Exit without clean-up handlers: those of the parent, such as stopping the database, must not run here."""
    reason = sys.exc_info()[1]
    code = reason.code if isinstance(reason, SystemExit) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)
