"""Several processes behind one socket: gunicorn starts them, replaces one that dies, and ends them in order."""

import os
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web
from gunicorn.app.base import BaseApplication

from service.server import app
from service.settings import Settings

_GRACE = 10  # seconds for requests under way


def serve(
    settings: Settings,
    *,
    url: str,
    listen: socket.socket,
    ops: Sequence[socket.socket],
    ready: Callable[[], None],
) -> None:
    """Answer on the socket with a process for each ops socket, until SIGINT or SIGTERM.

    The n-th process has the n-th ops socket; one that replaces a dead one takes its socket over. `ready` is called
    once by the first process that can answer.
    """
    _Processes(settings, url=url, listen=listen, ops=ops, ready=ready).run()


class _Processes(BaseApplication):  # type: ignore[misc]  # (gunicorn has no types)
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
        self._place = 0
        self._places: dict[int, int] = {}  # of each living worker, by its age
        super().__init__()

    def load_config(self) -> None:
        """Gunicorn's own settings: ours are read already."""
        chosen = {
            "bind": f"fd://{os.dup(self._listen.fileno())}",
            "workers": len(self._ops),
            "worker_class": "aiohttp.GunicornUVLoopWebWorker",
            "graceful_timeout": _GRACE,
            "loglevel": "warning",
            "pre_fork": self._take_place,
            "child_exit": self._leave_place,
            "worker_exit": _end,
            "control_socket_disable": True,
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[[], Any]:
        """What each process runs."""

        async def runner() -> web.AppRunner:
            made = await app.make_runner(self._settings, url=self._url, ops_listen=self._ops[self._place])
            if self._place == 0:
                self._ready()
            return made

        return runner

    def _take_place(self, _arbiter: object, worker: Any) -> None:
        self._place = min(set(range(len(self._ops))) - set(self._places.values()))
        self._places[worker.age] = self._place

    def _leave_place(self, _arbiter: object, worker: Any) -> None:
        self._places.pop(worker.age, None)


def _end(_arbiter: object, _worker: object) -> None:
    """End a process where it stands: what its parent began, the database above all, is not its own to end."""
    leaving = sys.exc_info()[1]
    code = leaving.code if isinstance(leaving, SystemExit) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)
