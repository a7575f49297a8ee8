"""Importing progress of captured pages."""

import pytest

from service.core.formats.xbox.captured_page import ImportedProgress
from service.core.progress.import_progress import import_progress
from service.core.progress.reader import ProgressReader
from service.errors import NotFound
from tests.factories import PLAYER, achievement, draft, publish_draft


async def test_progress_in_a_missing_title_is_rejected_whole(connection, pool):
    await publish_draft(connection, draft(1, (achievement(1),)))
    pages = [ImportedProgress(title_id=title_id, unlocked={1: 10}, currents={}) for title_id in (1, 2)]

    with pytest.raises(NotFound, match="there is no title 2; import its catalog first"):
        await import_progress(connection, player=PLAYER, progress=pages)

    assert (await ProgressReader(pool).read_all(PLAYER)).titles == {}
