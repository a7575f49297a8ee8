"""Strings through the localization API: read with their context, saved over the version that was seen, never lost."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from service.core.auth.principal import OPERATOR
from service.core.publishing.drafts import import_draft
from service.db.pool import open_pool
from service.server.app import make_application, make_services
from service.telemetry import Observer
from tests.factories import achievement, bearer, draft

NAME = "/strings/achievement/1/name/fr-FR"
MISSING = "/strings/achievement/2/name/fr-FR"


async def test_string_has_its_source_state_and_version(catalogs, etag):
    response = await catalogs("GET", NAME, raw=True)

    found = await response.json()
    assert response.headers["ETag"] == etag("v1")
    assert (found["source"], found["text"], found["state"], found["published"]) == (
        "Name 1",
        "Nom 1",
        "translated",
        "Nom 1",
    )
    assert (found["limit"], found["isStale"], found["remarks"]) == (44, False, [])


@pytest.mark.parametrize("key", ["achievement/1/name", "achievement%2F1%2Fname"])
async def test_slashes_of_a_key_may_be_encoded(client, title, key):
    url = URL(f"/catalogs/{title}/strings/{key}/fr_fr", encoded=True)
    response = await client.get(url, headers={"Authorization": bearer()})

    assert (await response.json())["text"] == "Nom 1"


async def test_save_over_an_outdated_version_is_412_with_the_current_string(catalogs, etag):
    saved = await catalogs("PUT", NAME, {"text": "Meilleur"}, seen="v1", raw=True)
    late = await catalogs("PUT", NAME, {"text": "Trop tard"}, seen="v1", status=412, raw=True)

    assert saved.headers["ETag"] == late.headers["ETag"] == etag("v2")
    problem = await late.json()
    assert late.content_type == "application/problem+json"
    assert (problem["code"], problem["current"]["text"], problem["current"]["changedBy"]) == (
        "conflict",
        "Meilleur",
        "Ana",
    )
    assert (await catalogs("GET", NAME))["text"] == "Meilleur"


async def test_save_without_if_match_is_428(catalogs):
    problem = await catalogs("PUT", NAME, {"text": "Meilleur"}, status=428)

    assert problem["code"] == "unconditional"
    assert "If-Match" in problem["detail"]


async def test_missing_text_is_saved_over_version_0(catalogs, etag):
    missing = await catalogs("GET", MISSING, raw=True)
    await catalogs("PUT", MISSING, {"text": "Nom 2"}, tag=missing.headers["ETag"])

    assert (missing.headers["ETag"], (await missing.json())["state"]) == (etag("v0"), "missing")
    assert (await catalogs("GET", MISSING))["text"] == "Nom 2"


async def test_history_lists_every_revision(catalogs):
    await catalogs("PUT", NAME, {"text": "Deux", "state": "approved"}, seen="v1")
    await catalogs("POST", f"{NAME}/review", {"verdict": "send-back"}, seen="v2", who=bearer("Rita"))
    await catalogs("POST", f"{NAME}/restore", {"version": 1}, seen="v3")

    found = (await catalogs("GET", f"{NAME}/history"))["revisions"]

    assert [(old["text"], old["state"], old["origin"], old["changedBy"]) for old in found] == [
        ("Nom 1", "translated", "restore", "Ana"),
        ("Deux", "needs_review", "review", "Rita"),
        ("Deux", "approved", "edit", "Ana"),
        ("Nom 1", "translated", "import", "laurel"),
    ]
    assert len((await catalogs("GET", f"{NAME}/history", before="3"))["revisions"]) == 2


async def test_warning_is_overridden_with_author_and_reason(catalogs):
    warned = await catalogs("PUT", NAME, {"text": "Name 1"}, seen="v1")
    reasons = {"same-as-source": "a proper name"}
    overridden = await catalogs("PUT", NAME, {"text": "Name 1", "reasons": reasons}, seen="v2")

    assert [(remark["rule"], remark["isOverridden"]) for remark in warned["remarks"]] == [("same-as-source", False)]
    assert [(remark["rule"], remark["isOverridden"]) for remark in overridden["remarks"]] == [("same-as-source", True)]
    assert overridden["overrides"] == {"same-as-source": {"by": "Ana", "reason": "a proper name"}}


async def test_list_is_filtered_searched_and_paged(catalogs):
    everything = await catalogs("GET", "/strings", locale="fr-FR")
    missing = await catalogs("GET", "/strings", locale="fr-FR", filter="missing", q="NAME 2", **{"with": "en-US"})
    rest = await catalogs("GET", "/strings", locale="fr-FR", after="achievement/3/name")

    assert (len(everything["strings"]), everything["after"]) == (10, None)
    assert [(string["key"], string["with"]["text"]) for string in missing["strings"]] == [
        ("achievement/2/name", "Name 2")
    ]
    assert [string["key"] for string in rest["strings"]] == ["title/name"]


@pytest.mark.parametrize(
    ("method", "path", "body", "query", "status", "named"),
    [
        pytest.param("GET", "/strings", None, {}, 400, "locale", id="no locale"),
        pytest.param("GET", "/strings", None, {"locale": "french"}, 400, "locale", id="no such locale"),
        pytest.param("GET", "/strings", None, {"locale": "fr", "filter": "x"}, 400, "filter", id="no such filter"),
        pytest.param("GET", "/strings", None, {"locale": "fr", "q": "\0"}, 400, "q", id="a NUL"),
        pytest.param("GET", "/strings", None, {"locale": "fr", "Q": "x"}, 400, "Q", id="no such parameter"),
        pytest.param("GET", NAME + "/history", None, {"before": "x"}, 400, "before", id="no version"),
        pytest.param("GET", "/strings/%00/fr", None, {}, 400, "key", id="a NUL in the key"),
        pytest.param("GET", "/strings/a/" + "x" * 99, None, {}, 400, "locale", id="a long locale"),
        pytest.param("GET", "/strings/achievement/99/name/fr", None, {}, 404, "achievement/99/name", id="no such key"),
        pytest.param("GET", "/catalogs/2/strings/title/name/fr", None, {}, 404, "title 2", id="no such title"),
        pytest.param("GET", "/catalogs/0", None, {}, 400, "title", id="title 0"),
        pytest.param("GET", "/catalogs/4294967296", None, {}, 400, "title", id="a title above u32"),
        pytest.param("PUT", NAME, {"txt": "x"}, {}, 422, "txt", id="a misspelled member"),
        pytest.param("PUT", NAME, {"text": 1}, {}, 422, "text", id="a number for a text"),
        pytest.param("PUT", NAME, {"text": ""}, {}, 422, "text", id="an empty text"),
        pytest.param("PUT", NAME, {"text": "a\0"}, {}, 400, "NUL", id="a NUL in the text"),
        pytest.param("PUT", NAME, {"text": "\ud800x"}, {}, 400, "JSON", id="half a character"),
        pytest.param("PUT", NAME, {"text": "x" * 4001}, {}, 422, "4000", id="a text without end"),
        pytest.param("PUT", NAME, {"text": "x", "state": "done"}, {}, 422, "state", id="no such state"),
        pytest.param("PUT", NAME, {"text": "x", "reasons": {"A": "b"}}, {}, 422, "reasons", id="no name of a rule"),
        pytest.param("POST", NAME + "/review", {"verdict": "x"}, {}, 422, "verdict", id="no such verdict"),
        pytest.param("POST", MISSING + "/review", {"verdict": "approve"}, {}, 404, "reviewed", id="nothing to review"),
        pytest.param("POST", NAME + "/restore", {"version": 9}, {}, 404, "version 9", id="no such revision"),
        pytest.param("DELETE", NAME, None, {}, 405, "DELETE", id="another method"),
    ],
)
async def test_invalid_request_names_the_problem(catalogs, method, path, body, query, status, named):  # noqa: PLR0917  (a row)
    problem = await catalogs(method, path, body, status=status, seen="v1", **query)

    assert named in problem["detail"]
    assert problem["status"] == status


@pytest.mark.parametrize("tag", ["v1", "*", 'W/"v1"', '"c1"', '"v1", "v2"', '"v99999999999"', '"v01"'])
async def test_invalid_if_match_is_rejected(catalogs, tag):
    assert "If-Match" in (await catalogs("PUT", NAME, {"text": "x"}, tag=tag, status=400))["detail"]


@pytest.mark.parametrize(
    ("can", "method", "path", "body", "missing"),
    [
        (["suggest"], "PUT", NAME, {"text": "x"}, "translate"),
        (["suggest"], "PUT", NAME, {"text": "x", "state": "needs_review"}, "translate"),
        (["suggest"], "PUT", MISSING, {"text": "x", "state": "needs_review"}, None),
        (["translate"], "PUT", NAME, {"text": "x", "state": "approved"}, "review"),
        (["translate"], "PUT", NAME, {"text": "x"}, None),
        (["translate"], "POST", NAME + "/review", {"verdict": "approve"}, "review"),
        (["suggest"], "POST", NAME + "/restore", {"version": 1}, "translate"),
        (["publish"], "PUT", "/strings/title/name/en-US", {"text": "x"}, "source"),
        (["source"], "PUT", "/strings/title/name/en-US", {"text": "x"}, None),
        (["review"], "POST", "/releases", {}, "publish"),
        (["review"], "POST", "/releases/1/activate", {}, "publish"),
        (["review"], "PATCH", "", {"publishFrom": "approved"}, "publish"),
        (["review"], "DELETE", "/schedules/1", None, "publish"),
    ],
)
async def test_change_without_its_right_is_403_and_names_it(catalogs, can, method, path, body, missing):  # noqa: PLR0917  (a row)
    seen = "v0" if path == MISSING else "v1"

    found = await catalogs(method, path, body, seen=seen, who=bearer(can=can), status=403 if missing else 200)

    assert missing is None or f"the right {missing} " in found["detail"]


@pytest.mark.parametrize("path", ["", "/strings?locale=fr", NAME, "/releases", "/explain", "/fallbacks", "/imports/1"])
async def test_title_without_any_right_cannot_be_read(catalogs, path):
    await catalogs("GET", path, who=bearer(titles=["2"]), status=403)


async def test_grant_is_limited_to_its_locales(catalogs):
    who = bearer(can=["translate"], locales=["fr"])

    await catalogs("PUT", NAME, {"text": "Oui"}, seen="v1", who=who)
    refused = await catalogs(
        "PUT", "/strings/achievement/1/name/de-DE", {"text": "Nein"}, seen="v0", who=who, status=403
    )

    assert "in de-DE" in refused["detail"]


@pytest.mark.parametrize("authorization", [None, "", "Bearer x", "XBL3.0 x=1;a.b.c", bearer() + "x"])
async def test_request_without_a_valid_token_is_401(client, title, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}

    response = await client.get(f"/catalogs/{title}", headers=headers)

    assert (response.status, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="laurel"')
    assert (await response.json())["code"] == "not_authenticated"


async def test_concurrent_editors_lose_no_saved_text(own_database, settings):
    """Eight editors on two processes, one string: each accepted save is in the history, in the order of its version."""
    pools = [await open_pool(own_database, size=4) for _ in range(2)]
    async with pools[0].transaction() as connection:
        await import_draft(connection, OPERATOR, draft(1, (achievement(1),)))
    clients = []
    for pool in pools:
        services = await make_services(settings, pool, Observer(level="error"))
        clients.append(TestClient(TestServer(make_application(services))))
        await clients[-1].start_server()
    url, accepted = "/catalogs/1/strings/achievement/1/name/fr-FR", {}

    async def edit(number: int) -> None:
        client = clients[number % 2]
        headers = {"Authorization": bearer(f"editor {number}")}
        for turn in range(12):
            seen = (await client.get(url, headers=headers)).headers["ETag"]
            text = f"{number}: {turn}"
            done = await client.put(url, json={"text": text}, headers=headers | {"If-Match": seen})
            assert done.status in (200, 412)
            if done.status == 200:
                version = (await done.json())["version"]
                assert seen.startswith(f'"v{version - 1}-')  # nobody saved over an unseen version
                accepted[version] = text

    await asyncio.gather(*(edit(number) for number in range(8)))

    response = await (await clients[0].get(f"{url}/history", headers={"Authorization": bearer()})).json()
    history = {old["version"]: old["text"] for old in response["revisions"]}
    newest = max(accepted)
    assert sorted(accepted) == list(range(1, newest + 1))
    assert {version: accepted[version] for version in history} == history
    for client in clients:
        await client.close()
    for pool in pools:
        await pool.close()
