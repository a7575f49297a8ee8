"""Error responses: every error has the same JSON body, wherever it comes from, without internal details."""

import asyncio
import contextlib
import io
import json
import re
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.formats.xbox.captured_page import ImportedProgress
from service.core.progress.import_progress import import_progress
from service.db.pool import open_pool
from service.server.app import make_application, make_services
from service.settings import Settings
from service.telemetry import Observer
from tests.factories import OTHER, PLAYER, SECRET, achievement, authorization, draft, publish_draft

HEADERS = {"Authorization": authorization(), "x-xbl-contract-version": "2"}
HERE = f"/users/xuid({PLAYER})"
SCID = "00000000-0000-0000-0000-000000000001"
MEMBERS = {
    "code": int,
    "source": str,
    "description": str,
    "traceInformation": str,
    "errorCode": int,
    "errorMessage": str,
}
VECTOR_2 = "tul4NUsfs9Cl7mOfT7n3Xg"
VECTOR_1 = "PmvzQKgYek6Sdk/T"


def assert_error(status: int, headers: Any, body: bytes) -> dict[str, Any]:
    """The body of an error, after checking its members and headers."""
    error: dict[str, Any] = json.loads(body)
    assert {name: type(value) for name, value in error.items()} == MEMBERS
    assert (error["errorCode"], error["errorMessage"]) == (error["code"], error["description"])
    assert error["description"]
    assert error["source"] == "Progress"
    assert error["traceInformation"] == headers["MS-CV"]
    assert headers["Content-Type"].startswith("application/json")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Server"] == "laurel"
    assert "ETag" not in headers
    assert 400 <= status < 600
    return error


@pytest.fixture(autouse=True)
async def _title(make_title, give):
    await make_title(1, achievements=3)
    await give(1, {1: 10**17})


FAILING = {
    "no credential": ("GET", f"{HERE}/achievements", {"Authorization": "-"}, 401, 4500),
    "another player": ("GET", f"/users/xuid({OTHER})/achievements", {}, 403, 8377),
    "an unknown achievement": ("GET", f"{HERE}/achievements/{SCID}/9", {}, 404, 0),
    "an unknown path of a player": ("GET", f"{HERE}/nothing", {}, 404, 0),
    "another unknown path of a player": ("GET", f"{HERE}/achievements/{SCID}", {}, 404, 0),
    "a path too long": ("GET", f"{HERE}/achievements/{SCID}/1/more", {}, 404, 0),
    "an unknown path": ("GET", "/nothing", {}, 404, 0),
    "the root": ("GET", "/", {}, 404, 0),
    "half a xuid": ("GET", f"/users/xuid({PLAYER}/achievements", {}, 404, 0),
    "another method": ("POST", f"{HERE}/achievements", {}, 405, 0),
    "another method on a path that is not there": ("POST", f"{HERE}/nothing", {}, 404, 0),
    "another contract": ("GET", f"{HERE}/achievements", {"x-xbl-contract-version": "5"}, 406, 0),
    "a bad parameter": ("GET", f"{HERE}/achievements?maxItems=x", {}, 400, 4000),
    "a token of nobody's": ("GET", f"{HERE}/achievements?continuationToken={'A' * 32}", {}, 400, 4000),
    "no xuid": ("GET", "/users/xuid(undefined)/achievements", {}, 400, 4000),
    "a query that is no UTF-8": ("GET", f"{HERE}/achievements?titleId=%ff", {}, 400, 4000),
}


@pytest.mark.parametrize("request_", FAILING.values(), ids=FAILING)
async def test_every_error_has_the_members_of_all_three_known_formats(client, request_):
    method, path, headers, status, code = request_

    response = await client.request(method, path, headers=HEADERS | headers)

    error = assert_error(response.status, response.headers, await response.read())
    assert (response.status, error["code"]) == (status, code)


@pytest.mark.parametrize("path", ["achievements", "titleachievements", "history/titles", f"achievements/{SCID}/1"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_405_lists_the_allowed_methods(client, method, path):
    response = await client.request(method, f"{HERE}/{path}", headers=HEADERS)

    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD"


async def test_error_of_head_has_headers_only(client):
    response = await client.head("/users/xuid(undefined)/achievements", headers=HEADERS)

    assert (response.status, await response.read()) == (400, b"")
    assert response.headers["Content-Type"].startswith("application/json")


async def test_unknown_path_is_404_without_a_credential(client):
    assert (await client.get("/nothing")).status == 404
    assert (await client.get(f"{HERE}/achievements")).status == 401


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (f"{VECTOR_2}.1", f"{VECTOR_2}.1.0"),
        (f"{VECTOR_2}.1.23.456", f"{VECTOR_2}.1.23.456.0"),
        (f"{VECTOR_2}.0!", f"{VECTOR_2}.0!"),
        (f"{VECTOR_1}.2", f"{VECTOR_1}.2.0"),
        (VECTOR_2 + ".1" * 52, VECTOR_2 + ".1" * 52 + "!"),
    ],
)
async def test_correlation_vector_is_extended(client, sent, answered):
    for path, status in (("achievements", 200), ("achievements?maxItems=x", 400), ("nothing", 404)):
        response = await client.get(f"{HERE}/{path}", headers=HEADERS | {"MS-CV": sent})
        assert (response.status, response.headers["MS-CV"]) == (status, answered)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "x",
        VECTOR_2,
        f"{VECTOR_2}.",
        f"{VECTOR_2}.a",
        f"{VECTOR_2[:-1]}B.1",
        f"<{VECTOR_2[1:]}.1",
        VECTOR_2 + ".1" * 60,
    ],
)
async def test_malformed_correlation_vector_is_never_repeated(client, sent):
    good = await client.get(f"{HERE}/achievements", headers=HEADERS | {"MS-CV": sent})
    bad = await client.get(f"{HERE}/nothing", headers=HEADERS | {"MS-CV": sent})

    assert "MS-CV" not in good.headers
    assert re.fullmatch(r"[A-Za-z0-9+/]{21}[AQgw]\.0", bad.headers["MS-CV"])


