"""`laurel player`: export or erase all data of one player. `laurel doctor`: recompute counters and report drift."""

import pathlib
import sys

import click

from service.cli.console import check_player, database_url, fail, migrated_pool, run, settings
from service.core.progress import consistency, player_data
from service.core.progress.consistency import Drift
from service.core.progress.player_data import Erased


@click.group("player")
def player() -> None:
    """Export or erase the data of one player."""


@player.command("export")
@click.argument("name", callback=check_player)
@click.option("--output", type=click.Path(path_type=pathlib.Path), help="File to write, instead of standard output.")
def export(name: str, *, output: pathlib.Path | None) -> None:
    """Export all data of a player as one JSON document."""

    async def work(url: str) -> bytes:
        async with migrated_pool(url) as pool, pool.transaction(is_one_moment=True) as connection:
            return b"".join([piece async for piece in player_data.export(connection, name)])

    with database_url(settings()) as url:
        document = run(lambda: work(url))
    if output is None:
        click.echo(document, nl=False)
    else:
        output.write_bytes(document)


@player.command("erase")
@click.argument("name", callback=check_player)
@click.option("--yes", is_flag=True, help="Confirm: this cannot be undone.")
def erase(name: str, *, yes: bool) -> None:
    """Erase all data of a player and remove the player from all counts."""
    if not yes:
        fail("--yes: expected, because this cannot be undone")

    async def work(url: str) -> Erased:
        async with migrated_pool(url) as pool, pool.transaction() as connection:
            return await player_data.erase(connection, name)

    with database_url(settings()) as url:
        erased = run(lambda: work(url))
    click.echo(f"erased: {erased.titles} titles, {erased.unlocks} unlocks, {erased.events} events")


@click.command("doctor")
@click.option("--repair", is_flag=True, help="Correct the counts of achievement holders.")
def doctor(*, repair: bool) -> None:
    """Recompute incremental counters and report drift; exit status 1 if there is any."""

    async def work(url: str) -> list[Drift]:
        async with migrated_pool(url) as pool, pool.transaction(is_one_moment=True) as connection:
            return await consistency.find_drift(connection, repair=repair)

    with database_url(settings()) as url:
        drifts = run(lambda: work(url))
    for drift in drifts:
        click.echo(drift.description)
    if drifts:
        sys.exit(1)
    click.echo("no drift")
