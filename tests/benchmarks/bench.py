"""`make bench`: throughput and latency of the service as ratios to baseline servers, all measured in one run.

It starts and seeds an embedded PostgreSQL (durable, as in the demo), starts `laurel serve` without limits of callers and
its log in a file, and loads the service, the ceiling and the naive limit in turn, in short rounds, so that changes on
the machine affect all of them alike. Every request was sent once before the first round, so tokens and fragments are
cached, as for players who are playing.
"""

import asyncio
import contextlib
import itertools
import pathlib
import statistics
import tempfile
from collections.abc import Iterator, Sequence

import asyncpg
import click
import msgspec
import uvloop

from service.core.catalog.model import Draft
from service.db.embedded import EmbeddedPostgres
from service.db.migrate import migrate
from tests.benchmarks import badges, growth, processes, seed, writes
from tests.benchmarks.driver import drive, fetch
from tests.benchmarks.growth import Players
from tests.benchmarks.processes import Server, started
from tests.benchmarks.report import CEILING, NAIVE, NOT_MODIFIED, OWN_SCOPE, PAGE, Measure, Results, render
from tests.benchmarks.requests import SECRET, UNLIMITED, at_random, conditional, spread

_PLAYERS, _FEW, _MANY = 2533274790000000, 2533275000000000, 2533276000000000  # first XUIDs
_TIMEOUT = 900  # seconds; a run takes about 200


class Scale(msgspec.Struct, frozen=True):
    """The amount of data and the duration of the load.

    `copies` players send conditional requests for a page that they have; `far` items are skipped in the longest list.
    """

    players: int
    copies: int
    few_titles: int
    many_titles: int
    rounds: int
    seconds: float
    reads: int
    far: int
    connections: tuple[int, ...] = (1, 16, 64)


FULL = Scale(
    players=20_000,
    copies=2_000,
    few_titles=30,
    many_titles=300,
    rounds=3,
    seconds=2.5,
    reads=15,
    far=9_000,
)
QUICK = Scale(
    players=200,
    copies=20,
    few_titles=2,
    many_titles=10,
    rounds=1,
    seconds=0.1,
    reads=2,
    far=300,
)


class Workload(msgspec.Struct, frozen=True):
    """Endless requests to one server, and the expected status of every response."""

    name: str
    server: Server
    requests: Iterator[bytes]
    status: int = 200


