import pytest

from service.core.formats.detect import detect_format


def test_every_format_is_detected_by_its_content(valid_files):
    assert {detect_format(data, "upload") for data in valid_files.values()} == set(valid_files)


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"HTTP/1.1 200 OK\n\n{}", "a.http", "xbox-page"),
        (b"\xef\xbb\xbf{}", "a.json", "xbox-page"),
        (b"[defaults]\n", "a.toml", "toml"),
        (b"# title_id = 1\n", "a.po", "po"),
        (b"", "a.pot", "po"),
        (b'<?xml version="1.0"?><!-- x --><x:Localization xmlns:x="y"/>', "a", "localization"),
    ],
)
def test_name_decides_if_the_start_is_ambiguous(data, name, expected):
    assert detect_format(data, name) == expected


@pytest.mark.parametrize("data", [b"", b"\x89PNG", b"<html></html>", b"name,text\n"])
def test_unknown_format_is_an_error(data, rules_of):
    assert rules_of(detect_format, data, "upload.bin") == ["unknown-format"]
