"""Write benchmark: events over HTTP against pgbench with the same statement, and against three usual statements.

It has its own title, which counts words of players `w0` to `w19999`; the server is that of the read benchmark.
"""

import asyncio
import itertools
import json
import pathlib
import random
import re
import statistics
import urllib.parse
from collections.abc import Iterator, Sequence

import asyncpg
import msgspec

from service.core.auth import api_keys
from service.core.catalog.model import Achievement, Draft, Measure, Metric, Requirement, metric_key
from service.core.events.store import WRITE_CHANGES
from service.db.embedded import binaries
from service.db.queries import Statement
from tests.benchmarks import seed
from tests.benchmarks.driver import Round, drive
from tests.benchmarks.processes import Server

TITLE = 3_100_000_001
PLAYERS = 20_000
EVENT, HOT, THREE = "an event, any player", "an event, one player", "three statements, any player"
FIRST, LIST, BARE = "a first unlock of all, new players", "GET /achievements", "ceiling of its size"
PGBENCH = "pgbench, the same statement"
_MERGED_ROWS = 100_000  # of one merge of deltas

_THREE_TABLES = """
CREATE TABLE naive_key (player text, key text, PRIMARY KEY (player, key));
CREATE TABLE naive_total (player text PRIMARY KEY, total numeric NOT NULL);
CREATE TABLE naive_event (player text, at timestamptz DEFAULT now(), amount numeric NOT NULL);
CREATE INDEX ON naive_event (player, at);
"""


class Writes(msgspec.Struct, frozen=True):
    """The rounds of each workload by name and connections, pgbench's rates, and the delay by a merge of deltas in ms."""

    rounds: dict[tuple[str, int], list[Round]]
    pgbench: Sequence[float]
    merge_delay: float


class Scene(msgspec.Struct, frozen=True):
    """The servers, the database, and an API key of the title that is written to."""

    service: Server
    naive: Server
    ceiling: Server
    key: str
    url: str


async def prepare(connection: asyncpg.Connection) -> str:
    """Seed the title and the tables of the naive limit; returns an API key."""
    async with connection.transaction():
        await seed.publish_title(connection, [_title()])
        await connection.execute(_THREE_TABLES)
        await connection.execute("SELECT make_event_months(2)")
        await connection.execute("DELETE FROM backfill")  # there are no players yet
        return (await api_keys.create_key(connection, title_id=TITLE)).key


def _title() -> Draft:
    draft = seed.title(TITLE, achievements=50)
    counted = [_counted(achievement, index) for index, achievement in enumerate(draft.achievements)]
    title = msgspec.structs.replace(
        draft.title, metrics=(Metric(key="words", public_id="w"), Metric(key="first", public_id="f"))
    )
    names = {metric_key("words"): "Words", metric_key("first"): "First"}
    texts = {locale: texts | (names if locale == "en-US" else {}) for locale, texts in draft.texts.items()}
    return Draft(title=title, achievements=tuple(counted), texts=texts)


def _counted(achievement: Achievement, index: int) -> Achievement:
    """The first is for the first login, the others for very many words, so that a common event unlocks nothing."""
    metric, target = ("first", "1") if index == 0 else ("words", str(10_000_000 * index))
    requirement = achievement.requirements[0]
    measure = Measure(aggregate="sum", metric=metric)
    changed = Requirement(id=requirement.id, target=target, measure=measure)
    return msgspec.structs.replace(achievement, requirements=(changed,))


def _post(path: str, body: object, key: str) -> bytes:
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: l\r\nX-API-KEY: {key}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


def _events(key: str, players: Iterator[int], metric: str = "words") -> Iterator[bytes]:
    for player in players:
        yield _post(f"/metrics/{metric}/event", {"user": {"id": f"w{player}"}, "value": 1}, key)


def _random_players(players: int) -> Iterator[int]:
    chance = random.Random(11)  # noqa: S311
    while True:
        yield chance.randrange(players)