@click.command()
@click.option("--quick", is_flag=True, help="Little data and short rounds, only to test the benchmark itself.")
@click.option("--output", type=click.Path(path_type=pathlib.Path), help="Also write the tables to this file.")
def main(*, quick: bool, output: pathlib.Path | None) -> None:
    """Measure the service against its ceiling and the naive limit, and print the tables."""
    with (
        tempfile.TemporaryDirectory(prefix="laurel-bench-") as folder,
        EmbeddedPostgres(pathlib.Path(folder, "data")) as url,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        text = render(runner.run(_bench(QUICK if quick else FULL, url=url, folder=pathlib.Path(folder))))
    click.echo(text)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")


async def _bench(scale: Scale, *, url: str, folder: pathlib.Path) -> Results:
    async with asyncio.timeout(_TIMEOUT), contextlib.AsyncExitStack() as stack:
        await migrate(url)
        connection = await asyncpg.connect(url)
        stack.push_async_callback(connection.close)
        games, shelf, unlock_bytes = await _seeded(connection, scale)
        key = await writes.prepare(connection)
        await writes.seed_players(connection, scale.players)
        await badges.prepare(connection, scale.players)
        _report("starting the servers")
        service = await stack.enter_async_context(
            started(
                *("service", "serve", "--port", "0", "--ops-port", "0"),
                log=folder / "service.log",
                settings=UNLIMITED | {"LAUREL_DATABASE_URL": url, "LAUREL_JWT_SECRET": SECRET},
            )
        )
        title_ids = [game.title.title_id for game in games]
        pages, own_scope = spread(range(_PLAYERS, _PLAYERS + scale.players), title_ids)
        _report("warming up")
        answered, remaining = 0, itertools.cycle(pages)
        while answered < len(pages):
            answered += len((await drive(service.port, remaining, connections=16, seconds=scale.seconds)).latencies)
        responses = [(page, *await fetch(service.port, page)) for page in pages[: scale.copies]]
        copies = [conditional(page, fields["etag"]) for page, fields, _ in responses]
        page_bytes = round(statistics.mean(len(body) for *_, body in responses))
        baseline = "tests.benchmarks.baselines", "--body-bytes", str(page_bytes)
        log = folder / "baselines.log"
        ceiling = await stack.enter_async_context(started(*baseline, log=log, settings={}))
        naive = await stack.enter_async_context(started(*baseline, "--database", url, log=log, settings={}))
        workloads = [
            Workload(CEILING, ceiling, at_random(pages)),
            Workload(NAIVE, naive, at_random(pages)),
            Workload(PAGE, service, at_random(pages)),
            Workload(NOT_MODIFIED, service, at_random(copies), 304),
            Workload(OWN_SCOPE, service, at_random(own_scope)),
        ]
        loads = await _loads(scale, workloads, postgres=processes.parent(connection.get_server_pid()))
        rss_megabytes = processes.peak_megabytes(service.pid)  # after the reads: the writes cache other players
        _report("writing")
        list_request = f"GET /achievements HTTP/1.1\r\nHost: l\r\nX-API-KEY: {key}\r\n\r\n".encode()
        body_bytes = len((await fetch(service.port, list_request))[1])
        same_size = "tests.benchmarks.baselines", "--body-bytes", str(body_bytes)
        bare = await stack.enter_async_context(started(*same_size, log=log, settings={}))
        written = await writes.measure(
            writes.Scene(service, naive, bare, key, url),
            connection,
            connections=scale.connections,
            rounds=scale.rounds,
            seconds=scale.seconds,
            players=scale.players,
        )
        _report("badges")
        badge_results = await badges.measure(
            service,
            url=url,
            players=scale.players,
            connections=max(scale.connections),
            rounds=scale.rounds,
            seconds=scale.seconds,
            log=log,
        )
        _report("growth")
        new_players = 2 * scale.reads
        rows = await growth.measure(
            service.port,
            connection,
            few=Players(_FEW, 1 + new_players, [draft.title.title_id for draft in shelf[: scale.few_titles]]),
            many=Players(_MANY, 1 + new_players, [draft.title.title_id for draft in shelf]),
            reads=scale.reads,
            far=scale.far,
        )
        return Results(
            setting=f"{scale.players} players × 2 titles × 60 achievements × {len(seed.LANGUAGES)} locales",
            loads=loads,
            growth=rows,
            page_bytes=page_bytes,
            unlock_bytes=unlock_bytes,
            rss_megabytes=rss_megabytes,
            writes=written,
            badges=badge_results,
        )


async def _seeded(connection: asyncpg.Connection, scale: Scale) -> tuple[list[Draft], list[Draft], float]:
    """Seed the database; returns the titles for load, those for growth, and the bytes per unlock of the players."""
    _report("publishing titles")
    games = [seed.title(3_000_000_001 + index, achievements=60) for index in range(2)]
    shelf = [
        seed.title(10_001 + index, achievements=35, locales=("en-US", "ja-JP")) for index in range(scale.many_titles)
    ]
    async with connection.transaction():
        await seed.publish_title(connection, [*games, *shelf])
    _report("seeding players")
    await seed.put_players(connection, first=_PLAYERS, players=scale.players, titles=games, fewest=20, most=60)
    unlock_bytes = await seed.settle(connection)
    for first, titles in (_FEW, shelf[: scale.few_titles]), (_MANY, shelf):
        players = 1 + 2 * scale.reads
        await seed.put_players(connection, first=first, players=players, titles=titles, fewest=32, most=35)
    await seed.settle(connection)
    return games, shelf, unlock_bytes


async def _loads(scale: Scale, workloads: Sequence[Workload], *, postgres: int) -> dict[tuple[str, int], list[Measure]]:
    """Short rounds of all workloads in turn, several times."""
    loads: dict[tuple[str, int], list[Measure]] = {}
    for turn in range(scale.rounds):
        for connections in scale.connections:
            _report(f"round {turn + 1} of {scale.rounds}: {connections} connections")
            for workload in workloads:
                server = processes.cpu_seconds(workload.server.pid)
                backends = processes.cpu_seconds_of_children(postgres)
                result = await drive(
                    workload.server.port,
                    workload.requests,
                    connections=connections,
                    seconds=scale.seconds,
                    status=workload.status,
                )
                measure = Measure(
                    result,
                    processes.cpu_seconds(workload.server.pid) - server,
                    processes.cpu_seconds_of_children(postgres) - backends,
                )
                loads.setdefault((workload.name, connections), []).append(measure)
    return loads


def _report(step: str) -> None:
    click.echo(f"bench: {step}", err=True)


if __name__ == "__main__":
    main()
