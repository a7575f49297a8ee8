"""Requests of players as bytes: each player has a random language and title."""

import random
import time
from collections.abc import Iterator, Sequence

from service.core.auth import tokens
from tests.benchmarks import seed

SECRET = "a secret of the benchmark, long enough for HS256"
UNLIMITED = {
    "LAUREL_PLAYER_LIMITS": "requests=0,concurrent=0",
    "LAUREL_SERVER_LIMITS": "requests=0,concurrent=0",
}
"""Settings for a load from few credentials; requests are counted nevertheless."""


def list_request(player: int, *, token: str, query: str = "", language: str = "en-US") -> bytes:
    """A request for a list under contract 2, with the header fields of a console."""
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
    """The request as a conditional one, with `If-None-Match`."""
    return request[:-2] + f"If-None-Match: {etag}\r\n\r\n".encode()


def authorization(player: int) -> str:
    """The Authorization header of a player's token."""
    claims = tokens.claims_for(str(player), issuer="laurel", audience="laurel", now=int(time.time()))
    return tokens.authorization(tokens.sign(claims, SECRET), user_hash=claims["xui"][0]["uhs"])


def spread(players: Sequence[int], title_ids: Sequence[int]) -> tuple[list[bytes], list[bytes]]:
    """For each player a request for the first page of a random title, and one for the first page of all their titles."""
    chance = random.Random(32)  # noqa: S311  (a fixed seed)
    in_a_title, in_all = [], []
    for player in players:
        token, language = authorization(player), chance.choice(list(seed.LANGUAGES.values())).accept
        query = f"titleId={chance.choice(title_ids)}"
        in_a_title.append(list_request(player, token=token, query=query, language=language))
        in_all.append(list_request(player, token=token, language=language))
    return in_a_title, in_all


def at_random(requests: Sequence[bytes]) -> Iterator[bytes]:
    """Endless requests in random order, all equally likely, so that caches see neither a cycle nor a few players only."""
    chance = random.Random(64)  # noqa: S311
    while True:
        yield from chance.choices(requests, k=4096)
