"""`laurel webhook …`: who is told of a title's unlocks, and what could not be told."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from service.cli.console import database_url, fail, migrated_pool, run, settings
from service.core.events import outbox
from service.db import Connection

T = TypeVar("T")

_title = click.option("--title", "title_id", required=True, type=click.IntRange(1, 2**32 - 1), help="Which title.")


@click.group("webhook")
def webhook() -> None:
    """Who is told of unlocks."""


@webhook.command("create")
@_title
@click.option("--url", required=True, help="https, or http on this machine.")
def create(*, title_id: int, url: str) -> None:
    """Tell a URL of every unlock from now on; prints its id and, this once, the secret that signs."""
    from service.outbound.webhooks import is_safe_url

    if not is_safe_url(url):
        fail(f"--url: expected https, or http on this machine, got {url[:100]!r}")
    webhook_id, secret = _ask(lambda connection: outbox.add_webhook(connection, title_id=title_id, url=url))
    click.echo(f"{webhook_id} {secret}")


@webhook.command("list")
@_title
def list_(*, title_id: int) -> None:
    """The webhooks of a title, with how many messages wait and how many are dead."""
    for one in _ask(lambda connection: outbox.webhooks_of(connection, title_id)):
        click.echo(f"{one.webhook_id}  {one.url}  since {one.created_at}  {one.waiting} waiting, {one.dead} dead")


@webhook.command("delete")
@_title
@click.argument("webhook_id", type=int)
def delete(webhook_id: int, *, title_id: int) -> None:
    """Tell a webhook nothing any more, what waits for it included."""
    _ask(lambda connection: outbox.remove_webhook(connection, title_id=title_id, webhook_id=webhook_id))
    click.echo(f"deleted {webhook_id}")


@webhook.command("dead")
@_title
def dead(*, title_id: int) -> None:
    """What was tried as often as it will be by itself: webhook, achievement, attempts, why."""
    for one in _ask(lambda connection: outbox.dead(connection, title_id)):
        click.echo(f"webhook {one.webhook_id}  achievement {one.number}  {one.attempts} attempts  {one.error}")


@webhook.command("retry")
@_title
def retry(*, title_id: int) -> None:
    """Try everything dead again."""
    count = _ask(lambda connection: outbox.retry(connection, title_id))
    click.echo(f"{count} are tried again")


def _ask(question: Callable[[Connection], Awaitable[T]]) -> T:
    async def work(url: str) -> T:
        async with migrated_pool(url) as pool, pool.connection() as connection:
            return await question(connection)

    with database_url(settings()) as url:
        return run(lambda: work(url))
