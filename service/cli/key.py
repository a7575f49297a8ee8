"""`laurel key`: API keys of a title's servers and of single users."""

import datetime
import re
import sys
import uuid

import click

from service.cli.console import check_player, fail, run_on_connection, settings, title_option
from service.core.auth import api_keys
from service.core.auth.api_keys import KeyInfo
from service.core.auth.principal import KEY_SCOPES, KeyScope
from service.security_log import SecurityLog

_DAYS = re.compile(r"[0-9]{1,4}d", re.ASCII)


def _expiry(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime.datetime | None:
    if text is None:
        return None
    if _DAYS.fullmatch(text):
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=int(text[:-1]))
    try:
        return datetime.datetime.combine(datetime.date.fromisoformat(text), datetime.time(), datetime.UTC)
    except ValueError:
        fail(f"--expires: expected days such as 90d, or a day such as 2027-12-31, got {text!a}")


@click.group("key")
def key() -> None:
    """API keys for the header `X-API-KEY`."""


@key.command("create")
@title_option
@click.option(
    "--user",
    callback=check_player,
    help="The only user that the key reaches; without it, the key is for the title's servers.",
)
@click.option("--name", help="What the key is for; histories show it, with the key's prefix.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(KEY_SCOPES),
    multiple=True,
    help="What the key may be used for, repeatable; without it, everything. Keys of users have no authoring.",
)
@click.option(
    "--expires", "expires_at", callback=_expiry, help="When the key ends: 90d, or the beginning of a day in UTC."
)
def create(
    *,
    title_id: int,
    user: str | None,
    name: str | None,
    scopes: tuple[KeyScope, ...],
    expires_at: datetime.datetime | None,
) -> None:
    """Create a key and print it; it is shown only once."""
    created = run_on_connection(
        lambda connection: api_keys.create_key(
            connection, title_id=title_id, player=user, name=name, scopes=scopes, expires_at=expires_at
        )
    )
    _log("key_created", other_key=created.prefix)
    click.echo(created.key)


@key.command("list")
@title_option
def list_(*, title_id: int) -> None:
    """List the keys of a title: id, prefix, creation, owner, name, scopes, expiry, last use. Times are UTC."""
    for key_ in run_on_connection(lambda connection: api_keys.list_keys(connection, title_id)):
        click.echo("  ".join(_columns(key_)))


def _columns(key_: KeyInfo) -> list[str]:
    columns = [str(key_.key_id), key_.prefix, _time(key_.created_at)]
    columns.append("the title's servers" if key_.player is None else f"user {key_.player}")
    if key_.name is not None:
        columns.append(f'"{key_.name}"')
    if key_.scopes:
        columns.append(",".join(key_.scopes))
    if key_.expires_at is not None:
        columns.append(f"expires {_time(key_.expires_at)}")
    columns.append("not used yet" if key_.last_used_at is None else f"used {_time(key_.last_used_at)}")
    if key_.is_revoked:
        columns.append("revoked")
    return columns


def _time(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@key.command("revoke")
@title_option
@click.argument("key_id", type=click.UUID)
def revoke(key_id: uuid.UUID, *, title_id: int) -> None:
    """Revoke a key; all processes reject it within LAUREL_CATALOG_POLL seconds."""
    if not run_on_connection(lambda connection: api_keys.revoke(connection, title_id=title_id, key_ids=[key_id])):
        fail(f"title {title_id} has no valid key {key_id}")
    _log("key_revoked", key_id=str(key_id))
    click.echo(f"revoked {key_id}")


def _log(event: str, **fields: str) -> None:
    """Add an event to the file of the security log, if there is one."""
    path = settings().security_log
    if path is not None:
        SecurityLog(path, stream=sys.stderr).write(event, **fields)
