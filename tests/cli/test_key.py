"""`laurel key` and `laurel client`: API keys and OAuth clients of a title."""

import json
import uuid

import pytest


def test_key_is_created_listed_and_revoked(command, title):
    created = command("key", "create", *title, "--user", "ana").stdout.strip()
    key_id, prefix = command("key", "list", *title).stdout.split()[:2]
    assert created.startswith(prefix)
    assert command("key", "list", *title).stdout.endswith("  user ana  events,read  not used yet\n")

    assert command("key", "revoke", *title, key_id).stdout == f"revoked {key_id}\n"
    assert command("key", "list", *title).stdout.endswith("  user ana  events,read  not used yet  revoked\n")


def test_made_and_revoked_keys_are_in_the_security_log(command, title, tmp_path):
    path = tmp_path / "security.jsonl"
    created = command("key", "create", *title, LAUREL_SECURITY_LOG=str(path)).stdout.strip()
    key_id, prefix = command("key", "list", *title).stdout.split()[:2]
    command("key", "revoke", *title, key_id, LAUREL_SECURITY_LOG=str(path))

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["event"], line.get("other_key"), line.get("key_id")) for line in lines] == [
        ("key_created", prefix, None),
        ("key_revoked", None, key_id),
    ]
    assert created.partition(".")[2] not in path.read_text()


def test_key_has_a_name_scopes_and_an_expiry(command, title):
    about = ("--name", "Nightly import", "--scope", "events", "--scope", "read", "--expires", "2099-12-31")

    command("key", "create", *title, *about)

    listed = command("key", "list", *title).stdout
    assert listed.endswith(
        """  the title's servers  "Nightly import"  events,read  expires 2099-12-31T00:00:00Z  not used yet\n"""
    )


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--expires", "soon", "--expires: expected days such as 90d, or a day such as 2027-12-31, got 'soon'"),
        ("--expires", "2020-01-01", "expires: expected a time in the future, got '2020-01-01T00:00:00+00:00'"),
        ("--name", "a\tb", "name: expected 1 to 64 characters in one line, without control characters, got 'a\\tb'"),
    ],
)
def test_invalid_option_of_a_key_is_named(command, title, option, value, message):
    failed = command("key", "create", *title, option, value, status=1)

    assert failed.stderr == f"laurel: {message}\n"


def test_revoking_an_unknown_key_names_it(command, title):
    key_id = uuid.uuid4()

    failed = command("key", "revoke", *title, key_id, status=1)

    assert failed.stderr == f"laurel: title 7 has no valid key {key_id}\n"


@pytest.mark.parametrize("user", ["", "a" * 129, "a\tb"])
def test_key_of_a_user_needs_a_valid_player_id(command, title, user):
    failed = command("key", "create", *title, "--user", user, status=1)

    assert failed.stderr == "laurel: --user: expected 1 to 128 characters, none of them a control character\n"


def test_client_is_created_with_an_id_and_a_secret(command, title):
    client_id, secret = command("client", "create", *title).stdout.split()

    assert client_id.startswith("cli_")
    assert secret not in command("key", "list", *title).stdout
