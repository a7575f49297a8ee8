"""`laurel player` and `laurel doctor`: export and erase a player, and check the counters."""

import json

from service.demo import PLAYER
from tests.cli.conftest import TITLE


def test_player_is_exported_and_erased(command):
    command("catalog", "import", "page.json", "--publish")
    command("progress", "import", "page.json", "--xuid", PLAYER)

    exported = json.loads(command("player", "export", PLAYER).stdout)
    assert [len(entry["unlocks"]) for entry in exported["progress"] if entry["title_id"] == TITLE] == [2]
    assert "cannot be undone" in command("player", "erase", PLAYER, status=1).stderr
    erased = command("player", "erase", PLAYER, "--yes")
    assert erased.stdout == "erased: 1 titles, 2 unlocks, 0 events\n"
    assert command("doctor").stdout == "no drift\n"