async def test_each_error_has_its_own_correlation_vector(client):
    found = {(await client.get("/nothing")).headers["MS-CV"] for _ in range(3)}

    assert len(found) == 3


async def test_message_has_the_value_and_the_expectation_and_is_bounded(client):
    response = await client.get(f"{HERE}/achievements", params={"orderBy": "x" * 3000}, headers=HEADERS)

    message = (await response.json())["description"]
    assert message.startswith("orderBy: expected Unordered, Title, UnlockTime or EndingSoon, got 'xxx")
    assert len(message) < 200


async def test_no_error_repeats_the_credential(client):
    token = HEADERS["Authorization"].partition(";")[2]
    secrets = [part[:20] for part in token.split(".")]
    for method, path, headers, _, _ in FAILING.values():
        response = await client.request(method, path, headers=HEADERS | headers)
        text = await response.text() + str(response.headers)
        assert not any(secret in text for secret in secrets), path


@pytest.fixture
async def lost(own_database: str, aiohttp_client: Callable[..., Any], postgres: str):
    """A client of an application whose database can be made unreachable and reachable again, and its log."""
    log = io.StringIO()
    async with await open_pool(own_database, size=2) as pool:
        async with pool.transaction() as connection:
            made = tuple(achievement(number) for number in (1, 2))
            await publish_draft(connection, draft(1, made))
            part = ImportedProgress(title_id=1, unlocked={1: 10**17}, currents={})
            await import_progress(connection, player=PLAYER, progress=[part])
        services = await make_services(Settings(jwt_secret=SECRET), pool, Observer(level="error", stream=log))
        client = await aiohttp_client(make_application(services))
        name = own_database.partition("?")[0].rpartition("/")[2]
        server = await asyncpg.connect(postgres)

        async def close(*, is_closed: bool) -> None:
            await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {not is_closed}")
            await server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)

        try:
            yield client, close, log, services
        finally:
            await close(is_closed=False)
            await server.close()


async def test_unreachable_database_is_503_with_retry_after_until_it_is_back(lost):
    client, close, log, services = lost
    paths = ["achievements", "achievements?titleId=1", "history/titles", f"achievements/{SCID}/1"]
    assert [(await client.get(f"{HERE}/{path}", headers=HEADERS)).status for path in paths] == [200] * 4

    await close(is_closed=True)
    for path in paths:
        response = await client.get(f"{HERE}/{path}", headers=HEADERS)
        services.observer.flush()
        error = assert_error(response.status, response.headers, await response.read())
        assert (response.status, error["code"]) == (503, 5300)
        assert int(response.headers["Retry-After"]) >= 1

    await close(is_closed=False)
    assert [(await client.get(f"{HERE}/{path}", headers=HEADERS)).status for path in paths] == [200] * 4
    assert log.getvalue() == ""  # an unreachable database is not a bug


async def test_terminated_connections_do_not_fail_requests(lost):
    client, close, _, _ = lost
    for _ in range(3):
        await close(is_closed=False)
        assert (await client.get(f"{HERE}/achievements", headers=HEADERS)).status == 200


async def test_lists_without_progress_are_served_without_a_database(lost):
    client, close, _, _ = lost
    await close(is_closed=True)

    response = await client.get(f"{HERE}/titleachievements?titleId=1", headers=HEADERS)

    assert response.status == 200


async def test_bug_is_500_without_detail_and_logged_once_with_its_trace(lost):
    client, _, log, services = lost
    async with services.progress._pool.transaction() as connection:  # a value that no command writes
        await connection.execute("""UPDATE progress SET currents = '{"1": "secret detail"}' WHERE title_id = 1""")

    response = await client.get(f"{HERE}/achievements?titleId=1", headers=HEADERS)

    body = await response.read()
    error = assert_error(response.status, response.headers, body)
    services.observer.flush()
    (line,) = log.getvalue().splitlines()
    assert (response.status, error["code"]) == (500, 5000)
    assert b"secret" not in body
    assert "Traceback" not in error["description"]
    assert "msgspec" in json.loads(line)["trace"]
    assert HEADERS["Authorization"][-40:] not in line
    assert (await client.get(f"{HERE}/titleachievements?titleId=1", headers=HEADERS)).status == 200


