import pytest

from service.core.formats.registry import EXPORT_FORMATS, FORMATS, IMPORT_FORMATS


@pytest.mark.parametrize("name", IMPORT_FORMATS)
def test_every_import_format_is_described_and_has_a_reader(name):
    row = FORMATS[name]

    assert row.description
    assert FORMATS[row.read_with or name].read is not None


@pytest.mark.parametrize("name", sorted(set(EXPORT_FORMATS) - {"zip"}))
def test_every_export_format_has_a_writer(name):
    assert FORMATS[name].write is not None


def test_every_row_is_an_import_or_export_format():
    assert set(FORMATS) == set(IMPORT_FORMATS) | set(EXPORT_FORMATS) - {"zip"}
