"""`laurel token`: print a signed token for tests and demos."""

import time
from typing import Literal

import click
import msgspec

from service.cli.console import fail, settings
from service.cli.signing_secret import with_signing_secret
from service.core.auth import principal, tokens

_SHOWN_CHARACTERS = 80


@click.command("token")
@click.option("--xuid", help="Player that the token speaks for: a decimal XUID.")
@click.option("--sub", help="Name in the history of texts, for somebody who is no player; instead of --xuid.")
@click.option("--l10n", help="Rights on texts as JSON: the claim `l10n`.")
@click.option("--uhs", help="The player's user hash: digits.")
@click.option("--title", type=click.IntRange(1, 2**32 - 1), help="Title that sends the requests: the claim `xti`.")
@click.option("--country", help="The player's country: ISO 3166, two letters.")
@click.option("--scope", default="", help="Further rights, separated by spaces.")
@click.option("--lifetime", default=3600, show_default=True, type=click.IntRange(1, 86_400), help="Seconds.")
@click.option(
    "--scheme",
    default="xbl3",
    show_default=True,
    type=click.Choice(["xbl3", "bearer"]),
    help="Scheme of the Authorization header.",
)
def token(
    *,
    xuid: str | None,
    sub: str | None,
    l10n: str | None,
    uhs: str | None,
    title: int | None,
    country: str | None,
    scope: str,
    lifetime: int,
    scheme: Literal["xbl3", "bearer"],
) -> None:
    """Print the value of an Authorization header, signed with LAUREL_JWT_SECRET or the key in LAUREL_DATA."""
    chosen = with_signing_secret(settings(), create=False)
    if chosen.jwt_secret is None:
        fail("only a public key is set: tokens are signed where the private key is")
    try:
        claims = tokens.claims_for(
            xuid,
            issuer=chosen.issuer,
            audience=chosen.audience,
            now=int(time.time()),
            lifetime_seconds=lifetime,
            user_hash=uhs,
            title_id=title,
            country=country,
            scopes=scope.split(),
            subject=sub,
            l10n=None if l10n is None else _grants(l10n),
        )
    except ValueError as error:
        fail(error)
    user_hash = claims["xui"][0]["uhs"] if xuid else principal.NO_USER
    click.echo(tokens.authorization(tokens.sign(claims, chosen.jwt_secret), user_hash=user_hash, scheme=scheme))


def _grants(text: str) -> object:
    """The claim `l10n`, read from JSON.

    Raises:
        ValueError: it is not JSON, or grants nothing.
    """
    try:
        claim = msgspec.json.decode(text)
    except msgspec.DecodeError:
        claim = None
    if not principal.grants_of(claim):
        example = '[{"titles": "*", "locales": ["fr"], "can": ["translate"]}]'
        raise ValueError(f"--l10n: expected grants such as {example}, got {text[:_SHOWN_CHARACTERS]!r}")
    return claim
