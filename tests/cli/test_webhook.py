"""`laurel webhook`: webhooks of a title and their deliveries."""

import re


def test_webhook_is_created_listed_and_deleted(command, title):
    webhook_id, secret = command("webhook", "create", *title, "--url", "https://example.com/hook").stdout.split()
    listed = command("webhook", "list", *title).stdout
    assert secret not in listed
    assert re.fullmatch(rf"{webhook_id}  https://example.com/hook  since .*  0 waiting, 0 dead\n", listed)
    assert command("webhook", "dead", *title).stdout == ""
    assert command("webhook", "retry", *title).stdout == "0 deliveries will be retried\n"

    command("webhook", "delete", *title, webhook_id)
    assert command("webhook", "list", *title).stdout == ""


def test_webhook_with_an_unsafe_url_is_rejected(command, title):
    failed = command("webhook", "create", *title, "--url", "http://example.com/", status=1)

    assert failed.stderr == "laurel: --url: expected https, or http on this machine, got 'http://example.com/'\n"


def test_webhook_id_that_the_database_cannot_store_is_a_usage_error(command, title):
    failed = command("webhook", "delete", *title, 2**63, status=2)

    assert "Invalid value for 'WEBHOOK_ID': 9223372036854775808 is not in the range" in failed.stderr
