"""Runs `laurel` in forks of one process that has imported it: starting Python for each command costs half a second.

`python -m tests.docs.command_server SOCKET` serves; `client` is the text of a program that stands in for `laurel`. It
hands over its arguments, environment, working directory and standard streams, and exits with the command's status.
"""

import json
import os
import signal
import socket
import sys
import traceback
from typing import Any, NoReturn

import click

from service.cli.main import main

MOST_BYTES = 1 << 20  # of a request

_CLIENT = """\
#!{python} -IS
import json, os, socket, sys

with socket.socket(socket.AF_UNIX) as server:
    server.connect({path!r})
    request = {{"arguments": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd()}}
    socket.send_fds(server, [json.dumps(request).encode()], [0, 1, 2])
    sys.exit(int(server.recv(16) or 70))
"""


def client(path: str) -> str:
    """A program that runs its arguments as a command of `laurel` in the server at `path`."""
    return _CLIENT.format(python=sys.executable, path=path)


def serve(path: str) -> NoReturn:
    """Run commands until the process is ended. One line on standard output says that it can be asked."""
    for name in main.list_commands(click.Context(main)):
        main.get_command(click.Context(main), name)  # imports it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            with connection:
                data, streams, _, _ = socket.recv_fds(connection, MOST_BYTES, 3)
                if os.fork() == 0:
                    listener.close()
                    _run(connection, json.loads(data), streams)
            for stream in streams:
                os.close(stream)


def _run(connection: socket.socket, request: dict[str, Any], streams: list[int]) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    status: object = 1
    try:
        main(request["arguments"], prog_name="laurel")
    except SystemExit as end:
        status = end.code or 0
    except BaseException:  # noqa: BLE001  (as the interpreter would)
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(str(status).encode())
    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1])
