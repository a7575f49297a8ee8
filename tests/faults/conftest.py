"""The PostgreSQL server of the scenarios, the fixture that takes a scenario's row, and the table of all rows."""

from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from tests.docs import pages
from tests.faults.harness import postgres, table
from tests.faults.harness.stage import Stage, stage

FAULTS = pages.ROOT / "docs/development/faults.md"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of scenarios that have no short form."""
    config.addinivalue_line("markers", "heavy: only in the long form of the fault tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out those scenarios in the short form."""
    if not table.IS_HEAVY and (heavy := [item for item in items if item.get_closest_marker("heavy")]):
        config.hook.pytest_deselected(items=heavy)
        items[:] = [item for item in items if item not in heavy]


@pytest.fixture(scope="session")
async def private_postgres() -> AsyncIterator[postgres.PrivatePostgres]:
    """The server of this test process; each service has a database of its own."""
    async with postgres.private_postgres() as server:
        yield server


@pytest.fixture(scope="session")
async def one_worker(private_postgres: postgres.PrivatePostgres) -> AsyncIterator[Stage]:
    """A service of one process, which the scenarios of this test process share: each leaves it as it was."""
    async with stage(private_postgres) as made:
        yield made


@pytest.fixture(scope="session")
async def two_workers(private_postgres: postgres.PrivatePostgres) -> AsyncIterator[Stage]:
    """A service with two workers, shared in the same way."""
    async with stage(private_postgres, workers=2) as made:
        yield made


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Callable[[table.Row], None]:
    """Add a row to the table. `docs/development/faults.md` must describe its scenario."""
    described = {name for name, *_ in pages.rows(pages.read(FAULTS), "Scenarios")}

    def add(row: table.Row) -> None:
        assert row.scenario in described, f"{row.scenario}: describe it in {FAULTS.name}"
        record_property(table.PROPERTY, msgspec.to_builtins(row))

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    rows = [
        msgspec.convert(value, table.Row)
        for reports in (terminalreporter.getreports("passed"), terminalreporter.getreports("failed"))
        for report in reports
        if report.when == "call"
        for name, value in report.user_properties
        if name == table.PROPERTY
    ]
    if rows:
        terminalreporter.section("fault scenarios")
        terminalreporter.write_line("\n".join(table.lines(rows)))
