"""Worker processes behind one socket: gunicorn starts, replaces and stops them."""

import os
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web
from gunicorn.app.base import BaseApplication

from service.server import lifecycle
from service.settings import Settings

_GRACE_SECONDS = 10  # for requests in progress


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
    once it answers requests.
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
        self._listen = listen
        self._ops = ops
        self._ready = ready
        self._slot = 0
        self._slots: dict[int, int] = {}  # gunicorn's age of each running worker → its ops socket
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's settings; no file or command line is read."""
        options = {
            "bind": f"fd://{os.dup(self._listen.fileno())}",
            "workers": len(self._ops),
            "worker_class": "aiohttp.GunicornUVLoopWebWorker",
            "graceful_timeout": _GRACE_SECONDS,
            "loglevel": "warning",
            "pre_fork": self._assign_slot,
            "child_exit": self._release_slot,
            "worker_exit": _exit,
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[[], Any]:
        """The application runner of one process."""

        async def runner() -> web.AppRunner:
            made = await lifecycle.make_runner(self._settings, url=self._url, ops_listen=self._ops[self._slot])
            if self._slot == 0:
                self._ready()
            return made

        return runner

    def _assign_slot(self, _arbiter: object, worker: Any) -> None:
        self._slot = min(set(range(len(self._ops))) - set(self._slots.values()))
        self._slots[worker.age] = self._slot

    def _release_slot(self, _arbiter: object, worker: Any) -> None:
        self._slots.pop(worker.age, None)


def _exit(_arbiter: object, _worker: object) -> None:
    """Exit without clean-up handlers: those of the parent, such as stopping the database, must not run here."""
    reason = sys.exc_info()[1]
    code = reason.code if isinstance(reason, SystemExit) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)
