"""Files are imported and published by many at once, one of them damaged and some cut off, while players read."""

import asyncio
import contextlib
import itertools

import polib

from tests.factories import authorization, bearer
from tests.faults.harness.client import Client, Response
from tests.faults.harness.postgres import ACHIEVEMENTS
from tests.faults.harness.stage import Stage
from tests.faults.harness.table import Row, scaled

LOCALE = "fr-FR"


class Importer:
    """Imports one file and publishes it, again until both succeed."""

    def __init__(self, scene: Stage, number: int) -> None:
        self._url = scene.service.url
        self._fields = {"Authorization": bearer(f"Importer {number}")}
        self.answers: list[Response] = []

    async def run(self, file: bytes, *, attempts: int = 20) -> None:
        """Import and publish."""
        with Client(self._url) as client:
            for _ in range(attempts):
                staged = await self._post(client, "/catalogs/2/imports?file=french.po", file)
                if staged.status != 200:
                    continue
                apply = f"{staged.headers['location']}/apply"
                if (await self._post(client, apply, If_Match=staged.headers["etag"])).status == 200:
                    await self._post(client, "/catalogs/2/releases", b"{}", Content_Type="application/json")
                    return

    async def _post(self, client: Client, path: str, body: bytes = b"", **fields: str) -> Response:
        answer = await client.send("POST", path, self._fields | fields, body)
        self.answers.append(answer)
        return answer


async def cut_off(scene: Stage, file: bytes) -> None:
    """Send a half of a file, and go."""
    address = scene.service.url.removeprefix("http://")
    _, writer = await asyncio.open_connection(*address.split(":"))
    head = f"POST /catalogs/2/imports?file=french.po HTTP/1.1\r\nHost: {address}\r\nAuthorization: {bearer()}\r\n"
    writer.write(f"{head}Content-Length: {len(file)}\r\n\r\n".encode() + file[: len(file) // 2])
    await writer.drain()
    writer.transport.abort()


async def watch_pages(scene: Stage, answers: list[Response]) -> None:
    """Read pages again and again; a page must hold the texts of one import alone."""
    fields = {"Authorization": authorization(), "Accept_Language": LOCALE, "x_xbl_contract_version": "2"}
    with Client(scene.service.url) as client:
        while True:
            page = await client.get(
                f"/users/xuid(2533274790395904)/achievements?titleId=2&maxItems={ACHIEVEMENTS}", **fields
            )
            answers.append(page)
            if page.status == 200:
                names = {item["name"] for item in page.json()["achievements"]}
                assert len(names) == 1, names


async def test_imports_at_once_are_served_whole_or_not_at_all(one_worker, report):
    with Client(one_worker.service.url) as client:
        exported = await client.get(f"/catalogs/2/export?format=po&locale={LOCALE}", Authorization=bearer())
    template = polib.pofile(exported.body.decode())

    def file(number: int) -> bytes:
        for entry in template:
            entry.msgstr = f"Texte {number}"
        return str(template).encode()

    count = int(scaled(3, 20))
    importers = [Importer(one_worker, number) for number in range(count)]
    damaged = Importer(one_worker, count)
    pages: list[Response] = []
    watching = asyncio.create_task(watch_pages(one_worker, pages))
    await asyncio.gather(
        *(importer.run(file(number)) for number, importer in enumerate(importers, 1)),
        damaged.run(file(99)[:-40] + b'\xff"\nmsgstr', attempts=1),
        *(cut_off(one_worker, file(98)) for _ in range(int(scaled(2, 20)))),
    )
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching

    answers = [*itertools.chain.from_iterable(importer.answers for importer in importers), *damaged.answers, *pages]
    texts = await one_worker.database.value(
        "SELECT array_agg(DISTINCT text) FROM text WHERE title_id = 2 AND locale = $1", LOCALE
    )
    statuses = [answer.status for answer in answers]
    report(
        Row(
            scenario="F19 imports at once, one damaged, some cut off",
            sent=len(answers),
            ok=sum(200 <= status < 300 for status in statuses),
            refused=sum(400 <= status < 500 for status in statuses),
            unavailable=sum(status in (503, 504) for status in statuses),
            failed=statuses.count(500),
            lost=len(texts) - 1,
            worst=max(answer.seconds for answer in answers),
        )
    )
    assert statuses.count(500) == 0
    assert damaged.answers[-1].status >= 400  # 503 if others left it no place
    assert len(texts) == 1, texts
    assert texts[0] in {f"Texte {number}" for number in range(1, count + 1)}
