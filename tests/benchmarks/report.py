"""The report as Markdown: tables of load and growth, and the targets with measured values. Pure."""

import operator
import statistics
from collections.abc import Callable, Mapping, Sequence

import msgspec

from tests.benchmarks import badges, writes
from tests.benchmarks.badges import Badges
from tests.benchmarks.driver import Round
from tests.benchmarks.writes import Writes

CEILING, NAIVE, PAGE, NOT_MODIFIED, OWN_SCOPE = "ceiling", "naive limit", "page of 32", "304", "page of 32, own scope"
FIRST = "first ever"  # in the name of a read without cached progress


class Measure(msgspec.Struct, frozen=True):
    """One round of one workload, with the CPU seconds of the server and of all PostgreSQL backends during it."""

    round: Round
    server_cpu: float
    postgres_cpu: float

    @property
    def rate(self) -> float:
        """Responses per second."""
        return self.round.rate

    @property
    def p99(self) -> float:
        """The 99th percentile of latencies in milliseconds."""
        return self.round.percentile(0.99)


class Growth(msgspec.Struct, frozen=True):
    """Latencies in milliseconds of one read of little and of much data."""

    read: str
    little: float
    much: float

    @property
    def ratio(self) -> float:
        """The latency with much data as a multiple of that with little."""
        return self.much / self.little


class Results(msgspec.Struct, frozen=True):
    """All results of a run. `loads` has the rounds in order, by workload and connections."""

    setting: str
    loads: Mapping[tuple[str, int], Sequence[Measure]]
    growth: Sequence[Growth]
    page_bytes: int
    unlock_bytes: float
    rss_megabytes: float
    writes: Writes
    badges: Badges


def render(results: Results) -> str:
    """The results as a Markdown document."""
    by_connections = sorted(results.loads.items(), key=lambda item: item[0][1])
    load = [[name, str(connections), *_figures(measures)] for (name, connections), measures in by_connections]
    growth = [[row.read, f"{row.little:.2f}", f"{row.much:.2f}", f"{row.ratio:.2f}"] for row in results.growth]
    busiest = max(measure.round.busy for measures in results.loads.values() for measure in measures)
    return "\n".join(
        [
            results.setting,
            "",
            *_table(
                ["workload", "connections", "requests/s", "p50 ms", "p99 ms", "CPU s per 1000: server", "Postgres"],
                load,
                text_columns=1,
            ),
            "",
            f"Medians of rounds. A page has {results.page_bytes} bytes. The driver used at most {busiest:.0%} of a core.",
            "",
            *_table(["one read, one connection", "little: p50 ms", "much: p50 ms", "ratio"], growth, text_columns=1),
            "",
            *_table(*writes.table(results.writes), text_columns=1),
            "",
            *_table(*badges.table(results.badges), text_columns=1),
            "",
            *_table(["target", "limit", "measured", "reached"], _verdicts(results), text_columns=1),
        ]
    )


def _figures(measures: Sequence[Measure]) -> list[str]:
    def median(figure: Callable[[Measure], float]) -> float:
        return statistics.median(figure(measure) for measure in measures)

    return [
        f"{median(lambda m: m.rate):.0f}",
        f"{median(lambda m: m.round.percentile(0.5)):.2f}",
        f"{median(lambda m: m.p99):.2f}",
        f"{median(lambda m: 1000 * m.server_cpu / len(m.round.latencies)):.3f}",
        f"{median(lambda m: 1000 * m.postgres_cpu / len(m.round.latencies)):.3f}",
    ]


def _verdicts(results: Results) -> list[list[str]]:
    most = max(connections for _, connections in results.loads)

    def ratio(of: str, to: str, connections: int, figure: Callable[[Measure], float]) -> float:
        """The median of the ratios within each round, so that drift between rounds cancels out."""
        pairs = zip(results.loads[of, connections], results.loads[to, connections], strict=True)
        return statistics.median(figure(numerator) / figure(denominator) for numerator, denominator in pairs)

    rate, p99 = operator.attrgetter("rate"), operator.attrgetter("p99")
    rows = [
        (f"page of 32 at {most} connections, × naive limit", 1.0, ratio(PAGE, NAIVE, most, rate), False),
        (f"page of 32 at {most} connections, × ceiling", 0.35, ratio(PAGE, CEILING, most, rate), False),
        (f"304 at {most} connections, × ceiling", 0.5, ratio(NOT_MODIFIED, CEILING, most, rate), False),
        ("p99 of a page at 16 connections, × ceiling's", 5.0, ratio(PAGE, CEILING, 16, p99), True),
        ("bytes per unlock", 25.0, results.unlock_bytes, True),
        ("worst growth, × (of those not read for the first time)", 1.5, _worst(results.growth), True),
        ("RSS of the service at its peak, MB", 150.0, results.rss_megabytes, True),
        *writes.verdicts(results.writes),
        *badges.verdicts(results.badges),
    ]
    return [
        [
            name,
            f"{'≤' if is_most else '≥'} {limit:g}",
            f"{measured:.2f}",
            "yes" if (measured <= limit if is_most else measured >= limit) else "no",
        ]
        for name, limit, measured, is_most in rows
    ]


def _worst(growth: Sequence[Growth]) -> float:
    return max(row.ratio for row in growth if FIRST not in row.read)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, text_columns: int) -> list[str]:
    """A Markdown table with aligned columns: the first `text_columns` are text, the others numbers."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if index < text_columns else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width if index < text_columns else "-" * (width - 1) + ":" for index, width in enumerate(widths)]
    return [line(heads), line(rule), *map(line, rows)]
