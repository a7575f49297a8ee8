"""`laurel progress`: import players' progress from other services."""

import pathlib

import click

from service.cli.console import database_url, fail, migrated_pool, run, settings
from service.core.auth.principal import canonical_xuid
from service.core.formats.xbox import captured_page
from service.core.progress.import_progress import import_progress
from service.core.validation.diagnostics import MAX_BYTES


@click.group("progress")
def progress() -> None:
    """Import players' progress."""


@progress.command("import")
@click.argument("file", type=click.Path(path_type=pathlib.Path))
@click.option("--xuid", required=True, help="Player who gets the progress: a decimal XUID.")
def import_(file: pathlib.Path, *, xuid: str) -> None:
    """Import a captured Xbox page as a player's progress; existing unlocks are kept."""
    try:
        player = canonical_xuid(xuid)
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except ValueError as error:
        fail(f"--xuid: {error}")
    except OSError as error:
        fail(f"{file}: the file cannot be read: {error.strerror}")
    with database_url(settings()) as url:
        run(lambda: _import(url, data, str(file), player))


async def _import(url: str, data: bytes, file: str, player: str) -> None:
    captured = captured_page.read_progress(data, file=file)
    async with migrated_pool(url) as pool, pool.transaction() as connection:
        added = await import_progress(connection, player=player, progress=captured)
    titles = ", ".join(str(part.title_id) for part in captured)
    click.echo(f"player {player}: {added} new unlocks in title {titles}")
