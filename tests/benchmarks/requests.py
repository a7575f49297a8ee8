"""What players ask, as the bytes of whole requests: every player in a language and a title of their own."""

import random
import time
from collections.abc import Iterator, Sequence

from service.core.auth import tokens
from tests.benchmarks import seed

SECRET = "a secret of the benchmark, long enough for HS256"


def question(player: int, *, token: str, query: str = "", language: str = "en-US") -> bytes:
    """One request for a list in contract 2, with the header fields that a console sends."""
    return "\r\n".join(
        [
            f"GET /users/xuid({player})/achievements{query and '?'}{query} HTTP/1.1",
            "Host: achievements.example.com",
            "User-Agent: laurel-bench",
            "Accept: application/json",
            f"Accept-Language: {language}",
            f"Authorization: {token}",
            "x-xbl-contract-version: 2",
            "\r\n",
        ]
    ).encode()


def conditional(request: bytes, etag: str) -> bytes:
    """The same request for whoever has that answer."""
    return request[:-2] + f"If-None-Match: {etag}\r\n\r\n".encode()


def authorization(player: int) -> str:
    """The header of a player's token."""
    claims = tokens.claims_for(str(player), issuer="laurel", audience="laurel", now=int(time.time()))
    return tokens.authorization(tokens.sign(claims, SECRET), user_hash=claims["xui"][0]["uhs"])


def spread(players: Sequence[int], title_ids: Sequence[int]) -> tuple[list[bytes], list[bytes]]:
    """For each player the first page of one title, and of all that they have anything in."""
    chance = random.Random(32)  # noqa: S311  (the same spread in every run)
    in_a_title, in_all = [], []
    for player in players:
        token, language = authorization(player), chance.choice(list(seed.LANGUAGES.values())).accept
        query = f"titleId={chance.choice(title_ids)}"
        in_a_title.append(question(player, token=token, query=query, language=language))
        in_all.append(question(player, token=token, language=language))
    return in_a_title, in_all


def at_random(requests: Sequence[bytes]) -> Iterator[bytes]:
    """Without end, each as likely as any other: no cache meets players in turn, none is asked by a few alone."""
    chance = random.Random(64)  # noqa: S311
    while True:
        yield from chance.choices(requests, k=4096)
