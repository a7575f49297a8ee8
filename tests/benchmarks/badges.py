"""GraphQL benchmark: fifty badges per response, compared with graphql-core's executor, Strawberry and the ceiling.

It has its own title and players: XUIDs from `_FIRST` on, with some badges earned and posts counted.
"""

import contextlib
import pathlib
import random
import statistics
import time
from collections.abc import Sequence

import asyncpg
import msgspec

from service.api.graphql.criteria import LEARNING_PATH
from service.core.auth import tokens
from service.core.catalog.model import Achievement, Attribute, Draft, Measure, Metric, Requirement, metric_key
from tests.benchmarks import seed
from tests.benchmarks.driver import Round, drive, fetch
from tests.benchmarks.processes import Server, started
from tests.benchmarks.requests import SECRET, UNLIMITED, at_random

TITLE = 3_200_000_001
BADGES = 50
PLAN, EXECUTOR, STRAWBERRY, BARE = (
    "50 badges",
    "the same by graphql-core",
    "the same by Strawberry",
    "ceiling of its size",
)
_FIRST = 2533277000000000
_POSTS = "social-posts"
_COMPLETED = "lp-completed"
QUERY = """
query Badges($first: Int!) {
  getBadges(first: $first) {
    totalItems
    pageInfo { hasNextPage endCursor }
    nodes {
      id title status earned
      picture { url alt }
      earningCriteria {
        __typename
        ... on BadgeEarningCriteriaLpComplete { learningPathId }
        ... on BadgeEarningCriteriaSocialEngagement { threshold currentThreshold }
      }
    }
  }
}
"""
_SET_COUNTS = """
UPDATE progress AS p
SET standings = json_build_object('sum:social-posts', (p.revision % 9)::text)
WHERE p.title_id = $1
"""


class Badges(msgspec.Struct, frozen=True):
    """The rounds of each workload by name, their number of connections, and the mean size of a response."""

    rounds: dict[str, list[Round]]
    connections: int
    body_bytes: int


def is_for_learning_path(number: int) -> bool:
    """Whether a badge is earned by completing a learning path; the others are earned by posts."""
    return number % 2 == 0


async def prepare(connection: asyncpg.Connection, players: int) -> None:
    """Seed the title and its players."""
    draft = _title()
    async with connection.transaction():
        await seed.publish_title(connection, [draft])
        await connection.execute("DELETE FROM backfill")  # no unlocks besides the seeded ones
    await seed.put_players(connection, first=_FIRST, players=players, titles=[draft], fewest=5, most=45)
    await connection.execute(_SET_COUNTS, TITLE)
    await connection.execute("VACUUM ANALYZE progress, player")


def _title() -> Draft:
    draft = seed.title(TITLE, achievements=BADGES)
    title = msgspec.structs.replace(
        draft.title,
        metrics=(Metric(key=_POSTS, public_id="p"), Metric(key=_COMPLETED, public_id="c")),
        attributes=(Attribute(key=LEARNING_PATH, public_id="l", kind="event", name="Path"),),
    )
    texts = dict(draft.texts)
    texts["en-US"] = {**texts["en-US"], metric_key(_POSTS): "Posts", metric_key(_COMPLETED): "Completed"}
    return Draft(title=title, achievements=tuple(map(_badge, draft.achievements)), texts=texts)


def _badge(achievement: Achievement) -> Achievement:
    number = achievement.number
    measure, target = Measure(aggregate="sum", metric=_POSTS), str(10 * number)
    if is_for_learning_path(number):
        measure, target = Measure(aggregate="sum", metric=_COMPLETED, where=((LEARNING_PATH, f"path-{number}"),)), "1"
    requirement = Requirement(id=achievement.requirements[0].id, target=target, measure=measure)
    return msgspec.structs.replace(achievement, requirements=(requirement,))


