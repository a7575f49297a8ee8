"""The security log: one line for each event, few for those that repeat, and a file that may be moved away."""

import io
import pathlib
import stat
import time

import msgspec
import pytest

from service.security_log import SecurityLog


@pytest.fixture
def stream():
    return io.StringIO()


def lines(text):
    return [msgspec.json.decode(line) for line in text.splitlines()]


def test_line_has_the_fields_that_are_known(stream):
    SecurityLog(None, stream=stream).write("authentication_failed", address="203.0.113.9", status=401, key=None)

    (line,) = lines(stream.getvalue())
    assert abs(line.pop("time") - time.time()) < 60
    assert line == {"log": "security", "event": "authentication_failed", "address": "203.0.113.9", "status": 401}


def test_flood_of_one_address_leaves_lines_for_others_and_is_counted(stream):
    log = SecurityLog(None, stream=stream)
    for _ in range(10_000):
        log.write("authentication_failed", address="203.0.113.9")
    log.write("authentication_failed", address="203.0.113.10")
    log.write("signed_in", address="203.0.113.9")

    written = [(line["event"], line["address"]) for line in lines(stream.getvalue())]
    assert len(written) < 30
    assert written[-2:] == [("authentication_failed", "203.0.113.10"), ("signed_in", "203.0.113.9")]
    ((failed, signed_in),) = [family.samples for family in log.collect()]
    assert (failed.value, signed_in.value) == (10_001, 1)


def test_flood_of_many_addresses_leaves_lines_for_other_events(stream):
    log = SecurityLog(None, stream=stream)
    for number in range(20_000):
        log.write("authentication_failed", address=f"2001:db8::{number:x}")
    log.write("signed_in", address="203.0.113.9")

    events = [line["event"] for line in lines(stream.getvalue())]
    assert 600 <= len(events) < 1_500
    assert events[-1] == "signed_in"
    assert len(log._repeats) <= 8_192


def test_next_line_says_how_many_were_left_out(stream):
    log = SecurityLog(None, stream=stream)
    for _ in range(200):
        log.write("authentication_failed", address="203.0.113.9")
    written = len(lines(stream.getvalue()))
    log._repeats.get(("authentication_failed", "203.0.113.9")).bucket.__init__()
    log.write("authentication_failed", address="203.0.113.9")

    assert lines(stream.getvalue())[-1]["left_out"] == 200 - written


def test_file_is_the_owners_and_may_be_moved_away(tmp_path, stream):
    path, moved = tmp_path / "security.jsonl", tmp_path / "security.jsonl.1"
    log = SecurityLog(path, stream=stream)
    log.write("signed_in")
    path.rename(moved)
    log.write("signed_out")
    log.write("key_revoked")

    assert [line["event"] for line in lines(moved.read_text())] == ["signed_in"]
    assert [line["event"] for line in lines(path.read_text())] == ["signed_out", "key_revoked"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in (path, moved)} == {0o600}
    assert stream.getvalue() == ""


def test_line_that_cannot_be_written_to_the_file_goes_to_the_stream(stream):
    log = SecurityLog(pathlib.Path("/dev/full"), stream=stream)
    log.write("signed_in", address="203.0.113.9")

    assert [line["event"] for line in lines(stream.getvalue())] == ["signed_in"]
