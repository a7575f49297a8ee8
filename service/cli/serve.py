"""`laurel demo`, `laurel serve` and `laurel migrate`: start the service, or only update the schema."""

import functools
import os
import pathlib
import socket
import time
from collections.abc import Awaitable, Callable

import click
import msgspec

from service.cli.console import database_url, fail, migrated_pool, run, settings
from service.cli.signing_secret import has_key, is_demo_secret, with_signing_secret
from service.core.auth import tokens
from service.db.migrate import migrate as migrate_database
from service.private_file import write_private_file
from service.settings import Settings

_DEMO_KEY_FILE = "trophy-key"  # in LAUREL_DATA, readable by its owner alone
_DEMO_CLIENT_FILE = "oauth-client"  # the same
_BACKLOG = 1024  # connections that the kernel holds before they are accepted

_host = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
_port = click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port of the service; 0 for any."
)
_ops_host = click.option(
    "--ops-host",
    default="127.0.0.1",
    show_default=True,
    help="Address of /livez, /readyz and /metrics, which players must not reach.",
)
_ops_port = click.option(
    "--ops-port",
    default=8081,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of /livez, /readyz and /metrics; 0 for any.",
)


@click.command("demo")
@_host
@_port
@_ops_host
@_ops_port
@click.option("--data", type=click.Path(path_type=pathlib.Path), help="Folder of the database, instead of LAUREL_DATA.")
def demo(*, host: str, port: int, ops_host: str, ops_port: int, data: pathlib.Path | None) -> None:
    """Serve demo titles and a demo player from an embedded PostgreSQL.

    The first start creates the database, the content, a signing key and credentials.
    """
    from service import demo as content
    from service.server import lifecycle

    chosen = settings()
    if data is not None:
        chosen = msgspec.structs.replace(chosen, data=data)
    chosen = with_signing_secret(msgspec.structs.replace(chosen, database_url=None, pooler_url=None), create=True)
    if chosen.open_badges is None:
        chosen = msgspec.structs.replace(chosen, open_badges="on")
    with _listening(host, port) as listen, _listening(ops_host, ops_port) as ops_listen, database_url(chosen) as url:

        async def work() -> None:
            async with migrated_pool(url) as pool:
                await content.load(pool)
                key = await _stored(chosen.data / _DEMO_KEY_FILE, functools.partial(content.make_key, pool))
                client = await _stored(chosen.data / _DEMO_CLIENT_FILE, functools.partial(content.make_client, pool))

            def ready() -> None:
                _announce(listen)()
                click.echo(f"X-API-KEY {key}")
                click.echo(f"client {client}")
                if chosen.jwt_secret is not None:
                    click.echo(f"editor {_editor_token(chosen, chosen.jwt_secret)}")

            await lifecycle.serve(chosen, url=url, listen=listen, ops_listen=ops_listen, ready=ready)

        run(work)


@click.command("serve")
@_host
@_port
@_ops_host
@_ops_port
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Number of processes.")
def serve(*, host: str, port: int, ops_host: str, ops_port: int, workers: int) -> None:
    """Serve the titles in LAUREL_DATABASE_URL, or in the embedded PostgreSQL of LAUREL_DATA.

    With several workers, worker N has ops port `--ops-port` + N - 1.
    """
    from service.server import lifecycle
    from service.server import workers as processes
    from service.server.app import make_verifier

    chosen = settings()
    _check_for_service(chosen)
    if workers > 1:
        with _listening(host, port) as listen, database_url(chosen) as url:

            async def prepare() -> None:
                make_verifier(chosen)  # or else each worker would fail
                await migrate_database(url)

            run(prepare)
            ops = [_listening(ops_host, ops_port + n if ops_port else 0) for n in range(workers)]
            processes.serve(chosen, url=url, listen=listen, ops=ops, ready=_announce(listen))
        return
    with _listening(host, port) as listen, _listening(ops_host, ops_port) as ops_listen, database_url(chosen) as url:

        async def work() -> None:
            await migrate_database(url)
            await lifecycle.serve(chosen, url=url, listen=listen, ops_listen=ops_listen, ready=_announce(listen))

        run(work)


@click.command("migrate")
def migrate() -> None:
    """Update the schema of the database."""
    with database_url(settings()) as url:
        applied = run(lambda: migrate_database(url))
    click.echo("\n".join(f"applied {name}" for name in applied) or "the schema is up to date")


def _check_for_service(chosen: Settings) -> None:
    """Refuse settings that are good enough for the demo alone."""
    if not has_key(chosen):
        fail(
            "LAUREL_JWT_SECRET, LAUREL_JWT_PUBLIC_KEY or LAUREL_JWKS_URL: set one, to verify tokens"
            " (the key that `laurel demo` makes is for the demo alone)"
        )
    if is_demo_secret(chosen):
        fail("LAUREL_JWT_SECRET: expected a secret of your own, got the one that `laurel demo` made")
    if chosen.has_open_badges and chosen.public_url is None:
        fail("LAUREL_PUBLIC_URL: set it, because LAUREL_OPEN_BADGES is on and each badge names it")
    if chosen.pooler_url is not None and chosen.database_url is None:
        fail("LAUREL_DATABASE_URL: set it, because LAUREL_POOLER_URL leads to the same database")


async def _stored(file: pathlib.Path, create: Callable[[], Awaitable[str]]) -> str:
    """A credential of the demo: the one in this file, else a new one, which is written there."""
    if not file.exists():  # noqa: ASYNC240  (before anything is served)
        write_private_file(file, await create())
    return file.read_text(encoding="ascii")  # noqa: ASYNC240


def _editor_token(chosen: Settings, secret: str) -> str:
    """A token for the demo's workbench with every right on texts, for the longest lifetime that tokens have."""
    claims = tokens.claims_for(
        None,
        issuer=chosen.issuer,
        audience=chosen.audience,
        now=int(time.time()),
        lifetime_seconds=int(tokens.MAX_LIFETIME_SECONDS),
        subject="Editor",
        l10n=[{"titles": "*", "locales": "*", "can": ["publish", "source"]}],
    )
    return tokens.sign(claims, secret)


def _listening(host: str, port: int) -> socket.socket:
    """A listening socket, opened first so that a port in use is reported before anything is started."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        fail(f"cannot listen on {host} port {port}: {os.strerror(error.errno) if error.errno else error}")


def _announce(listen: socket.socket) -> Callable[[], None]:
    """A function that prints the ready line with the socket's address."""
    host, port = listen.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return lambda: click.echo(f"ready http://{shown}:{port}")