def _requests(players: int) -> list[bytes]:
    """One request for each player, in a random language."""
    chance = random.Random(50)  # noqa: S311  (a fixed seed)
    body = msgspec.json.encode({"query": QUERY, "variables": {"first": BADGES}})
    return [
        "\r\n".join(
            [
                "POST /graphql HTTP/1.1",
                "Host: badges.example.com",
                "User-Agent: laurel-bench",
                "Accept: application/json",
                f"Accept-Language: {chance.choice(list(seed.LANGUAGES.values())).accept}",
                f"Authorization: {_authorization(_FIRST + index)}",
                "Content-Type: application/json",
                f"Content-Length: {len(body)}",
                "\r\n",
            ]
        ).encode()
        + body
        for index in range(players)
    ]


def _authorization(player: int) -> str:
    claims = tokens.claims_for(str(player), issuer="laurel", audience="laurel", now=int(time.time()), title_id=TITLE)
    token = tokens.sign(claims, SECRET)
    return tokens.authorization(token, user_hash=claims["xui"][0]["uhs"], scheme="bearer")


async def measure(
    service: Server, *, url: str, players: int, connections: int, rounds: int, seconds: float, log: pathlib.Path
) -> Badges:
    """Short rounds of all workloads in turn; every token was used once before the first round."""
    requests = _requests(players)
    settings = UNLIMITED | {"LAUREL_DATABASE_URL": url, "LAUREL_JWT_SECRET": SECRET}
    servers = "tests.benchmarks.graphql_servers"
    async with contextlib.AsyncExitStack() as stack:
        body_bytes = round(statistics.mean([len((await fetch(service.port, request))[1]) for request in requests[:50]]))
        bare = await stack.enter_async_context(
            started("tests.benchmarks.baselines", "--body-bytes", str(body_bytes), log=log, settings={})
        )
        executor = await stack.enter_async_context(started(servers, "executor", log=log, settings=settings))
        strawberry = await stack.enter_async_context(started(servers, "in-memory", log=log, settings={}))
        workloads = [(PLAN, service), (BARE, bare), (EXECUTOR, executor), (STRAWBERRY, strawberry)]
        await _warm_up(service, requests, seconds)
        rounds_by_name: dict[str, list[Round]] = {}
        for _ in range(rounds):
            for name, server in workloads:
                result = await drive(server.port, at_random(requests), connections=connections, seconds=seconds)
                rounds_by_name.setdefault(name, []).append(result)
    return Badges(rounds_by_name, connections, body_bytes)


async def _warm_up(server: Server, requests: Sequence[bytes], seconds: float) -> None:
    answered, remaining = 0, iter(requests * 100)
    while answered < len(requests):
        answered += len((await drive(server.port, remaining, connections=16, seconds=seconds)).latencies)


def table(badges: Badges) -> tuple[list[str], list[list[str]]]:
    """Column heads and rows, with the medians of the rounds."""
    rows = [
        [
            name,
            str(badges.connections),
            f"{statistics.median(round_.rate for round_ in rounds):.0f}",
            f"{statistics.median(round_.percentile(0.5) for round_ in rounds):.2f}",
            f"{statistics.median(round_.percentile(0.99) for round_ in rounds):.2f}",
        ]
        for name, rounds in badges.rounds.items()
    ]
    return [f"badges, responses of {badges.body_bytes} bytes", "connections", "requests/s", "p50 ms", "p99 ms"], rows


def verdicts(badges: Badges) -> list[tuple[str, float, float, bool]]:
    """The targets: name, limit, measured value, and whether the limit is an upper one."""

    def ratio_to(name: str) -> float:
        pairs = zip(badges.rounds[PLAN], badges.rounds[name], strict=True)
        return statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)

    return [
        ("50 badges, × Strawberry", 8.0, ratio_to(STRAWBERRY), False),
        ("50 badges, × ceiling", 0.4, ratio_to(BARE), False),
        ("50 badges, × graphql-core's executor", 1.0, ratio_to(EXECUTOR), False),
    ]
