"""The wall clock is set forward and back by an hour, while players write and read."""

import asyncio
import os
import pathlib
import time

from tests.factories import authorization
from tests.faults.harness.client import Client, Response
from tests.faults.harness.service import serving
from tests.faults.harness.stage import SETTINGS
from tests.faults.harness.table import Row, scaled
from tests.servers import PATIENCE

HOUR = 3600 + 60
"""More than tokens last, in seconds."""

BURST = 15
"""Events at once: more than a title may send in a second."""

PLAYER = "2533274790395904"


async def test_clock_that_is_set_decides_of_tokens_alone(private_postgres, tmp_path, report):
    """Limits, deadlines and Retry-After go by the monotonic clock."""
    shift = tmp_path / "seconds"
    shift.write_text("0")
    folders = (str(pathlib.Path(__file__).with_name("clock")), os.environ.get("PYTHONPATH", ""))
    clock = {"FAULT_CLOCK": str(shift), "PYTHONPATH": os.pathsep.join(filter(None, folders))}
    answers: list[Response] = []
    total = 0
    async with private_postgres.database() as database:
        (key,) = await database.make_keys(1)
        async with serving(database.url, LAUREL_RATE_TIER="standard", **SETTINGS, **clock) as service:
            with Client(service.url) as client:
                for seconds in (0, HOUR, -HOUR, 0) * int(scaled(1, 5)):
                    shift.write_text(str(seconds))
                    before = await read(client, answers, issued_at=time.time())
                    now = await read(client, answers, issued_at=time.time() + seconds)
                    assert (before, now) == (200 if seconds == 0 else 401, 200)
                    for _ in range(BURST):
                        total += await write(client, answers, key, total)
                    waited = time.monotonic()
                    while not await write(client, answers, key, total):
                        await asyncio.sleep(0.1)  # as the client of a 429 does
                        assert time.monotonic() - waited < PATIENCE
                    total += 1
        stored = await database.value("SELECT count(*) FROM event")

    statuses = [answer.status for answer in answers]
    report(
        Row(
            scenario="F16 the clock is set forward and back",
            sent=len(answers),
            ok=sum(status in (200, 201) for status in statuses),
            refused=sum(status in (401, 429) for status in statuses),
            lost=total - stored,
            worst=max(answer.seconds for answer in answers),
        )
    )
    assert stored == total
    assert max(answer.seconds for answer in answers) < 5


async def write(client: Client, answers: list[Response], key: str, total: int) -> bool:
    """Send an event; whether it was counted, and not refused as one too many."""
    answer = await client.post("/metrics/words/event", {"user": {"id": PLAYER}, "value": 1}, X_API_KEY=key)
    answers.append(answer)
    if answer.status == 201:
        assert answer.json()["total"] == total + 1
        return True
    assert answer.status == 429, answer
    assert 1 <= int(answer.headers["retry-after"]) <= 3, answer
    return False


async def read(client: Client, answers: list[Response], *, issued_at: float) -> int:
    """The status of a read with a token that was issued at a time."""
    fields = {"Authorization": authorization(PLAYER, now=int(issued_at)), "x_xbl_contract_version": "2"}
    answers.append(await client.get(f"/users/xuid({PLAYER})/achievements?titleId=1", **fields))
    return answers[-1].status
