"""What `laurel demo` holds: two titles with their texts, one player with some of both, and a key. The texts are ours."""

import datetime
import pathlib
import uuid
from decimal import Decimal

from service.core import api_keys, progress, publishing, ticks
from service.core.formats import xbox_page
from service.core.formats.title_folder import locales_folder, read_title_folder
from service.core.releases import Releases
from service.core.shared_keys import shared_key
from service.core.standing import Change, Event
from service.core.writing import Writer
from service.db.pool import Pool

PLAYER = "2533274790395904"
TITLES = (3051199919, 1297290417)

_HERE = pathlib.Path(__file__).parent


async def load(pool: Pool) -> None:
    """Import and publish the demo's titles, the player's progress, and some events, unless they are there already."""
    if not await _load_catalogue(pool):
        return
    releases = Releases(pool)
    await releases.refresh()
    writer = Writer(pool, releases, erasure_key=await shared_key(pool, "erasure"))
    events = [
        Event(
            metric=metric,
            amount=Decimal(amount),
            event_id=uuid.uuid4(),
            at=ticks.of(datetime.datetime(2026, 11, day, 20, tzinfo=datetime.UTC)),
            attributes={"shore": shore},
        )
        for metric, amount, day, shore in (
            ("lanterns", 7, 14, "north"),
            ("nights", 1, 14, "north"),
            ("lanterns", 5, 15, "south"),
            ("nights", 1, 15, "south"),
            ("lanterns", 4, 17, "north"),
        )
    ]
    await writer.write(Change(player=PLAYER, title_id=TITLES[-1], events=tuple(events)))


async def make_key(pool: Pool) -> str:
    """A new key of the title that counts."""
    async with pool.connection() as connection:
        return (await api_keys.create(connection, title_id=TITLES[-1])).key


async def _load_catalogue(pool: Pool) -> bool:
    """The titles and the player's progress; False if they were there already."""
    async with pool.transaction() as connection:
        if await publishing.draft_of(connection, TITLES[-1]) is not None:
            return False
        for title_id in TITLES:
            file = _HERE / f"title-{title_id}.toml"
            draft, _ = read_title_folder(file, locales_folder())
            await publishing.import_draft(connection, draft, is_whole=True, file=file.name)
            await publishing.publish(connection, title_id)
        file = _HERE / f"progress-{PLAYER}.json"
        captured = xbox_page.read_progress(file.read_bytes(), file=file.name)
        await progress.put_progress(connection, player=PLAYER, progress=captured)
    return True
