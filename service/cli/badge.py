"""`laurel badge …`: what players unlocked as Open Badges: issued, revoked, verified; and the key that signs them."""

import pathlib
import sys
import time
from collections.abc import Iterator

import click

from service.cli.console import database_url, fail, migrated_pool, run, settings
from service.core.badges import credential, revocations
from service.core.badges.credential import EarnedAchievement, IssuerContext
from service.core.badges.signing_keys import load_signing_keys, rotate_signing_key
from service.core.badges.verify import VerificationError, VerifiedCredential
from service.core.languages import negotiation
from service.core.progress.reader import ProgressReader
from service.core.publishing.published_title import PublishedTitle
from service.core.publishing.snapshot import SnapshotStore
from service.db.pool import Pool
from service.errors import NotFound

_title = click.option("--title", "title_id", required=True, type=click.IntRange(1, 2**32 - 1), help="Which title.")
_user = click.option("--user", required=True, help="Whose.")
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
def issue(*, title_id: int, user: str, public_id: str, languages: str, output: pathlib.Path | None) -> None:
    """Print a signed credential, as the service hands it to the player. It wants LAUREL_PUBLIC_URL."""
    chosen = settings()
    base = chosen.public_url
    if base is None:
        fail("LAUREL_PUBLIC_URL: set it, so that the credential can say where its issuer is")

    async def work(url: str) -> str:
        async with migrated_pool(url) as pool:
            published, award = await _award(pool, title_id, user, public_id)
            chain = negotiation.chain(
                languages, country=None, locales=published.locales, default=published.title.default_locale
            )
            keys = await load_signing_keys(pool)
            issuing = IssuerContext(base, published, published.trim_chain(chain))
            return keys.sign(credential.credential_claims(issuing, award, secret=keys.secret)[0], base=base)

    with database_url(chosen) as url:
        token = run(lambda: work(url))
    if output is None:
        click.echo(token)
    else:
        output.write_text(f"{token}\n", encoding="ascii")


@badge.command("revoke")
@_title
@_user
@_achievement
@click.option("--reason", help="Why, for who looks it up later; nobody else is told.")
def revoke(*, title_id: int, user: str, public_id: str, reason: str | None) -> None:
    """Show a badge as revoked from now on, in every language; the player keeps the unlock."""

    async def work(url: str) -> bool:
        async with migrated_pool(url) as pool:
            _, award = await _award(pool, title_id, user, public_id)
            at = credential.status_position(title_id, award, secret=(await load_signing_keys(pool)).secret)
            async with pool.transaction() as connection:
                return await revocations.revoke(connection, award, at, title_id=title_id, reason=reason)

    with database_url(settings()) as url:
        changed = run(lambda: work(url))
    click.echo("revoked" if changed else "it was revoked already")


@badge.command("restore")
@_title
@_user
@_achievement
def restore(*, title_id: int, user: str, public_id: str) -> None:
    """Show a revoked badge as good again."""

    async def work(url: str) -> bool:
        async with migrated_pool(url) as pool:
            published, award = await _award(pool, title_id, user, public_id)
            async with pool.transaction() as connection:
                return await revocations.restore(
                    connection, player=user, title_id=published.title_id, achievement=award.achievement
                )

    with database_url(settings()) as url:
        changed = run(lambda: work(url))
    click.echo("restored" if changed else "it was not revoked")


@badge.command("rotate-key")
@click.option("--withdraw", is_flag=True, help="Publish the old keys no more: all that they signed is good no more.")
def rotate_key(*, withdraw: bool) -> None:
    """Sign badges with a new key; what the old ones signed stays good."""

    async def work(url: str) -> str:
        async with migrated_pool(url) as pool:
            return await rotate_signing_key(pool, withdraw=withdraw)

    with database_url(settings()) as url:
        click.echo(run(lambda: work(url)))


@badge.command("verify")
@click.argument("source", metavar="FILE|URL")
@click.option("--jwks", help="A file or URL with the issuer's keys; without it, they are asked of the issuer.")
def verify(source: str, *, jwks: str | None) -> None:
    """Say what a badge is, and whether it is good; exit status 1 if it is not."""
    from service.outbound import credential_fetch

    shown: list[VerifiedCredential] = []
    try:
        run(lambda: credential_fetch.verify_badge(source, jwks=jwks, now=time.time(), show=shown.append))
        is_revocable = any(one.statuses for one in shown)
        verdict = f"good: the issuer signed it, and {'it was not revoked' if is_revocable else 'it cannot be revoked'}"
        status = 0
    except VerificationError as problem:
        verdict, status = f"not good: {problem}", 1
    for one in shown:
        click.echo("\n".join(_lines(one)))
    click.echo(verdict)
    sys.exit(status)


def _lines(one: VerifiedCredential) -> Iterator[str]:
    """What a badge says of itself; it may be anybody's, so nothing of it can move the cursor."""
    said = {
        "badge": one.achievement,
        "for": one.description,
        "language": one.language,
        "issuer": one.issuer if one.issuer_name is None else f"{one.issuer_name}, {one.issuer}",
        "holder": one.subject,
        "since": one.valid_from,
        "until": one.valid_until,
    }
    for name, text in said.items():
        if text is not None:
            yield f"{name:9}{''.join(letter if letter.isprintable() else '�' for letter in text)}"


async def _award(pool: Pool, title_id: int, player: str, public_id: str) -> tuple[PublishedTitle, EarnedAchievement]:
    """What is published of the title, and that the player unlocked this in it."""
    releases = SnapshotStore(pool)
    await releases.refresh()
    published = releases.current.titles.get(title_id)
    if published is None:
        raise NotFound(f"nothing is published in title {title_id}")
    return published, await revocations.find_earned(ProgressReader(pool), published, player=player, public_id=public_id)
