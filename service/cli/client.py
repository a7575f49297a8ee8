"""`laurel client`: OAuth clients of applications that act for a title's users."""

import click

from service.cli.console import run_on_connection, title_option
from service.core.auth import api_keys


@click.group("client")
def client() -> None:
    """OAuth clients for `POST /oauth/token`."""


@client.command("create")
@title_option
def create(*, title_id: int) -> None:
    """Create a client and print its id and secret, which are shown only once.

    `laurel key` lists and revokes clients too.
    """
    client_id, client_secret = run_on_connection(
        lambda connection: api_keys.create_client(connection, title_id=title_id)
    )
    click.echo(f"{client_id} {client_secret}")
