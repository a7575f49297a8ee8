"""`laurel restored`: tell every process that the database went back in time."""

import click

from service.cli.console import run_on_connection
from service.db.incarnation import rotate


@click.command("restored")
def restored() -> None:
    """Run this after restoring a backup: begin another incarnation of the database.

    Running processes forget what they have read, and what clients remember (ETags, continuation tokens, cursors) ends.
    """
    run_on_connection(rotate)
    click.echo("began another incarnation: everything is read from the database again")
