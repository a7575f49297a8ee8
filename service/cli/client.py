"""`laurel client …`: the applications that act for a title's users."""

import click

from service.cli.console import database_url, migrated_pool, run, settings
from service.core.auth import api_keys


@click.group("client")
def client() -> None:
    """OAuth clients for `POST /oauth/token`."""


@client.command("create")
@click.option("--title", "title_id", required=True, type=click.IntRange(1, 2**32 - 1), help="Which title.")
def create(*, title_id: int) -> None:
    """Make a client and print its id and its secret, this once. It is listed and revoked like a key."""

    async def work(url: str) -> tuple[str, str]:
        async with migrated_pool(url) as pool, pool.connection() as connection:
            return await api_keys.create_client(connection, title_id=title_id)

    with database_url(settings()) as url:
        client_id, client_secret = run(lambda: work(url))
    click.echo(f"{client_id} {client_secret}")
