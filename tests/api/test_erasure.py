"""After a player who also translates is erased, the database holds no form of their id, and the export held everything."""

import base64
import hashlib
import hmac
import json

import pytest
from aiohttp import FormData

from service.core.auth import api_keys
from service.core.auth.principal import OPERATOR
from service.core.auth.user_contexts import UserContext
from service.core.badges.revocations import revoke_credential
from service.core.events import outbox
from service.core.progress import player_data
from service.core.unlocks.model import Change
from tests.factories import PLAYER, authorization, bearer, counted, event, metric

UUID = "00000000-0000-4000-8000-00000000000a"
NAME = "/catalogs/1/strings/achievement/1/name/fr-FR"
PO = b"""\
msgid ""
msgstr ""
"Language: fr_FR\\n"
"Content-Type: text/plain; charset=UTF-8\\n"

msgctxt "achievement/2/name"
msgid "Name 2"
msgstr "Nom 2"
"""


@pytest.fixture
def ask(client, services):
    """A request with the player's own token, which grants all rights on texts; gives the JSON."""
    l10n = [{"titles": "*", "locales": "*", "can": ["publish", "source"]}]
    own = "Bearer " + authorization(l10n=l10n).partition(";")[2]

    async def asked(method, path, body=None, *, seen=None, who=own, data=None):
        tag = f'"{seen}-{services.incarnation.tag}"'
        headers = {"Authorization": who} | ({} if seen is None else {"If-Match": tag})
        sent = data if body is None else json.dumps(body).encode()
        async with client.request(method, path, data=sent, headers=headers) as response:
            assert response.ok, await response.text()
            return await response.json()

    asked.token = own
    return asked


@pytest.fixture
async def done(ask, client, connection, make_title, services):
    """A title in which the player did everything that is stored, as a player and as a translator."""
    await make_title(1, achievements=(counted(1, 3), counted(2, 9)), metrics=(metric(),), texts={"fr-FR": {}})
    await ask("PUT", NAME, {"text": "Name 1", "reasons": {"same-as-source": "a name"}}, seen="v0")
    await ask("POST", f"{NAME}/review", {"verdict": "approve"}, seen="v1")
    await ask("PUT", NAME, {"text": "Nom 1"}, seen="v2", who=bearer("Ana"))
    batch = await ask("POST", "/catalogs/1/imports?file=fr.po", data=PO)
    await ask("POST", f"/catalogs/1/imports/{batch['id']}/apply", seen=f"c{batch['catalogVersion']}")
    await ask("POST", "/catalogs/1/releases", {"note": "Better French"})
    await ask("POST", "/catalogs/1/releases", {"at": "2099-01-01T00:00:00Z"})
    form = FormData({"token": ask.token})
    assert (await client.post("/l10n/session", data=form, allow_redirects=False)).status == 303

    await services.snapshots.refresh()
    await outbox.add_webhook(connection, title_id=1, url="https://example.com")
    changes = Change(player=PLAYER, title_id=1, events=(event(5, key="once"),), profile={"name": "Ann"})
    await services.writer.write(changes)
    await api_keys.create_key(connection, title_id=1, player=PLAYER)
    await services.user_contexts.put(
        OPERATOR,
        services.writer.write,
        UserContext(0, 1, UUID, player=PLAYER, display_name="Ann", is_active=True, scopes=[]),
    )
    published = services.snapshots.current.titles[1]
    await revoke_credential(
        services.pool, services.progress, published, player=PLAYER, public_id="1", reason="a mistake"
    )
    await connection.execute("INSERT INTO backfill (title_id, numbers, position) VALUES (1, '{1}', $1)", PLAYER)
    await connection.execute("INSERT INTO age_watch VALUES (1, 60, 5, $1, now())", PLAYER)


async def dump(connection):
    """Every row of every table as text, with the name of its table."""
    tables = await connection.fetch(
        "SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
    )
    lines = []
    for (table,) in tables:
        rows = await connection.fetch(f'SELECT t::text AS line FROM "{table}" AS t')  # noqa: S608  (a table's own name)
        lines += [f"{table} {row['line']}" for row in rows]
    return lines


