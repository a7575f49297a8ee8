"""`laurel progress import`."""

import pytest

from service.demo import PLAYER
from tests.cli.conftest import TITLE


def test_progress_goes_in_once(command):
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
def test_progress_that_cannot_be_read_is_refused_in_words(command, file, xuid, message):
    refused = command("progress", "import", file, "--xuid", xuid, status=1)

    assert refused.stderr.startswith("laurel: ")
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr
