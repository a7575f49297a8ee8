"""The PostgreSQL server of the scenarios, the fixture that takes a scenario's row, and the table of all rows."""

from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from tests.faults import postgres, table


@pytest.fixture(scope="session")
async def private_postgres() -> AsyncIterator[postgres.PrivatePostgres]:
    """The server of this process; every family of scenarios has a database of its own."""
    async with postgres.private_postgres() as server:
        yield server


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Callable[[table.Row], None]:
    """Add a row to the table."""
    return lambda row: record_property(table.PROPERTY, msgspec.to_builtins(row))


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