def forms(text, keys):
    """The text, and what anybody could compute from it, also with the keys in the database; digests at half their length."""
    encoded = text.encode()
    digests = [hashlib.new(name, encoded).digest() for name in ("md5", "sha1", "sha256", "sha512", "blake2b")]
    for key in keys:
        digests += [
            hashlib.blake2b(encoded, key=key[:64], digest_size=32).digest(),
            hmac.digest(key, encoded, "sha256"),
        ]
    raw = [encoded, int(text).to_bytes(8), int(text).to_bytes(8, "little"), *(digest[:16] for digest in digests)]
    hexadecimal = [value.hex() for value in raw]
    encodings = [base64.b64encode(value).decode().rstrip("=")[:-1] for value in raw]
    return [
        text,
        text[::-1],
        *hexadecimal,
        *encodings,
        *(form.translate(str.maketrans("+/", "-_")) for form in encodings),
    ]


async def traces(connection, text):
    keys = [row["key"] for row in await connection.fetch("SELECT key FROM service_key")]
    wanted = forms(text, keys)
    return [line for line in await dump(connection) if any(form.lower() in line.lower() for form in wanted)]


@pytest.mark.usefixtures("done")
async def test_erased_player_leaves_no_trace_in_the_database(ask, client, connection):
    before = {line.split()[0] for line in await traces(connection, PLAYER)}

    await player_data.erase(connection, PLAYER)

    assert {"player", "progress", "api_key", "user_context", "editor", "session", "backfill", "age_watch"} <= before
    assert await traces(connection, PLAYER) == []
    history = await ask("GET", f"{NAME}/history", who=bearer("Ana"))
    assert [revision["changedBy"] for revision in history["revisions"]] == ["Ana", "erased", "erased"]
    assert history["revisions"][-1]["overrides"]["same-as-source"] == {"by": "erased", "reason": "a name"}
    releases = await ask("GET", "/catalogs/1/releases", who=bearer("Ana"))
    assert releases["releases"][0]["publishedBy"] == "erased"
    assert (await client.get("/l10n")).status == 401


@pytest.mark.usefixtures("done")
async def test_acts_after_the_erasure_are_not_linked_with_those_before(ask, connection):
    await player_data.erase(connection, PLAYER)

    await ask("PUT", NAME, {"text": "Nouveau"}, seen="v3")

    history = await ask("GET", f"{NAME}/history")
    assert [revision["changedBy"] for revision in history["revisions"]] == [PLAYER, "Ana", "erased", "erased"]


@pytest.mark.usefixtures("done")
async def test_export_contains_what_a_player_edited(connection):
    pieces = [piece async for piece in player_data.export(connection, PLAYER)]

    document = json.loads(b"".join(pieces))
    texts = [(edit["key"], edit["text"], edit["origin"]) for edit in document["text_revisions"]]
    assert texts == [
        ("achievement/1/name", "Name 1", "edit"),
        ("achievement/1/name", "Name 1", "review"),
        ("achievement/2/name", "Nom 2", "import"),
    ]
    assert [publication["note"] for publication in document["publications"]] == ["Better French"]
    assert [schedule["status"] for schedule in document["scheduled_publishes"]] == ["waiting"]
    assert [batch["format"] for batch in document["import_batches"]] == ["po"]
    assert len(document["sessions"]) == 1


@pytest.mark.usefixtures("done")
async def test_person_who_only_edits_is_exported_and_erased(ask, connection):
    document = json.loads(b"".join([piece async for piece in player_data.export(connection, "Ana")]))
    await player_data.erase(connection, "Ana")

    assert [edit["text"] for edit in document["text_revisions"]] == ["Nom 1"]
    history = await ask("GET", f"{NAME}/history")
    assert [revision["changedBy"] for revision in history["revisions"]] == ["erased", PLAYER, PLAYER]
