"""`laurel badge …` as a process, beside a running service, with files and URLs."""

import contextlib
import http.server
import json
import pathlib
import tempfile
import threading
import urllib.request
from collections.abc import Iterator

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from service.core.badges.credential import CREDENTIALS_CONTEXT, OPEN_BADGES_CONTEXT
from service.demo import PLAYER
from tests.servers import PATIENCE, Running, laurel, running

TITLE = 1297290417
BADGE = ("--title", TITLE, "--user", PLAYER, "--achievement", "first-light")


@pytest.fixture(scope="module")
def folder() -> Iterator[pathlib.Path]:
    """A folder for the embedded Postgres. Not under pytest's own: Postgres runs as another user."""
    with tempfile.TemporaryDirectory(prefix="laurel-tests-") as made:
        yield pathlib.Path(made) / "data"


@pytest.fixture(scope="module")
def server(folder) -> Iterator[Running]:
    """The demo, running."""
    with running("demo", "--port", 0, "--ops-port", 0, "--data", folder) as started:
        yield started


@pytest.fixture
def run(folder):
    """Runs `laurel badge …` beside the demo; returns exit status and output."""

    def made(*arguments, **settings):
        allowed = {"LAUREL_OUTBOUND_NETWORKS": "127.0.0.0/8"}
        done = laurel("badge", *arguments, **({"LAUREL_DATA": str(folder)} | allowed | settings))
        return done.returncode, done.stdout + done.stderr

    return made


