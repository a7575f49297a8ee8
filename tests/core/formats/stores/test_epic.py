import pytest

from service.core.formats.stores.epic import read_epic
from tests.core.conftest import EPIC_COLUMNS


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param("8,xx!,a,,,,,,\n", ("locale", 2), id="a locale that is none"),
        pytest.param("8,fr,a,,,,,,\n8,fr,b,,,,,,\n", ("duplicate-entry", 3), id="a row twice"),
        pytest.param("8,default,a,,,,,,\n8,en-US,b,,,,,,\n", ("duplicate-entry", 3), id="the default locale twice"),
        pytest.param("8,fr\n", ("columns", 2), id="too few cells"),
    ],
)
def test_invalid_rows_of_epic_are_errors(draft, errors_of, rows, expected):
    assert errors_of(read_epic, (EPIC_COLUMNS + rows).encode(), file="a.csv", draft=draft) == [expected]
