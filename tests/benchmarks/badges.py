"""Badges over HTTP: fifty of them in one answer, by plans, by graphql-core's executor, by Strawberry, and the ceiling.

The title and its players are their own: XUIDs from `_FIRST` on, some badges earned, posts counted, tokens of the title.
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
from tests.benchmarks.questions import SECRET, at_random

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
_BEGUN = """
UPDATE progress AS p
SET standings = json_build_object('sum:social-posts', (p.revision % 9)::text)
WHERE p.title_id = $1
"""


class Badges(msgspec.Struct, frozen=True):
    """The rounds of each workload by its name, at so many connections, and the size of an answer."""

    rounds: dict[str, list[Round]]
    connections: int
    body_bytes: int


def is_of_path(number: int) -> bool:
    """Whether a badge is for a learning path; the others are for posts."""
    return number % 2 == 0


async def prepare(connection: asyncpg.Connection, players: int) -> None:
    """The title and its players."""
    draft = _title()
    async with connection.transaction():
        await seed.publish_title(connection, [draft])
        await connection.execute("DELETE FROM backfill")  # nobody is to be given anything
    await seed.put_players(connection, first=_FIRST, players=players, titles=[draft], fewest=5, most=45)
    await connection.execute(_BEGUN, TITLE)
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
    if is_of_path(number):
        measure, target = Measure(aggregate="sum", metric=_COMPLETED, where=((LEARNING_PATH, f"path-{number}"),)), "1"
    requirement = Requirement(id=achievement.requirements[0].id, target=target, measure=measure)
    return msgspec.structs.replace(achievement, requirements=(requirement,))


def _questions(players: int) -> list[bytes]:
    """What each player asks, in a language of their own."""
    chance = random.Random(50)  # noqa: S311  (the same in every run)
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
    """Short rounds of each in turn. Every token was seen once before the first, by both services."""
    questions = _questions(players)
    settings = {"LAUREL_DATABASE_URL": url, "LAUREL_JWT_SECRET": SECRET}
    servers = "tests.benchmarks.graphql_servers"
    async with contextlib.AsyncExitStack() as stack:
        body_bytes = round(
            statistics.mean([len((await fetch(service.port, question))[1]) for question in questions[:50]])
        )
        bare = await stack.enter_async_context(
            started("tests.benchmarks.baselines", "--body-bytes", str(body_bytes), log=log, settings={})
        )
        executor = await stack.enter_async_context(started(servers, "executor", log=log, settings=settings))
        strawberry = await stack.enter_async_context(started(servers, "in-memory", log=log, settings={}))
        workloads = [(PLAN, service), (BARE, bare), (EXECUTOR, executor), (STRAWBERRY, strawberry)]
        await _warm_up(service, questions, seconds)
        found: dict[str, list[Round]] = {}
        for _ in range(rounds):
            for name, server in workloads:
                seen = await drive(server.port, at_random(questions), connections=connections, seconds=seconds)
                found.setdefault(name, []).append(seen)
    return Badges(found, connections, body_bytes)


async def _warm_up(server: Server, questions: Sequence[bytes], seconds: float) -> None:
    seen, unseen = 0, iter(questions * 100)
    while seen < len(questions):
        seen += len((await drive(server.port, unseen, connections=16, seconds=seconds)).latencies)


def table(badges: Badges) -> tuple[list[str], list[list[str]]]:
    """Heads and rows: medians of rounds."""
    rows = [
        [
            name,
            str(badges.connections),
            f"{statistics.median(one.rate for one in rounds):.0f}",
            f"{statistics.median(one.percentile(0.5) for one in rounds):.2f}",
            f"{statistics.median(one.percentile(0.99) for one in rounds):.2f}",
        ]
        for name, rounds in badges.rounds.items()
    ]
    return [f"badges, answers of {badges.body_bytes} bytes", "connections", "requests/s", "p50 ms", "p99 ms"], rows


def verdicts(badges: Badges) -> list[tuple[str, float, float, bool]]:
    """What was to be reached: name, limit, what was measured, whether the limit is a most."""

    def against(name: str) -> float:
        pairs = zip(badges.rounds[PLAN], badges.rounds[name], strict=True)
        return statistics.median(one.rate / other.rate for one, other in pairs)

    return [
        ("50 badges, × Strawberry", 8.0, against(STRAWBERRY), False),
        ("50 badges, × ceiling", 0.4, against(BARE), False),
        ("50 badges, × graphql-core's executor", 1.0, against(EXECUTOR), False),
    ]
