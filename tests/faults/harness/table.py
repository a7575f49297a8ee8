"""The table of the fault suite: one row for each scenario, carried to pytest's summary as a property of its test."""

import os
import re
import sys
from collections.abc import Iterable, Sequence

import msgspec

IS_HEAVY = os.environ.get("FAULTS", "short") == "heavy"
"""`FAULTS=heavy` makes every scenario longer and larger."""

PROPERTY = "fault scenario"
COLUMNS = ("scenario", "sent", "ok", "4xx", "503", "5xx", "lost", "recovery", "worst")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the requests of one scenario.

    `unavailable` are 503 and 504. What `sent` has beyond the other counts are requests whose connection was cut.
    `lost` are acknowledged writes that are missing or were counted twice. `recovery` is the time from the end of the
    fault to the last request that failed, `worst` the longest request, both in seconds.
    """

    scenario: str
    sent: int
    ok: int
    refused: int = 0
    unavailable: int = 0
    failed: int = 0
    lost: int = 0
    recovery: float | None = None
    worst: float


def scaled(short: float, heavy: float) -> float:
    """The size of something in this form of the suite."""
    return heavy if IS_HEAVY else short


def lines(rows: Iterable[Row]) -> list[str]:
    """The rows as a Markdown table, aligned."""
    cells = [COLUMNS, *(_cells(row) for row in sorted(rows, key=_place))]
    widths = [max(len(row[column]) for row in cells) for column in range(len(COLUMNS))]
    shown = [_line(row, widths) for row in cells]
    rule = "|".join(f"{'-' * (width + 1)}{':' if column else '-'}" for column, width in enumerate(widths))
    return [shown[0], f"|{rule}|", *shown[1:]]


def _place(row: Row) -> tuple[int, str]:
    """F1 to F25 come first, by their numbers."""
    number = re.match(r"F([0-9]+) ", row.scenario)
    return (int(number[1]) if number else sys.maxsize), row.scenario


def _cells(row: Row) -> Sequence[str]:
    counts = (row.sent, row.ok, row.refused, row.unavailable, row.failed, row.lost)
    recovery = "" if row.recovery is None else f"{row.recovery:.2f} s"
    return (row.scenario, *map(str, counts), recovery, f"{row.worst:.2f} s")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *figures = cells
    rest = " | ".join(cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=True))
    return f"| {name.ljust(widths[0])} | {rest} |"
