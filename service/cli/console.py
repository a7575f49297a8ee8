"""Shared by all commands: settings, the database, errors as one line, options, and progress on a terminal.

Modules that only some commands need are imported where they are used, so that the others start fast.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from service.errors import ConfigurationError, LaurelError
from service.settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator

    from service.db import Connection
    from service.db.pool import Pool

T = TypeVar("T")

title_option = click.option(
    "--title", "title_id", required=True, type=click.IntRange(1, 2**32 - 1), help="Title, by its id."
)


class CommandError(click.ClickException):
    """An error that is printed as one line; the exit status is 1."""

    def show(self, file: Any = None) -> None:
        """Print it to standard error."""
        click.echo(f"laurel: {self.format_message()}", err=True, file=file)


def fail(message: object) -> NoReturn:
    """End the command with this message and exit status 1."""
    raise CommandError(str(message))


def check_player(_context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """A callback of options and arguments that name a player; the command fails if the id is not valid."""
    from service.core.auth.principal import parse_player

    try:
        return None if text is None else parse_player(text)
    except ValueError as error:
        fail(f"{parameter.opts[0]}: {error}")


def settings() -> Settings:
    """The settings of the environment; the command fails if one is invalid."""
    try:
        return read_settings()
    except ConfigurationError as error:
        fail(error)


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on uvloop; the command fails with the message of any error of the service."""
    import asyncio

    import uvloop

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work())
    except (ConfigurationError, LaurelError) as error:
        fail(error)


@contextlib.contextmanager
def database_url(chosen: Settings) -> Iterator[str]:
    """The database of the settings; without one, the embedded one of LAUREL_DATA, which runs as long as the block."""
    from service.db.embedded import embedded

    try:
        if chosen.database_url is not None:
            yield chosen.database_url
        else:
            with embedded(chosen.data) as url:
                yield url
    except ConfigurationError as error:
        fail(error)


@contextlib.asynccontextmanager
async def migrated_pool(url: str) -> AsyncIterator[Pool]:
    """A small pool without limits of statements, on a schema that is up to date."""
    from service.db.limits import UNLIMITED
    from service.db.migrate import migrate
    from service.db.pool import open_pool

    await migrate(url)
    async with await open_pool(url, size=2, limits=UNLIMITED) as pool:
        yield pool


def run_on_connection(work: Callable[[Connection], Awaitable[T]]) -> T:
    """Run work on one connection to the database of the settings; the command fails as in `run`."""

    async def connected(url: str) -> T:
        async with migrated_pool(url) as pool, pool.connection() as connection:
            return await work(connection)

    with database_url(settings()) as url:
        return run(lambda: connected(url))


@contextlib.contextmanager
def steps(title: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show the progress of long work: a bar on a terminal, plain lines elsewhere. Call the result before each step."""
    import rich.console
    import rich.progress

    console = rich.console.Console(stderr=True)
    if not console.is_terminal:
        done = 0

        def print_step(step: str) -> None:
            nonlocal done
            done += 1
            click.echo(f"{title} {done}/{total}: {step}", err=True)

        yield print_step
        return
    with rich.progress.Progress(console=console, transient=True) as bar:
        task = bar.add_task(title, total=total)

        def advance(step: str) -> None:
            bar.update(task, advance=1, description=f"{title}: {step}")

        yield advance
