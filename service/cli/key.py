"""`laurel key`: API keys of a title's servers and of single users."""

import uuid

import click

from service.cli.console import check_player, fail, run_on_connection, title_option
from service.core.auth import api_keys


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
def create(*, title_id: int, user: str | None) -> None:
    """Create a key and print it; it is shown only once."""
    created = run_on_connection(lambda connection: api_keys.create_key(connection, title_id=title_id, player=user))
    click.echo(created.key)


@key.command("list")
@title_option
def list_(*, title_id: int) -> None:
    """List the keys of a title: id, prefix, creation time, owner."""
    for key_ in run_on_connection(lambda connection: api_keys.list_keys(connection, title_id)):
        owner = "the title's servers" if key_.player is None else f"user {key_.player}"
        click.echo(f"{key_.key_id}  {key_.prefix}  {key_.created_at}  {owner}{'  revoked' if key_.is_revoked else ''}")


@key.command("revoke")
@title_option
@click.argument("key_id", type=click.UUID)
def revoke(key_id: uuid.UUID, *, title_id: int) -> None:
    """Revoke a key; all processes reject it within LAUREL_CATALOG_POLL seconds."""
    if not run_on_connection(lambda connection: api_keys.revoke(connection, title_id=title_id, key_ids=[key_id])):
        fail(f"title {title_id} has no valid key {key_id}")
    click.echo(f"revoked {key_id}")
