"""`laurel badge …`: issue, revoke, restore and verify Open Badges, and rotate the key that signs them."""

import pathlib
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import click

from service.cli.console import check_player, database_url, fail, migrated_pool, run, settings
from service.core.badges.credential import IssuerContext
from service.core.badges.issue import issue_credential
from service.core.badges.revocations import restore_credential, revoke_credential
from service.core.badges.signing_keys import rotate_signing_key
from service.core.badges.verify import VerifiedCredential
from service.core.progress.reader import ProgressReader
from service.core.publishing.published_title import PublishedTitle
from service.core.publishing.snapshot import SnapshotStore
from service.db.pool import Pool
from service.errors import NotFound

T = TypeVar("T")

_title = click.option("--title", "title_id", required=True, type=click.IntRange(1, 2**32 - 1), help="The title's id.")
_user = click.option("--user", "player", required=True, callback=check_player, help="The player.")
_achievement = click.option("--achievement", "public_id", required=True, help="The achievement's public id.")


@click.group("badge")
def badge() -> None:
    """Open Badges of what players unlocked."""


@badge.command("issue")
@_title
@_user
@_achievement
@click.option("--language", "languages", default="", help="As in Accept-Language; without it, the title's own.")
@click.option("--output", type=click.Path(path_type=pathlib.Path), help="The file to write; without it, the terminal.")
def issue(*, title_id: int, player: str, public_id: str, languages: str, output: pathlib.Path | None) -> None:
    """Print a signed credential, the same that the service gives the player. LAUREL_PUBLIC_URL must be set."""
    chosen = settings()
    base_url = chosen.public_url
    if base_url is None:
        fail("LAUREL_PUBLIC_URL: set it, so that the credential can say where its issuer is")

    async def work(pool: Pool) -> str:
        published = await _published(pool, title_id)
        chain = published.chain_for(languages, country=None, max_distance=chosen.locale_max_distance)
        issuer = IssuerContext(base_url, published, chain)
        document = await issue_credential(pool, ProgressReader(pool), issuer, player=player, public_id=public_id)
        return document.sign()

    token = _run_with_pool(work)
    if output is None:
        click.echo(token)
    else:
        output.write_text(f"{token}\n", encoding="ascii")


@badge.command("revoke")
@_title
@_user
@_achievement
@click.option("--reason", help="Stored for operators; the credential and its status do not show it.")
def revoke(*, title_id: int, player: str, public_id: str, reason: str | None) -> None:
    """Revoke a badge in every language; the player keeps the unlock."""

    async def work(pool: Pool) -> bool:
        published = await _published(pool, title_id)
        return await revoke_credential(
            pool, ProgressReader(pool), published, player=player, public_id=public_id, reason=reason
        )

    click.echo("revoked" if _run_with_pool(work) else "it was revoked already")


@badge.command("restore")
@_title
@_user
@_achievement
def restore(*, title_id: int, player: str, public_id: str) -> None:
    """Make a revoked badge valid again."""

    async def work(pool: Pool) -> bool:
        published = await _published(pool, title_id)
        return await restore_credential(pool, ProgressReader(pool), published, player=player, public_id=public_id)

    click.echo("restored" if _run_with_pool(work) else "it was not revoked")


@badge.command("rotate-key")
@click.option("--withdraw", is_flag=True, help="Delete the old keys: everything that they signed becomes invalid.")
def rotate_key(*, withdraw: bool) -> None:
    """Sign badges with a new key; what the old ones signed stays valid."""
    click.echo(_run_with_pool(lambda pool: rotate_signing_key(pool, withdraw=withdraw)))


@badge.command("verify")
@click.argument("source", metavar="FILE|URL")
@click.option("--jwks", help="A file or URL with the issuer's keys; without it, they are fetched from the issuer.")
def verify(source: str, *, jwks: str | None) -> None:
    """Show a badge and whether it is valid; exit status 1 if it is not."""
    from service.outbound.credential_fetch import verify_badge
    from service.outbound.destinations import Destinations

    destinations = Destinations(settings().outbound_networks)
    result = run(lambda: verify_badge(source, keys_source=jwks, destinations=destinations, now=time.time()))
    if result.credential is not None:
        click.echo("\n".join(_lines(result.credential)))
    if result.failure is not None:
        click.echo(f"not valid: {result.failure}")
        sys.exit(1)
    is_revocable = result.credential is not None and result.credential.statuses
    click.echo(f"valid: the issuer signed it, and {'it was not revoked' if is_revocable else 'it cannot be revoked'}")


def _lines(credential: VerifiedCredential) -> Iterator[str]:
    """The badge's members, a line each. It may come from anybody, so control characters are replaced."""
    issuer = credential.issuer
    members = {
        "badge": credential.achievement,
        "for": credential.description,
        "language": credential.language,
        "issuer": issuer if credential.issuer_name is None else f"{credential.issuer_name}, {issuer}",
        "holder": credential.subject,
        "since": credential.valid_from,
        "until": credential.valid_until,
    }
    for name, text in members.items():
        if text is not None:
            yield f"{name:9}{''.join(letter if letter.isprintable() else '�' for letter in text)}"


def _run_with_pool(work: Callable[[Pool], Coroutine[Any, Any, T]]) -> T:
    async def with_pool(url: str) -> T:
        async with migrated_pool(url) as pool:
            return await work(pool)

    with database_url(settings()) as url:
        return run(lambda: with_pool(url))


async def _published(pool: Pool, title_id: int) -> PublishedTitle:
    """The published release of the title.

    Raises:
        NotFound: nothing is published.
    """
    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    published = snapshots.current.titles.get(title_id)
    if published is None:
        raise NotFound(f"nothing is published in title {title_id}")
    return published
