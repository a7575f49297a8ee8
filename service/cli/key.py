"""`laurel key`: API keys of a title's servers and of single users."""

import uuid

import click

from service.cli.console import database_url, fail, migrated_pool, run, settings
from service.core.auth import api_keys
from service.core.auth.api_keys import KeyInfo, NewKey
from service.errors import NotFound

_title = click.option(
    "--title", "title_id", required=True, type=click.IntRange(1, 2**32 - 1), help="Title of the keys."
)


@click.group("key")
def key() -> None:
    """API keys for the header `X-API-KEY`."""


@key.command("create")
@_title
@click.option("--user", help="The only user that the key reaches; without it, the key is for the title's servers.")
def create(*, title_id: int, user: str | None) -> None:
    """Create a key and print it; it is shown only once."""

    async def work(url: str) -> NewKey:
        async with migrated_pool(url) as pool, pool.connection() as connection:
            return await api_keys.create_key(connection, title_id=title_id, player=user)

    if user is not None and not 1 <= len(user) <= 128:  # noqa: PLR2004  (bounds of a player's name)
        fail("--user: expected 1 to 128 characters")
    with database_url(settings()) as url:
        made = run(lambda: work(url))
    click.echo(made.key)


@key.command("list")
@_title
def list_(*, title_id: int) -> None:
    """List the keys of a title: id, prefix, creation time, owner."""

    async def work(url: str) -> list[KeyInfo]:
        async with migrated_pool(url) as pool, pool.connection() as connection:
            return await api_keys.list_keys(connection, title_id)

    with database_url(settings()) as url:
        known = run(lambda: work(url))
    for key_ in known:
        owner = "the title's servers" if key_.player is None else f"user {key_.player}"
        click.echo(f"{key_.key_id}  {key_.prefix}  {key_.created_at}  {owner}{'  revoked' if key_.is_revoked else ''}")


@key.command("revoke")
@_title
@click.argument("key_id", type=click.UUID)
def revoke(key_id: uuid.UUID, *, title_id: int) -> None:
    """Revoke a key; all processes reject it within LAUREL_CATALOG_POLL seconds."""

    async def work(url: str) -> None:
        async with migrated_pool(url) as pool, pool.connection() as connection:
            if not await api_keys.revoke(connection, title_id=title_id, key_ids=[key_id]):
                raise NotFound(f"title {title_id} has no valid key {key_id}")

    with database_url(settings()) as url:
        run(lambda: work(url))
    click.echo(f"revoked {key_id}")
