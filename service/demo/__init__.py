"""What `laurel demo` holds: two titles with their texts, and one player with some of both. The texts are ours."""

import pathlib

from service.core import progress, publishing
from service.core.formats import xbox_page
from service.core.formats.title_folder import read_title_folder
from service.db.pool import Pool

PLAYER = "2533274790395904"
TITLES = (3051199919, 1297290417)

_HERE = pathlib.Path(__file__).parent


def locales_folder() -> pathlib.Path:
    """Where the translations are: in the package once it is installed, beside it in a checkout."""
    packaged = _HERE.parent / "_locales"
    return packaged if packaged.is_dir() else _HERE.parents[1] / "locales"


async def load(pool: Pool) -> None:
    """Import and publish the demo's titles and the player's progress, unless they are there already."""
    async with pool.transaction() as connection:
        if await publishing.draft_of(connection, TITLES[-1]) is not None:
            return
        for title_id in TITLES:
            file = _HERE / f"title-{title_id}.toml"
            draft, _ = read_title_folder(file, locales_folder())
            await publishing.import_draft(connection, draft, is_whole=True, file=file.name)
            await publishing.publish(connection, title_id)
        file = _HERE / f"progress-{PLAYER}.json"
        captured = xbox_page.read_progress(file.read_bytes(), file=file.name)
        await progress.put_progress(connection, player=PLAYER, progress=captured)