async def measure(
    scene: Scene,
    connection: asyncpg.Connection,
    *,
    connections: Sequence[int],
    rounds: int,
    seconds: float,
    players: int,
) -> Writes:
    """Short rounds of all workloads in turn."""
    new = itertools.count(10_000_000)
    get = f"GET /achievements HTTP/1.1\r\nHost: l\r\nX-API-KEY: {scene.key}\r\n\r\n".encode()
    workloads: list[tuple[str, Server, Iterator[bytes], int]] = [
        (EVENT, scene.service, _events(scene.key, _random_players(players)), 201),
        (HOT, scene.service, _events(scene.key, itertools.repeat(players + 1)), 201),
        (FIRST, scene.service, _events(scene.key, new, "first"), 201),
        (THREE, scene.naive, _events(scene.key, _random_players(players)), 201),
        (LIST, scene.service, itertools.repeat(get), 200),
        (BARE, scene.ceiling, itertools.repeat(get), 200),
    ]
    await drive(scene.service.port, workloads[0][2], connections=16, seconds=2 * seconds, status=201)
    rounds_by_workload: dict[tuple[str, int], list[Round]] = {}
    pgbench = []
    for _ in range(rounds):
        for count in connections:
            for name, server, requests, status in workloads:
                result = await drive(server.port, requests, connections=count, seconds=seconds, status=status)
                rounds_by_workload.setdefault((name, count), []).append(result)
        pgbench.append(await _pgbench(scene.url, clients=16, seconds=max(1, round(seconds)), players=players))
    delay = await _delay_by_merge(scene, connection, seconds=seconds, players=players)
    return Writes(rounds_by_workload, pgbench, delay)


async def _delay_by_merge(scene: Scene, connection: asyncpg.Connection, *, seconds: float, players: int) -> float:
    """How much longer, in ms, the 99.9th percentile of writes is during a merge of deltas, at 16 connections.

    The service merges every two seconds; the rows are inserted before the round begins.
    """
    requests = _events(scene.key, _random_players(players))
    tails: dict[bool, list[float]] = {False: [], True: []}
    for with_merge in (False, True) * 3:
        if with_merge:
            await connection.execute(
                "INSERT INTO completion_delta SELECT $1, 1 + i % 50, 0 FROM generate_series(1, $2::int) AS i",
                TITLE,
                _MERGED_ROWS,
            )
        result = await drive(scene.service.port, requests, connections=16, seconds=max(seconds, 2.5), status=201)
        tails[with_merge].append(result.percentile(0.999))
    return statistics.median(tails[True]) - statistics.median(tails[False])


