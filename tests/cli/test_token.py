"""`laurel token`: the value of an Authorization header, and errors of its options."""

import pytest

from service.demo import PLAYER
from tests.cli.conftest import invoke
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
def test_token_without_a_valid_subject_is_rejected(arguments, message):
    failed = invoke("token", *arguments, LAUREL_JWT_SECRET=SECRET)

    assert (failed.exit_code, failed.stdout) == (1, "")
    assert message in failed.stderr


@pytest.mark.parametrize(
    "arguments",
    [("--xuid", "1", "--title", "0"), ("--xuid", "1", "--lifetime", "0"), ("--xuid", "1", "--scheme", "x")],
)
def test_invalid_option_prints_the_usage(arguments):
    failed = invoke("token", *arguments, LAUREL_JWT_SECRET=SECRET)

    assert failed.exit_code == 2
    assert failed.stderr.startswith("Usage: ")


@pytest.mark.parametrize("scheme", ["xbl3", "bearer"])
def test_token_is_printed_as_one_line(scheme):
    result = invoke("token", "--xuid", PLAYER, "--scheme", scheme, LAUREL_JWT_SECRET=SECRET)

    assert result.exit_code == 0
    assert result.stdout.startswith({"xbl3": "XBL3.0 x=", "bearer": "Bearer "}[scheme])
    assert result.stdout.count("\n") == 1
