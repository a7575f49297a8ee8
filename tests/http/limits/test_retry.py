"""When clients come back: spread over some seconds."""

from service.http.limits.retry import reconnect_milliseconds, retry_after


def test_clients_that_are_refused_together_come_back_apart_and_never_too_early():
    assert {retry_after(5) for _ in range(200)} == {"5", "6", "7"}
    assert len({reconnect_milliseconds() for _ in range(200)}) > 50
