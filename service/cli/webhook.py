"""`laurel webhook`: webhooks of a title, and deliveries that failed."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from service.cli.console import database_url, fail, migrated_pool, run, settings
from service.core.events import outbox
from service.db import Connection

T = TypeVar("T")

_title = click.option(
    "--title", "title_id", required=True, type=click.IntRange(1, 2**32 - 1), help="Title of the webhooks."
)


@click.group("webhook")
def webhook() -> None:
    """Webhooks that are called on unlocks."""


@webhook.command("create")
@_title
@click.option("--url", required=True, help="Absolute https URL, or http on this machine.")
def create(*, title_id: int, url: str) -> None:
    """Create a webhook for all future unlocks; print its id and its signing secret, which is shown only once."""
    from service.outbound.webhooks import is_safe_url

    if not is_safe_url(url):
        fail(f"--url: expected https, or http on this machine, got {url[:100]!r}")
    webhook_id, secret = _run(lambda connection: outbox.add_webhook(connection, title_id=title_id, url=url))
    click.echo(f"{webhook_id} {secret}")


@webhook.command("list")
@_title
def list_(*, title_id: int) -> None:
    """List the webhooks of a title with the number of pending and failed deliveries."""
    for hook in _run(lambda connection: outbox.list_webhooks(connection, title_id)):
        click.echo(f"{hook.webhook_id}  {hook.url}  since {hook.created_at}  {hook.waiting} waiting, {hook.dead} dead")


@webhook.command("delete")
@_title
@click.argument("webhook_id", type=int)
def delete(webhook_id: int, *, title_id: int) -> None:
    """Delete a webhook with its pending deliveries."""
    _run(lambda connection: outbox.remove_webhook(connection, title_id=title_id, webhook_id=webhook_id))
    click.echo(f"deleted {webhook_id}")


@webhook.command("dead")
@_title
def dead(*, title_id: int) -> None:
    """List deliveries that failed for good: webhook, achievement, attempts, last error."""
    for item in _run(lambda connection: outbox.list_dead(connection, title_id)):
        click.echo(f"webhook {item.webhook_id}  achievement {item.number}  {item.attempts} attempts  {item.error}")


@webhook.command("retry")
@_title
def retry(*, title_id: int) -> None:
    """Retry all deliveries that failed for good."""
    count = _run(lambda connection: outbox.retry_dead(connection, title_id))
    click.echo(f"{count} deliveries will be retried")


def _run(work: Callable[[Connection], Awaitable[T]]) -> T:
    """Run work on one connection of the configured database."""

    async def connected(url: str) -> T:
        async with migrated_pool(url) as pool, pool.connection() as connection:
            return await work(connection)

    with database_url(settings()) as url:
        return run(lambda: connected(url))
