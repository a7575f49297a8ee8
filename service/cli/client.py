"""`laurel client`: OAuth clients of applications that act for a title's users."""

import click

from service.cli.console import database_url, migrated_pool, run, settings
from service.core.auth import api_keys


@click.group("client")
def client() -> None:
    """OAuth clients for `POST /oauth/token`."""


@client.command("create")
@click.option("--title", "title_id", required=True, type=click.IntRange(1, 2**32 - 1), help="Title of the client.")
def create(*, title_id: int) -> None:
    """Create a client and print its id and secret, which are shown only once.

    `laurel key` lists and revokes clients too.
    """

    async def work(url: str) -> tuple[str, str]:
        async with migrated_pool(url) as pool, pool.connection() as connection:
            return await api_keys.create_client(connection, title_id=title_id)

    with database_url(settings()) as url:
        client_id, client_secret = run(lambda: work(url))
    click.echo(f"{client_id} {client_secret}")