async def _pgbench(url: str, *, clients: int, seconds: int, players: int) -> float:
    """Transactions per second of pgbench with the statement by which the service writes one event."""
    script = pathlib.Path("/tmp") / f"laurel-bench-{id(url)}.sql"  # noqa: S108  (removed below)
    parts = urllib.parse.urlsplit(url)
    host = urllib.parse.parse_qs(parts.query).get("host", [parts.hostname or "127.0.0.1"])[0]
    try:
        script.write_text(f"\\set id random(0, {players - 1})\n{_as_script(WRITE_CHANGES)};\n")
        process = await asyncio.create_subprocess_exec(
            *(str(binaries() / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "1"),
            *("-T", str(seconds), "-f", str(script), "-h", host, "-U", parts.username or "laurel"),
            *("-p", str(parts.port or 5432), parts.path[1:] or "postgres"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
    finally:
        script.unlink(missing_ok=True)
    rate = re.search(rb"tps = ([0-9.]+)", output)
    if rate is None:
        raise RuntimeError(f"pgbench: {errors.decode()[:500]}")
    return float(rate[1])


def _as_script(statement: Statement) -> str:
    """The statement with the values of one event of a random player in place of its `$n`."""
    player = "('w' || :id)::text"
    values: dict[str, str] = {
        "players": f"ARRAY[{player}]",
        "title_ids": f"ARRAY[{TITLE}]",
        "expected": f"ARRAY[(SELECT q.revision FROM player AS q WHERE q.player = {player})]",  # noqa: S608  (our own)
        "player_exists": "ARRAY[true]",
        "in_title": "ARRAY[true]",
        "standings": """ARRAY[replace('{"sum;words": "5", "streak;": [1, 739000, 1]}', ';', chr(58))]""",
        "profiles": "ARRAY[NULL]",
        "created": "ARRAY[1]",
        "event_places": "ARRAY[1]",
        "event_metrics": "ARRAY['words']",
        "event_ats": "ARRAY[639000000000000000]",
        "event_ids": "ARRAY[gen_random_uuid()]",
        "event_amounts": "ARRAY[1]",
        "event_attributes": "ARRAY[NULL]",
        "day_places": "ARRAY[1]",
        "day_metrics": "ARRAY['words']",
        "days": "ARRAY[current_date]",
        "day_changes": "ARRAY[1]",
        "day_actives": "ARRAY[true]",
    }
    names = dict(enumerate(statement.values, 1))
    text = re.sub(r"--[^\n]*", "", statement.sql)
    return re.sub(r"\$(\d+)", lambda match: values.get(names[int(match[1])], "'{}'"), text).strip()


def table(writes: Writes) -> tuple[list[str], list[list[str]]]:
    """Column heads and rows, with the medians of the rounds."""
    rows = []
    for (name, connections), rounds in sorted(writes.rounds.items(), key=lambda item: item[0][1]):
        rate = statistics.median(round_.rate for round_ in rounds)
        rows.append(
            [
                name,
                str(connections),
                f"{rate:.0f}",
                f"{statistics.median(round_.percentile(0.5) for round_ in rounds):.2f}",
                f"{statistics.median(round_.percentile(0.99) for round_ in rounds):.2f}",
            ]
        )
    rows.append([PGBENCH, "16", f"{statistics.median(writes.pgbench):.0f}", "", ""])
    return ["writing", "connections", "requests/s", "p50 ms", "p99 ms"], rows


def verdicts(writes: Writes) -> list[tuple[str, float, float, bool]]:
    """The targets: name, limit, measured value, and whether the limit is an upper one."""
    most = max(connections for _, connections in writes.rounds)

    def rate(name: str, connections: int) -> float:
        return statistics.median(round_.rate for round_ in writes.rounds[name, connections])

    def p99(name: str, connections: int) -> float:
        return statistics.median(round_.percentile(0.99) for round_ in writes.rounds[name, connections])

    return [
        ("events at 16 connections, × pgbench", 0.5, rate(EVENT, 16) / statistics.median(writes.pgbench), False),
        ("events at 16 connections, × three statements", 1.0, rate(EVENT, 16) / rate(THREE, 16), False),
        ("events of one player at 16 connections, spread ÷ hot", 3.0, rate(EVENT, 16) / rate(HOT, 16), True),
        (f"p99 of a first unlock at {most} connections, × an event's", 2.0, p99(FIRST, most) / p99(EVENT, most), True),
        (f"GET /achievements at {most} connections, × ceiling", 0.5, rate(LIST, most) / rate(BARE, most), False),
        ("p99.9 of a write during a merge of deltas, longer by ms", 10.0, writes.merge_delay, True),
    ]


async def seed_players(connection: asyncpg.Connection, players: int) -> None:
    """Seed players who have progress in the title."""
    await connection.execute("INSERT INTO player SELECT 'w' || i, 1 FROM generate_series(0, $1::int - 1) AS i", players)
    await connection.execute(
        "INSERT INTO progress (player, title_id, revision, unlocked, unlocked_at, unlocked_in, standings, created_at) "
        "SELECT 'w' || i, $2, 1, '{}', '{}', '{}', '{}', 1 FROM generate_series(0, $1::int - 1) AS i",
        players,
        TITLE,
    )
    await connection.execute("ANALYZE")
