"""The benchmark itself: its quick version runs and prints every row."""

import pathlib
import subprocess
import sys

from tests.benchmarks import report

ROOT = pathlib.Path(__file__).parents[2]


def test_quick_benchmark_prints_every_workload_and_target(tmp_path):
    """The measured values are not checked: with little data they mean nothing."""
    output = tmp_path / "bench.md"

    result = subprocess.run(  # noqa: S603  (the benchmark itself)
        [sys.executable, "-m", "tests.benchmarks.bench", "--quick", "--output", output],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert output.read_text() == result.stdout
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in result.stdout.splitlines() if line.startswith("|")
    ]
    workloads = {tuple(row[:2]) for row in rows if len(row) == 7}
    assert workloads >= {
        (name, connections)
        for name in (report.CEILING, report.NAIVE, report.PAGE, report.NOT_MODIFIED, report.OWN_SCOPE)
        for connections in ("1", "16", "64")
    }
    assert [row[0] for row in rows if row[-1] in {"yes", "no"}] == [
        "page of 32 at 64 connections, × naive limit",
        "page of 32 at 64 connections, × ceiling",
        "304 at 64 connections, × ceiling",
        "p99 of a page at 16 connections, × ceiling's",
        "bytes per unlock",
        "worst growth, × (of those not read for the first time)",
        "RSS of the service at its peak, MB",
        "events at 16 connections, × pgbench",
        "events at 16 connections, × three statements",
        "events of one player at 16 connections, spread ÷ hot",
        "p99 of a first unlock at 64 connections, × an event's",
        "GET /achievements at 64 connections, × ceiling",
        "p99.9 of a write during a merge of deltas, longer by ms",
        "50 badges, × Strawberry",
        "50 badges, × ceiling",
        "50 badges, × graphql-core's executor",
    ]
    assert {row[0] for row in rows if len(row) == 4} >= {
        f"{order}, {when}"
        for order in ("Unordered", "UnlockTime unlockedOnly")
        for when in ("first ever", "after an unlock", "nothing changed")
    }
