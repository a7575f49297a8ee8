"""`laurel webhook`: webhooks of a title and their deliveries."""

import re

import pytest


def test_webhook_is_created_listed_and_deleted(command, title):
    webhook_id, secret = command("webhook", "create", *title, "--url", "https://example.com/hook").stdout.split()
    listed = command("webhook", "list", *title).stdout
    assert secret not in listed
    assert re.fullmatch(rf"{webhook_id}  https://example.com/hook  since .*  0 waiting, 0 dead\n", listed)
    assert command("webhook", "dead", *title).stdout == ""
    assert command("webhook", "retry", *title).stdout == "0 deliveries will be retried\n"

    command("webhook", "delete", *title, webhook_id)
    assert command("webhook", "list", *title).stdout == ""


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.com/", "expected https, or http on this machine"),
        ("https://10.0.0.1/", "expected a public address, or one of LAUREL_OUTBOUND_NETWORKS"),
    ],
)
def test_webhook_with_an_unsafe_url_is_rejected(command, title, url, reason):
    failed = command("webhook", "create", *title, "--url", url, status=1)

    assert failed.stderr == f"laurel: --url: {reason}, got '{url}'\n"


def test_webhook_on_this_machine_needs_a_setting(command, title, monkeypatch):
    command("webhook", "create", *title, "--url", "http://127.0.0.1:9/", status=1)
    monkeypatch.setenv("LAUREL_OUTBOUND_NETWORKS", "127.0.0.0/8")

    command("webhook", "create", *title, "--url", "http://127.0.0.1:9/")


def test_webhook_id_that_the_database_cannot_store_is_a_usage_error(command, title):
    failed = command("webhook", "delete", *title, 2**63, status=2)

    assert "Invalid value for 'WEBHOOK_ID': 9223372036854775808 is not in the range" in failed.stderr
