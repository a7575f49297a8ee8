"""`laurel progress import`: a captured Xbox page becomes a player's progress."""

import pytest

from service.demo import PLAYER
from tests.cli.conftest import TITLE


def test_importing_the_same_progress_twice_adds_nothing(command):
    command("catalog", "import", "page.json", "--publish")

    first = command("progress", "import", "page.json", "--xuid", PLAYER)
    again = command("progress", "import", "page.json", "--xuid", f"0{PLAYER}")

    assert first.stdout == f"player {PLAYER}: 2 new unlocks in title {TITLE}\n"
    assert again.stdout == f"player {PLAYER}: 0 new unlocks in title {TITLE}\n"


@pytest.mark.parametrize(
    ("file", "xuid", "message"),
    [
        ("page.json", PLAYER, f"there is no title {TITLE}; import its catalog first"),
        ("page.json", "abc", "--xuid: expected a XUID: a decimal below 2**64"),
        ("half.json", PLAYER, "half.json"),
        ("title.toml", PLAYER, "title.toml"),
        ("no-such-file", PLAYER, "no-such-file: the file cannot be read: No such file or directory"),
    ],
)
def test_unreadable_progress_is_reported_without_a_trace(command, file, xuid, message):
    failed = command("progress", "import", file, "--xuid", xuid, status=1)

    assert failed.stderr.startswith("laurel: ")
    assert message in failed.stderr
    assert "Traceback" not in failed.stderr
