"""The command `laurel`. Thin: it reads options, calls the same core as the doors, and says what happened."""

import contextlib
import functools
import os
import pathlib
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Literal

import click
import msgspec

from service.cli.badge import badge
from service.cli.catalog import catalog
from service.cli.client import client
from service.cli.console import database_url, fail, migrated_pool, run, settings
from service.cli.key import key
from service.cli.player import doctor, player
from service.cli.progress import progress
from service.cli.webhook import webhook
from service.core.auth import principal, tokens
from service.db.migrate import migrate as migrate_database
from service.settings import Settings

_KEY_FILE = "signing-secret"  # in LAUREL_DATA, readable by its owner alone
_DEMO_KEY_FILE = "trophy-key"  # the same
_DEMO_CLIENT_FILE = "oauth-client"  # the same


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="laurel", message="%(version)s")
def main() -> None:
    """Laurel: an Xbox-style, paged, localized achievements service.

    Settings come from LAUREL_* in the environment; the README lists them all.
    """


main.add_command(catalog)
main.add_command(key)
main.add_command(client)
main.add_command(webhook)
main.add_command(player)
main.add_command(doctor)
main.add_command(progress)
main.add_command(badge)

_host = click.option("--host", default="127.0.0.1", show_default=True, help="The address to answer on.")
_port = click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535))
_ops_port = click.option(
    "--ops-port", default=8081, show_default=True, type=click.IntRange(0, 65535), help="For /livez, /readyz, /metrics."
)


@main.command("demo")
@_host
@_port
@_ops_port
@click.option("--data", type=click.Path(path_type=pathlib.Path), help="The folder of its database; LAUREL_DATA.")
def demo_(*, host: str, port: int, ops_port: int, data: pathlib.Path | None) -> None:
    """Serve three titles and one player from an embedded Postgres, made on the first start."""
    from service import demo
    from service.server import app

    chosen = settings()
    if data is not None:
        chosen = msgspec.structs.replace(chosen, data=data)
    chosen = _with_key(msgspec.structs.replace(chosen, database_url=None), make=True)
    with _listening(host, port) as listen, _listening(host, ops_port) as ops_listen, database_url(chosen) as url:

        async def work() -> None:
            async with migrated_pool(url) as pool:
                await demo.load(pool)
                key = await _kept(chosen.data / _DEMO_KEY_FILE, functools.partial(demo.make_key, pool))
                client = await _kept(chosen.data / _DEMO_CLIENT_FILE, functools.partial(demo.make_client, pool))

            def ready() -> None:
                _ready(listen)()
                click.echo(f"X-API-KEY {key}")
                click.echo(f"client {client}")
                if chosen.jwt_secret is not None:
                    click.echo(f"editor {_editor_token(chosen, chosen.jwt_secret)}")

            await app.serve(chosen, url=url, listen=listen, ops_listen=ops_listen, ready=ready)

        run(work)


@main.command("serve")
@_host
@_port
@_ops_port
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes.")
def serve(*, host: str, port: int, ops_port: int, workers: int) -> None:
    """Serve what is published in LAUREL_DATABASE_URL, or in the embedded Postgres of LAUREL_DATA.

    With several workers, the ops port of the n-th is n - 1 higher than the first one's.
    """
    from service.server import app
    from service.server import workers as processes

    chosen = _with_key(settings(), make=False)
    if workers > 1:
        with _listening(host, port) as listen, database_url(chosen) as url:
            run(lambda: migrate_database(url))
            ops = [_listening(host, ops_port + n if ops_port else 0) for n in range(workers)]
            processes.serve(chosen, url=url, listen=listen, ops=ops, ready=_ready(listen))
        return
    with _listening(host, port) as listen, _listening(host, ops_port) as ops_listen, database_url(chosen) as url:

        async def work() -> None:
            await migrate_database(url)
            await app.serve(chosen, url=url, listen=listen, ops_listen=ops_listen, ready=_ready(listen))

        run(work)


@main.command("migrate")
def migrate() -> None:
    """Bring the schema of the database up to date."""
    with database_url(settings()) as url:
        applied = run(lambda: migrate_database(url))
    click.echo("\n".join(f"applied {name}" for name in applied) or "the schema is up to date")