_ODD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
_NAMES = ("skipItems", "maxItems", "continuationToken", "titleId", "unlockedOnly", "possibleOnly", "types", "orderBy")
_VALUES = st.one_of(
    _ODD,
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from(
        ["true", "0", "32", "1,2", ",", "Challenge", "UnlockTime", "EndingSoon", "9" * 1000, "A" * 32, "-1"]
    ),
)
_HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    what=st.sampled_from(["achievements", "titleachievements", "history/titles", f"achievements/{SCID}/1"]),
    query=st.lists(st.tuples(st.one_of(st.sampled_from(_NAMES), _ODD), _VALUES), max_size=5),
    headers=st.dictionaries(
        st.sampled_from(["Accept-Language", "If-None-Match", "MS-CV", "x-xbl-contract-version", "Accept", "Range"]),
        _HEADER,
        max_size=3,
    ),
)
async def test_no_query_causes_an_internal_error(client, what, query, headers):
    sent = HEADERS | {name: value.strip() for name, value in headers.items()}

    response = await client.get(f"{HERE}/{what}", params=query, headers=sent)

    body = await response.read()
    if response.status == 200:
        json.loads(body)
    elif response.status != 304:
        assert_error(response.status, response.headers, body)
        assert response.status in (400, 406)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.one_of(_ODD, st.sampled_from(["users", f"xuid({PLAYER})", "achievements", SCID, "1"])), max_size=5
    )
)
async def test_no_path_causes_an_internal_error(client, parts):
    response = await client.get("/users/" + "/".join(parts), headers=HEADERS, allow_redirects=False)

    assert response.status in (200, 400, 401, 403, 404)
    if response.status != 200 and list(await response.json()) != ["error"]:  # the error of another API
        assert_error(response.status, response.headers, await response.read())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    credential=st.one_of(
        _HEADER, _HEADER.map(lambda text: f"XBL3.0 x=1;{text}"), _HEADER.map(lambda text: f"XBL3.0 x={text};a.b.c")
    )
)
async def test_no_credential_causes_an_internal_error(client, credential):
    response = await client.get(f"{HERE}/achievements", headers={"Authorization": credential.strip()})

    assert response.status == 401
    assert_error(response.status, response.headers, await response.read())


async def test_raw_bytes_cause_no_internal_error(client):
    """Bytes that no client library sends: invalid UTF-8 in the path, the query and every header."""
    raw = b"\xff\xfe\x80"
    for line, header in (
        (f"GET {HERE}/achievements?x=".encode() + raw + b" HTTP/1.1", b""),
        (f"GET {HERE}/achievements?titleId=".encode() + b"%ff%00 HTTP/1.1", b""),
        (f"GET {HERE}/".encode() + raw + b" HTTP/1.1", b""),
        (f"GET {HERE}/achievements HTTP/1.1".encode(), b"Accept-Language: " + raw),
        (f"GET {HERE}/achievements HTTP/1.1".encode(), b"MS-CV: " + raw),
        (f"GET {HERE}/achievements HTTP/1.1".encode(), b"If-None-Match: " + raw),
        (f"GET {HERE}/achievements HTTP/1.1".encode(), b"Authorization: XBL3.0 x=1;" + raw),
    ):
        request = b"\r\n".join((line, b"Host: x", b"Connection: close", header or b"X: y", b"", b""))
        status, _, _ = await _exchange(client, request)
        assert 200 <= status < 500, line


UNREADABLE = {
    "a header of 100 KB": f"GET {HERE}/achievements HTTP/1.1\r\nHost: x\r\nAccept-Language: {'fr,' * 33_000}",
    "a query of 100 KB": f"GET {HERE}/achievements?x={'a' * 100_000} HTTP/1.1\r\nHost: x",
    "another protocol": "GET / HTTP/9.9",
    "TLS": "\x16\x03\x01\x02",
    "no header": "GET / HTTP/1.1\r\nHost: x\r\nno header",
    "no length": "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x",
    "a method of nobody's": f"BREW {HERE}/achievements HTTP/1.1\r\nHost: x",
    "a credential of 36 KB": f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: XBL3.0 x=1;{'SECRET' * 6000}",
    "a credential with a zero in it": "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: XBL3.0 x=1;SECRET\0",
}


@pytest.mark.parametrize("request_", UNREADABLE.values(), ids=UNREADABLE)
async def test_malformed_http_gets_the_error_of_this_api(client, request_, caplog):
    """No route is reached, and aiohttp's own response would quote the request, credentials included."""
    status, headers, body = await _exchange(client, request_.encode("latin-1") + b"\r\n\r\n")

    assert status == 400
    assert b"SECRET" not in body
    assert "SECRET" not in caplog.text
    assert_error(status, headers, body)


async def _exchange(client: Any, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the response to raw bytes."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(request)
    with contextlib.suppress(ConnectionError):
        await writer.drain()
    answer = await asyncio.wait_for(reader.read(65_536), 5)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body
