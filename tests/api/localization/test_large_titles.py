"""A title that is too large to be handled between two requests of players goes through a child process."""

import asyncio
import re

import pytest

from service.core.formats import write
from tests.factories import bearer
from tests.isolation.large_title import TITLE, large_draft, make_large_title, po_file

ACHIEVEMENTS = 400
LOCALES = ("en-US", "fr-FR")
EXPORT = f"/catalogs/{TITLE}/export"


@pytest.fixture
async def large(connection, services):
    """A published title of 1601 strings in two locales."""
    draft = large_draft(achievements=ACHIEVEMENTS, locales=LOCALES)
    await make_large_title(connection, draft)
    await services.snapshots.refresh()
    return draft


async def test_export_is_written_by_a_child_and_sent_whole(catalogs, client, services, large):
    response = await catalogs("GET", EXPORT, format="xbox", raw=True)
    body = await response.read()

    assert len(services.processes._children) == 1
    assert body == write.download(large, "xbox")[1]
    again = await client.get(
        EXPORT,
        params={"format": "xbox"},
        headers={"Authorization": bearer(), "If-None-Match": response.headers["ETag"]},
    )
    assert (again.status, await again.read()) == (304, b"")


@pytest.mark.usefixtures("large")
async def test_caller_has_one_export_at_a_time(client):
    async def status(name: str) -> tuple[int, str | None]:
        response = await client.get(EXPORT, params={"format": "csv"}, headers={"Authorization": bearer(name)})
        await response.read()
        return response.status, response.headers.get("Retry-After")

    results = await asyncio.gather(status("Ana"), status("Ana"), status("Ben"))

    assert sorted(code for code, _ in results[:2]) == [200, 429]
    assert all((retry_after is not None) is (code == 429) for code, retry_after in results)
    assert results[2][0] == 200
    assert (await status("Ana"))[0] == 200


@pytest.mark.usefixtures("large")
async def test_import_is_read_compared_applied_and_published(catalogs):
    data = po_file(1000, achievements=ACHIEVEMENTS)
    response = await catalogs("POST", f"/catalogs/{TITLE}/imports", data=data, raw=True)
    batch, where = await response.json(), response.headers["Location"]

    applied = await catalogs("POST", f"{where}/apply", tag=response.headers["ETag"])
    report = await catalogs("GET", f"{where}.po", raw=True)
    published = await catalogs("POST", f"/catalogs/{TITLE}/releases", {}, status=201)

    assert batch["counts"] == applied["counts"] == {"fr-FR": {"changed": 1000}}
    assert len(re.findall(b"^msgctxt", await report.read(), re.MULTILINE)) == 1000
    assert published["release"] == 2
    assert {text["after"].split()[0] for text in published["changes"]["texts"]} == {"neuf"}