@pytest.fixture
def badge(folder, server, tmp_path) -> pathlib.Path:
    """A file with a badge of the demo's player, in French."""
    credential = laurel("token", "--xuid", PLAYER, LAUREL_DATA=str(folder)).stdout.strip()
    request = urllib.request.Request(  # noqa: S310  (our own server)
        f"{server.url}/open-badges/titles/{TITLE}/users/{PLAYER}/achievements/first-light",
        headers={"Authorization": credential, "Accept-Language": "fr"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:  # noqa: S310
        file = tmp_path / "badge.jwt"
        file.write_bytes(response.read())
        return file


@contextlib.contextmanager
def serving(answer: bytes, status: int = 200, *, requests: list[str] | None = None, **headers: str) -> Iterator[str]:
    """The URL of another server that always returns this response; the paths of `requests` are added to the list."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if requests is not None:
                requests.append(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{made.server_port}"
        finally:
            made.shutdown()


def test_badge_is_invalid_while_it_is_revoked(run, badge):
    status, output = run("verify", badge)
    assert (status, output.splitlines()[-1]) == (0, "valid: the issuer signed it, and it was not revoked")
    assert "Première lueur" in output
    assert PLAYER not in output

    assert run("revoke", *BADGE, "--reason", "won by mistake") == (0, "revoked\n")
    assert run("revoke", *BADGE) == (0, "it was revoked already\n")
    status, output = run("verify", badge)
    assert (status, output.splitlines()[-1]) == (1, "not valid: it was revoked")
    assert "mistake" not in output

    assert run("restore", *BADGE) == (0, "restored\n")
    assert run("restore", *BADGE) == (0, "it was not revoked\n")
    assert run("verify", badge)[0] == 0


def test_badge_stays_valid_after_key_rotation_but_not_after_withdrawal(run, badge):
    _, name = run("rotate-key")
    assert run("verify", badge)[0] == 0

    _, other = run("rotate-key", "--withdraw")
    status, output = run("verify", badge)

    assert name != other
    assert (status, "expected status 200, got 404" in output) == (1, True)


def test_badge_is_read_from_a_url_and_keys_from_a_file_or_url(run, badge, server, tmp_path):
    keys = tmp_path / "jwks.json"
    with urllib.request.urlopen(f"{server.url}/.well-known/jwks.json", timeout=PATIENCE) as response:  # noqa: S310
        keys.write_bytes(response.read())

    with serving(json.dumps({"credential": badge.read_text()}).encode()) as url:
        assert run("verify", url, "--jwks", keys)[0] == 0
        assert run("verify", url, "--jwks", f"{server.url}/.well-known/jwks.json")[0] == 0


def test_altered_badge_is_rejected_and_not_shown(run, badge):
    head, claims, signature = badge.read_text().split(".")
    badge.write_text(f"{head}.{claims[:-4]}{'A' * 4}.{signature}")

    status, output = run("verify", badge)

    assert (status, len(output.splitlines())) == (1, 1)
    assert output.startswith("not valid: ")


def test_issued_badge_equals_that_of_the_service(run, badge, server, tmp_path):
    made = tmp_path / "made.jwt"
    assert run("issue", *BADGE, "--language", "fr", "--output", made, LAUREL_PUBLIC_URL=server.url) == (0, "")
    assert made.read_text().strip() == badge.read_text()

    status, output = run("issue", *BADGE, LAUREL_PUBLIC_URL="https://badges.example.com/")
    claims = jwt.decode(output.strip(), options={"verify_signature": False})
    assert (status, claims["iss"]) == (0, f"https://badges.example.com/open-badges/titles/{TITLE}/issuer")
    assert claims["credentialSubject"]["achievement"]["name"] == "First Light"


@pytest.mark.parametrize(("max_distance", "is_french"), [("50", True), ("11", False)])
def test_issued_badge_is_in_a_related_language_only_within_the_distance_of_the_settings(
    run, badge, server, max_distance, is_french
):
    """Breton is 20 units from French, as in the service."""
    status, output = run(
        *("issue", *BADGE, "--language", "br"),
        LAUREL_PUBLIC_URL=server.url,
        LAUREL_LOCALE_MAX_DISTANCE=max_distance,
    )

    assert (status, output.strip() == badge.read_text()) == (0, is_french)


FAILURES = {
    "missing file": (("verify", "nothing.jwt"), "No such file"),
    "URL without https": (("verify", "http://192.0.2.1/badge"), "expected https"),
    "unsupported scheme": (("verify", "file:///etc/passwd"), "expected https"),
    "badge that nobody earned": (
        ("revoke", "--title", TITLE, "--user", "nobody", "--achievement", "first-light"),
        "not unlocked",
    ),
    "unknown title": (("revoke", "--title", 5, "--user", PLAYER, "--achievement", "first-light"), "title 5"),
    "unknown achievement": (
        ("restore", "--title", TITLE, "--user", PLAYER, "--achievement", "nothing"),
        "no such achievement",
    ),
    "no public URL": (("issue", *BADGE), "LAUREL_PUBLIC_URL: set it"),
}


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(("arguments", "reason"), FAILURES.values(), ids=FAILURES)
def test_failure_is_reported_in_one_line(run, arguments, reason):
    status, output = run(*arguments)

    assert (status, reason in output, output.count("\n")) == (1, True, 1)


@pytest.mark.usefixtures("server")
def test_redirects_and_large_responses_are_rejected(run):
    with serving(b"", 302, Location="http://127.0.0.1:1/") as url:
        assert "expected status 200, got 302" in run("verify", url)[1]
    with serving(b"a" * 1_100_000) as url:
        assert "expected at most 1048576 bytes, got more" in run("verify", url)[1]


def test_badge_that_leads_to_a_private_address_is_rejected(run, badge):
    status, output = run("verify", badge, LAUREL_OUTBOUND_NETWORKS="10.0.0.0/8")

    assert (status, "expected a public address" in output, output.count("\n")) == (1, True, 1)


@pytest.mark.usefixtures("server")
def test_nothing_is_fetched_from_another_host_than_the_issuer(run, tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    keys = {"keys": [RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "1"}]}
    requests = []
    with serving(json.dumps(keys).encode()) as url, serving(b"", requests=requests) as other:
        entry = {"type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "1"}
        foreign_list = foreign_badge(url, credentialStatus=entry | {"statusListCredential": f"{other}/status/1"})
        file = tmp_path / "strange.jwt"
        file.write_text(jwt.encode(foreign_list, key, "RS256", headers={"kid": "1"}))
        of_list = run("verify", file)
        file.write_text(jwt.encode(foreign_badge(url), key, "RS256", headers={"kid": f"{other}/key"}))
        of_key = run("verify", file)

    assert (of_list[0], of_key[0], requests) == (1, 1, [])
    assert "the status list is of another host than the issuer" in of_list[1]
    assert "the key is of another host than the issuer" in of_key[1]


def foreign_badge(url: str, **members: object) -> dict[str, object]:
    """The claims of a badge whose issuer is at a URL."""
    return {
        "@context": [CREDENTIALS_CONTEXT, OPEN_BADGES_CONTEXT],
        "type": ["VerifiableCredential", "AchievementCredential"],
        "issuer": {"id": url, "type": ["Profile"]},
        "credentialSubject": {"id": "urn:1", "achievement": {"name": "A\x1b[2J\nname", "description": "x"}},
        "validFrom": "2010-01-01T00:00:00+00:00",
        "id": "urn:2",
        "iss": url,
        "jti": "urn:2",
        "sub": "urn:1",
        "nbf": 1262304000,
    } | members


def test_control_characters_of_a_foreign_badge_are_not_printed(run, tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    keys = {"keys": [RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "1"}]}
    with serving(json.dumps(keys).encode()) as url:
        file = tmp_path / "strange.jwt"
        file.write_text(jwt.encode(foreign_badge(url), key, "RS256", headers={"kid": "1"}))
        status, output = run("verify", file)

    assert (status, output.splitlines()[-1]) == (0, "valid: the issuer signed it, and it cannot be revoked")
    assert "badge    A�[2J�name\n" in output
