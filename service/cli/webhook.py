"""`laurel webhook`: webhooks of a title, and deliveries that failed."""

import click

from service.cli.console import fail, run_on_connection, settings, title_option
from service.core.events import outbox


@click.group("webhook")
def webhook() -> None:
    """Webhooks that are called on unlocks."""


@webhook.command("create")
@title_option
@click.option(
    "--url", required=True, help="Absolute https URL; http on this machine where LAUREL_OUTBOUND_NETWORKS allows it."
)
def create(*, title_id: int, url: str) -> None:
    """Create a webhook for all future unlocks; print its id and its signing secret, which is shown only once."""
    from service.outbound.destinations import Destinations
    from service.outbound.fetch import FetchError

    try:
        Destinations(settings().outbound_networks).check_url(url)
    except FetchError as error:
        fail(f"--url: {error}, got {url[:100]!r}")
    webhook_id, secret = run_on_connection(
        lambda connection: outbox.add_webhook(connection, title_id=title_id, url=url)
    )
    click.echo(f"{webhook_id} {secret}")


@webhook.command("list")
@title_option
def list_(*, title_id: int) -> None:
    """List the webhooks of a title with the number of pending and failed deliveries."""
    for hook in run_on_connection(lambda connection: outbox.list_webhooks(connection, title_id)):
        click.echo(f"{hook.webhook_id}  {hook.url}  since {hook.created_at}  {hook.waiting} waiting, {hook.dead} dead")


@webhook.command("delete")
@title_option
@click.argument("webhook_id", type=click.IntRange(1, 2**63 - 1))
def delete(webhook_id: int, *, title_id: int) -> None:
    """Delete a webhook with its pending deliveries."""
    run_on_connection(lambda connection: outbox.remove_webhook(connection, title_id=title_id, webhook_id=webhook_id))
    click.echo(f"deleted {webhook_id}")


@webhook.command("dead")
@title_option
def dead(*, title_id: int) -> None:
    """List deliveries that are no longer retried: webhook, achievement, attempts, last error."""
    for delivery in run_on_connection(lambda connection: outbox.list_dead(connection, title_id)):
        click.echo(
            f"webhook {delivery.webhook_id}  achievement {delivery.number}  {delivery.attempts} attempts  {delivery.error}"
        )


@webhook.command("retry")
@title_option
def retry(*, title_id: int) -> None:
    """Retry all deliveries that are no longer retried automatically."""
    count = run_on_connection(lambda connection: outbox.retry_dead(connection, title_id))
    click.echo(f"{count} deliveries will be retried")