@main.command("token")
@click.option("--xuid", help="The player it speaks for, a decimal XUID.")
@click.option("--sub", help="Who stands in the history of texts; for somebody who is no player, instead of --xuid.")
@click.option("--l10n", help="What they may do with texts, as JSON: see the claim of that name.")
@click.option("--uhs", help="The player's user hash: digits.")
@click.option("--title", type=click.IntRange(1, 2**32 - 1), help="The title that asks.")
@click.option("--country", help="Where the player is: ISO 3166, two letters.")
@click.option("--scope", default="", help="What it may do besides, words with spaces between.")
@click.option("--lifetime", default=3600, show_default=True, type=click.IntRange(1, 86_400), help="Seconds.")
@click.option("--scheme", default="xbl3", show_default=True, type=click.Choice(["xbl3", "bearer"]))
def token(
    *,
    xuid: str | None,
    sub: str | None,
    l10n: str | None,
    uhs: str | None,
    title: int | None,
    country: str | None,
    scope: str,
    lifetime: int,
    scheme: Literal["xbl3", "bearer"],
) -> None:
    """Print the value of an Authorization header, signed with LAUREL_JWT_SECRET or the key in LAUREL_DATA."""
    chosen = _with_key(settings(), make=False)
    if chosen.jwt_secret is None:
        fail("tokens are signed by whoever holds the private key: here is only a public one")
    try:
        claims = tokens.claims_for(
            xuid,
            issuer=chosen.issuer,
            audience=chosen.audience,
            now=int(time.time()),
            lifetime_seconds=lifetime,
            user_hash=uhs,
            title_id=title,
            country=country,
            scopes=scope.split(),
            subject=sub,
            l10n=None if l10n is None else _grants(l10n),
        )
    except ValueError as error:
        fail(error)
    user_hash = claims["xui"][0]["uhs"] if xuid else principal.NO_USER
    click.echo(tokens.authorization(tokens.sign(claims, chosen.jwt_secret), user_hash=user_hash, scheme=scheme))


def _grants(text: str) -> object:
    """The claim, where it gives any right at all: one that does not would be as if absent.

    Raises:
        ValueError: it does not.
    """
    try:
        claim = msgspec.json.decode(text)
    except msgspec.DecodeError:
        claim = None
    if not principal.grants_of(claim):
        example = '[{"titles": "*", "locales": ["fr"], "can": ["translate"]}]'
        raise ValueError(f"--l10n: expected grants such as {example}, got {text[:80]!r}")
    return claim


def _with_key(chosen: Settings, *, make: bool) -> Settings:
    """The settings with a key to verify tokens: the one that is set, else the one in LAUREL_DATA."""
    if chosen.jwt_secret or chosen.jwt_public_key or chosen.jwks_url:
        return chosen
    file = chosen.data / _KEY_FILE
    try:
        if make and not file.exists():
            chosen.data.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                file.touch(mode=0o600, exist_ok=False)
                file.write_text(secrets.token_urlsafe(48), encoding="ascii")
        return msgspec.structs.replace(chosen, jwt_secret=file.read_text(encoding="ascii"))
    except FileNotFoundError:
        fail(
            "LAUREL_JWT_SECRET, LAUREL_JWT_PUBLIC_KEY or LAUREL_JWKS_URL: set one"
            f" (there is no key in {chosen.data} either; `laurel demo` makes one)"
        )
    except OSError as error:
        fail(f"LAUREL_DATA: {file} cannot be used: {error.strerror}")


async def _kept(file: pathlib.Path, make: Callable[[], Awaitable[str]]) -> str:
    """A credential of the demo's: the one in the data folder, else a new one, kept there."""
    if not file.exists():  # noqa: ASYNC240  (before anything is served)
        file.touch(mode=0o600)  # noqa: ASYNC240
        file.write_text(await make(), encoding="ascii")  # noqa: ASYNC240
    return file.read_text(encoding="ascii")  # noqa: ASYNC240


def _editor_token(chosen: Settings, secret: str) -> str:
    """A token for the demo's workbench: everything that can be done with texts, for as long as tokens live."""
    claims = tokens.claims_for(
        None,
        issuer=chosen.issuer,
        audience=chosen.audience,
        now=int(time.time()),
        lifetime_seconds=int(tokens.LONGEST_LIFETIME),
        subject="Editor",
        l10n=[{"titles": "*", "locales": "*", "can": ["publish", "source"]}],
    )
    return tokens.sign(claims, secret)


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens already, so that a port in use is said before anything is started."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        fail(f"cannot listen on {host} port {port}: {os.strerror(error.errno) if error.errno else error}")


def _ready(listen: socket.socket) -> Callable[[], None]:
    host, port = listen.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host

    def ready() -> None:
        click.echo(f"ready http://{shown}:{port}")

    return ready
