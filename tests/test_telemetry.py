"""Logs and request metrics: the fields of a line, pseudonyms of players, levels, and bounded series."""

import io
import json
import logging

import pytest
from prometheus_client import generate_latest

from service.telemetry import LoggingBridge, Observer
from tests.docs import pages

PLAYER = "2533274790395904"


@pytest.fixture
def stream():
    return io.StringIO()


def lines(observer, stream):
    """All lines that the observer has written, parsed."""
    observer.flush()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_line_of_a_request_has_the_documented_fields(stream):
    observer = Observer(stream=stream)
    observer.request("GET", "list", 200, 0.0125, api="xbox", player=PLAYER, locale="fr-FR")

    (line,) = lines(observer, stream)
    rows = pages.rows(pages.read(pages.ROOT / "docs/reference/logs.md"), "Logs")
    assert {name for names, _ in rows for name in names.split(", ")} == line.keys()
    assert (line["level"], line["text"], line["api"]) == ("info", "GET list 200", "xbox")
    assert (line["duration_ms"], line["locale"]) == (12.5, "fr-FR")


def test_player_is_logged_as_a_hash_that_only_this_process_can_make(stream):
    first, second = Observer(stream=stream), Observer(stream=stream)
    for observer in (first, first, second):
        observer.request("GET", "list", 200, 0.0, api="xbox", player=PLAYER)
    first.flush()

    again, other = lines(first, stream)[0]["player"], lines(second, stream)[-1]["player"]
    assert PLAYER not in stream.getvalue()
    assert [line["player"] for line in lines(first, stream)] == [again, again, other]
    assert again != other


def test_unexpected_error_is_logged_with_its_trace(stream):
    observer = Observer(level="error", stream=stream)
    observer.request("GET", "list", 200, 0.0, api="xbox")
    observer.request("GET", "list", 500, 0.0, api="xbox", error=ValueError("a bug"))

    (line,) = lines(observer, stream)
    assert (line["level"], line["text"], line["api"]) == ("error", "GET list failed", "xbox")
    assert "ValueError: a bug" in line["trace"]


def test_unknown_methods_share_one_series(stream):
    observer = Observer(level="error", stream=stream)
    for method in ("GET", "BREW", "WHEN"):
        observer.request(method, "list", 405, 0.0, api="xbox")

    metrics = generate_latest(observer.registry).decode()
    assert 'http_request_method="_OTHER"' in metrics
    assert "BREW" not in metrics


def test_warnings_of_libraries_are_logged_with_the_name_of_the_logger(stream):
    observer = Observer(stream=stream)
    logger, bridge = logging.getLogger("tests.library"), LoggingBridge(observer)
    logger.addHandler(bridge)
    logger.info("not logged")
    logger.warning("%s is slow", "it")
    logger.removeHandler(bridge)

    (line,) = lines(observer, stream)
    assert (line["level"], line["text"], line["logger"]) == ("warning", "it is slow", "tests.library")
