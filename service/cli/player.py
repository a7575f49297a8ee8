"""`laurel player …`: all that is held of one player, handed out or erased. And `laurel doctor`, who counts again."""

import pathlib
import sys

import click

from service.cli.console import database_url, fail, migrated_pool, run, settings
from service.core.events.store import hash_of
from service.core.progress import consistency as core_doctor
from service.core.progress import player_data
from service.core.progress.consistency import Drift
from service.core.progress.player_data import Erased
from service.db.service_keys import service_key


@click.group("player")
def player() -> None:
    """What is held of one player."""


@player.command("export")
@click.argument("name")
@click.option("--output", type=click.Path(path_type=pathlib.Path), help="The file to write; without it, the terminal.")
def export(name: str, *, output: pathlib.Path | None) -> None:
    """Hand out everything that is held of a player, as one JSON document."""

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
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do it: there is no way back.")
def erase(name: str, *, yes: bool) -> None:
    """Erase everything that is held of a player, and count them nowhere any more."""
    if not yes:
        fail("--yes: this cannot be undone; say --yes to do it")

    async def work(url: str) -> Erased:
        async with migrated_pool(url) as pool:
            player_hash = hash_of(name, key=await service_key(pool, "erasure"))
            async with pool.transaction() as connection:
                return await player_data.erase(connection, name, player_hash=player_hash)

    with database_url(settings()) as url:
        gone = run(lambda: work(url))
    click.echo(f"erased: {gone.titles} titles, {gone.unlocks} unlocks, {gone.events} events")


@click.command("doctor")
@click.option("--repair", is_flag=True, help="Put the counters of completions right.")
def doctor(*, repair: bool) -> None:
    """Count everything again; exit status 1 if anything does not add up."""

    async def work(url: str) -> list[Drift]:
        async with migrated_pool(url) as pool, pool.transaction(is_one_moment=True) as connection:
            return await core_doctor.find_drift(connection, repair=repair)

    with database_url(settings()) as url:
        findings = run(lambda: work(url))
    for finding in findings:
        click.echo(finding.what)
    if findings:
        sys.exit(1)
    click.echo("everything adds up")
