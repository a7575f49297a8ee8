"""`laurel key …`: keys of a title's servers and of single players."""

import uuid

import click

from service.cli.console import database_url, fail, migrated_pool, run, settings
from service.core.auth import api_keys
from service.core.auth.api_keys import KnownKey, NewKey
from service.errors import NotFound

_title = click.option("--title", "title_id", required=True, type=click.IntRange(1, 2**32 - 1), help="Which title.")


@click.group("key")
def key() -> None:
    """Keys for `X-API-KEY`."""


@key.command("create")
@_title
@click.option("--user", help="The one user whom the key reaches; without it, the title's servers have it.")
def create(*, title_id: int, user: str | None) -> None:
    """Make a key and print it, this once."""

    async def work(url: str) -> NewKey:
        async with migrated_pool(url) as pool, pool.connection() as connection:
            return await api_keys.create(connection, title_id=title_id, player=user)

    if user is not None and not 1 <= len(user) <= 128:  # noqa: PLR2004  (what a player's name may have)
        fail("--user: expected 1 to 128 characters")
    with database_url(settings()) as url:
        made = run(lambda: work(url))
    click.echo(made.key)


@key.command("list")
@_title
def list_(*, title_id: int) -> None:
    """Every key of a title: id, prefix, since when, whose."""

    async def work(url: str) -> list[KnownKey]:
        async with migrated_pool(url) as pool, pool.connection() as connection:
            return await api_keys.keys_of(connection, title_id)

    with database_url(settings()) as url:
        known = run(lambda: work(url))
    for one in known:
        whose = "the title's servers" if one.player is None else f"user {one.player}"
        click.echo(f"{one.key_id}  {one.prefix}  {one.created_at}  {whose}{'  revoked' if one.is_revoked else ''}")


@key.command("revoke")
@_title
@click.argument("key_id", type=click.UUID)
def revoke(key_id: uuid.UUID, *, title_id: int) -> None:
    """End a key: services refuse it within seconds (LAUREL_CATALOG_POLL)."""

    async def work(url: str) -> None:
        async with migrated_pool(url) as pool, pool.connection() as connection:
            if not await api_keys.revoke(connection, title_id=title_id, key_ids=[key_id]):
                raise NotFound(f"title {title_id} has no good key {key_id}")

    with database_url(settings()) as url:
        run(lambda: work(url))
    click.echo(f"revoked {key_id}")
