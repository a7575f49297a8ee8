"""`laurel token`."""

import pytest

from service.demo import PLAYER
from tests.cli.conftest import did
from tests.factories import SECRET


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--xuid", "abc"), "expected a XUID"),
        (("--xuid", str(2**64)), "expected a XUID"),
        (("--xuid", "1", "--uhs", "x"), "expected a user hash"),
        ((), "expected a XUID, or the subject"),
        (("--sub", "Ana", "--l10n", '[{"titles": "*"}]'), "--l10n: expected grants"),
        (("--sub", "Ana", "--l10n", "x"), "--l10n: expected grants"),
    ],
)
def test_a_token_for_nobody_is_refused(arguments, message):
    refused = did("token", *arguments, LAUREL_JWT_SECRET=SECRET)

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert message in refused.stderr


@pytest.mark.parametrize(
    "arguments",
    [("--xuid", "1", "--title", "0"), ("--xuid", "1", "--lifetime", "0"), ("--xuid", "1", "--scheme", "x")],
)
def test_a_misused_command_says_how_it_is_used(arguments):
    refused = did("token", *arguments, LAUREL_JWT_SECRET=SECRET)

    assert refused.exit_code == 2
    assert refused.stderr.startswith("Usage: ")


@pytest.mark.parametrize("scheme", ["xbl3", "bearer"])
def test_a_token_is_one_line_to_be_pasted(scheme):
    done = did("token", "--xuid", PLAYER, "--scheme", scheme, LAUREL_JWT_SECRET=SECRET)

    assert done.exit_code == 0
    assert done.stdout.startswith({"xbl3": "XBL3.0 x=", "bearer": "Bearer "}[scheme])
    assert done.stdout.count("\n") == 1
