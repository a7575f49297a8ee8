import pathlib
import subprocess
import sys

from tests.benchmarks import report

ROOT = pathlib.Path(__file__).parents[2]


def test_the_benchmark_measures_everything_it_names(tmp_path):
    """The small version runs to its end and prints every row; what it measures says nothing, and is not looked at."""
    output = tmp_path / "bench.md"

    ran = subprocess.run(  # noqa: S603  (our own program)
        [sys.executable, "-m", "tests.benchmarks.bench", "--quick", "--output", output],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert output.read_text() == ran.stdout
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in ran.stdout.splitlines() if line.startswith("|")
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
        "p99.9 of a write beside a fold, longer by ms",
        "50 badges, × Strawberry",
        "50 badges, × ceiling",
        "50 badges, × graphql-core's executor",
    ]
    assert {row[0] for row in rows if len(row) == 4} >= {
        f"{order}, {when}"
        for order in ("Unordered", "UnlockTime unlockedOnly")
        for when in ("first ever", "after an unlock", "nothing changed")
    }
