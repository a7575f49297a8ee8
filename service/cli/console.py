"""What every command shares: the settings, a database, errors in words, and progress on a terminal."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, NoReturn, TypeVar

import click
import rich.console
import rich.progress
import uvloop

from service.db.embedded import embedded
from service.db.migrate import migrate
from service.db.pool import Pool, open_pool
from service.errors import ConfigurationError, LaurelError
from service.settings import Settings, read_settings

T = TypeVar("T")


class CommandError(click.ClickException):
    """An error that is told in a line, with exit status 1."""

    def show(self, file: Any = None) -> None:
        """Tell it on standard error."""
        click.echo(f"laurel: {self.format_message()}", err=True, file=file)


def fail(message: object) -> NoReturn:
    """End the command with this message and exit status 1."""
    raise CommandError(str(message))


def settings() -> Settings:
    """The settings of the environment, or the end of the command."""
    try:
        return read_settings()
    except ConfigurationError as error:
        fail(error)


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do it on a fast loop; what it refuses ends the command in words."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work())
    except (ConfigurationError, LaurelError) as error:
        fail(error)


@contextlib.contextmanager
def database_url(chosen: Settings) -> Iterator[str]:
    """The database that the settings name; without one, the folder's own, started for as long as the block runs."""
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
    """A small pool for long work, on a schema brought up to date."""
    await migrate(url)
    async with await open_pool(url, size=2, statement_timeout=None) as pool:
        yield pool


@contextlib.contextmanager
def steps(title: str, total: int) -> Iterator[Callable[[str], None]]:
    """Shows how far long work is: a bar on a terminal, plain lines elsewhere. Call what it gives before each step."""
    console = rich.console.Console(stderr=True)
    if not console.is_terminal:
        done = 0

        def plain(what: str) -> None:
            nonlocal done
            done += 1
            click.echo(f"{title} {done}/{total}: {what}", err=True)

        yield plain
        return
    with rich.progress.Progress(console=console, transient=True) as bar:
        task = bar.add_task(title, total=total)

        def shown(what: str) -> None:
            bar.update(task, advance=1, description=f"{title}: {what}")

        yield shown
