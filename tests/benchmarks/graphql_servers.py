"""Baseline GraphQL servers for badges: graphql-core's executor in the service, and Strawberry in memory.

`python -m tests.benchmarks.graphql_servers executor` is the whole service, with every query executed by graphql-core.
`… in-memory` is Strawberry on aiohttp with its caches and all badges in memory, without authorization or a database.
"""

import asyncio
import signal

import click
import strawberry
import uvloop
from aiohttp import web
from strawberry.aiohttp.views import GraphQLView
from strawberry.extensions import ParserCache, ValidationCache

from service.api.graphql.engine import document
from service.api.graphql.engine.errors import FallbackToExecutor
from service.cli.main import main as laurel
from tests.benchmarks import badges


@strawberry.type
class MediaImage:
    """A picture."""

    url: str
    alt: str


@strawberry.type
class BadgeEarningCriteriaLpComplete:
    """Earned by completing a learning path."""

    learning_path_id: strawberry.ID


@strawberry.type
class BadgeEarningCriteriaSocialEngagement:
    """Earned by posts."""

    threshold: int
    current_threshold: int


@strawberry.type
class Badge:
    """One badge."""

    id: strawberry.ID
    title: str
    status: str
    earned: str | None
    picture: MediaImage
    earning_criteria: BadgeEarningCriteriaLpComplete | BadgeEarningCriteriaSocialEngagement


@strawberry.type
class PageInfo:
    """Position of a page."""

    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class BadgeConnection:
    """A page of badges."""

    nodes: list[Badge]
    page_info: PageInfo
    total_items: int


_BADGES = [
    Badge(
        id=strawberry.ID(f"lantern-{number}"),
        title=f"Keeper of Light {number}",
        status="EARNED" if number % 2 else "NOT_EARNED",
        earned="29/02/2024" if number % 2 else None,
        picture=MediaImage(
            url=f"https://images.example.com/{badges.TITLE}/achievements/{number:03}/icon.png",
            alt=f"Keeper of Light {number}",
        ),
        earning_criteria=BadgeEarningCriteriaLpComplete(learning_path_id=strawberry.ID(f"path-{number}"))
        if badges.is_for_learning_path(number)
        else BadgeEarningCriteriaSocialEngagement(threshold=10 * number, current_threshold=7),
    )
    for number in range(1, badges.BADGES + 1)
]


@strawberry.type
class Query:
    """The query type."""

    @strawberry.field
    async def get_badges(self, first: int) -> BadgeConnection:
        """The first badges."""
        return BadgeConnection(
            nodes=_BADGES[:first],
            page_info=PageInfo(has_next_page=False, end_cursor="c" * 40),
            total_items=len(_BADGES),
        )


@click.group()
def main() -> None:
    """Serve until SIGTERM; the first line of output has the URL."""


@main.command()
def executor() -> None:
    """Serve without compiled queries; the settings are those of `laurel serve`."""

    def leave_to_executor(*_: object) -> None:
        raise FallbackToExecutor

    document.compile_query = leave_to_executor
    laurel(["serve", "--port", "0", "--ops-port", "0"])


@main.command()
def in_memory() -> None:
    """Serve the badges with Strawberry."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve())


async def _serve() -> None:
    app = web.Application()
    schema = strawberry.Schema(Query, extensions=[ParserCache, ValidationCache])
    app.router.add_route("*", "/graphql", GraphQLView(schema=schema, graphql_ide=None))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    click.echo(f"ready http://127.0.0.1:{runner.addresses[0][1]}")
    await stopped.wait()
    await runner.cleanup()


if __name__ == "__main__":
    main()
