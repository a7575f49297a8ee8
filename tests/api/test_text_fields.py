"""No field of any API takes control characters, or characters that reorder the text around them (UAX #9)."""

import json
import uuid

import pytest
from aiohttp import FormData

from service.core.auth import api_keys
from service.core.auth.principal import OPERATOR
from service.core.auth.user_contexts import UserContext
from service.core.badges.revocations import revoke_credential
from service.core.catalog.model import Attribute
from service.errors import InvalidField
from tests.api.test_erasure import dump
from tests.factories import achievement, bearer, counted, metric

LINE = ["\x00", "\x07", "\n", "\x85", "\u202e", "\u2067", "\u2028"]
LINES = [character for character in LINE if character != "\n"]
TEXT = ["\x00", "\x07", "\x85"]  # what players read may have any direction; a check warns where it is not closed
HARMLESS = "\u200f"  # the mark from right to left
STRING = "/catalogs/1/strings/achievement/1/name/fr-FR"


def user(**changes):
    return "POST", "/users", {"id": "u1", **changes}


def admin(kind, **changes):
    defaults = {
        "metrics": {"name": "Runs", "key": "runs"},
        "attributes": {"name": "Mood", "key": "mood", "type": "user"},
        "achievements": {"name": "Run", "trigger": "api", "key": "run"},
    }
    return "POST", f"/admin/v1/{kind}", [{**defaults[kind], **changes}]


# Each field: the characters that it does not take, and a request with a text in it.
FIELDS = {
    "a user's name": (LINE, lambda text: user(name=text)),
    "a user's email": (LINE, lambda text: user(email=text)),
    "an attribute of a user": (LINE, lambda text: user(attributes={"plan": text})),
    "a user's name in an event": (
        LINE,
        lambda text: ("POST", "/metrics/words/event", {"user": {"id": "u1", "name": text}, "value": 1}),
    ),
    "an attribute of an event": (
        LINE,
        lambda text: (
            "POST",
            "/metrics/words/event",
            {"user": {"id": "u1"}, "value": 1, "attributes": {"source": text}},
        ),
    ),
    "a user's name in a completion": (
        LINE,
        lambda text: ("POST", "/achievements/onboarded/complete", {"user": {"id": "u1", "name": text}}),
    ),
    "a metric's name": (TEXT, lambda text: admin("metrics", name=text)),
    "a metric's units": (LINE, lambda text: admin("metrics", units=text)),
    "an attribute's name": (LINE, lambda text: admin("attributes", name=text)),
    "an achievement's name": (TEXT, lambda text: admin("achievements", name=text)),
    "an achievement's description": (TEXT, lambda text: admin("achievements", description=text)),
    "a filter of an achievement": (
        LINE,
        lambda text: admin("achievements", userAttributes=[{"attributeId": "attribute-plan", "attributeValue": text}]),
    ),
    "a text": (TEXT, lambda text: ("PUT", STRING, {"text": text})),
    "the reason of an override": (
        LINE,
        lambda text: ("PUT", STRING, {"text": "Name 1", "reasons": {"same-as-source": text}}),
    ),
    "the note of a publish": (LINES, lambda text: ("POST", "/catalogs/1/releases", {"note": text})),
    "the note of a scheduled publish": (
        LINES,
        lambda text: ("POST", "/catalogs/1/releases", {"note": text, "at": "2099-01-01T00:00:00Z"}),
    ),
    "the note of a rollback": (LINES, lambda text: ("POST", "/catalogs/1/releases/1/activate", {"note": text})),
    "the note of a form": (
        LINE,
        lambda text: ("FORM", "/l10n/1/releases", {"note": text, "action": "schedule", "at": "2099-01-01T00:00"}),
    ),
    "the reason of a form": (
        LINE,
        lambda text: (
            "FORM",
            "/l10n/1/fr-FR/achievement/1/name",
            {"text": "Name 1", "version": "1", "action": "save", "reason-same-as-source": text},
        ),
    ),
}


@pytest.fixture
async def key(make_title, pool):
    attributes = [
        Attribute(key=key, public_id=f"attribute-{key}", kind=kind, name=key)
        for key, kind in (("plan", "user"), ("source", "event"))
    ]
    await make_title(
        1,
        achievements=(counted(1, 9), achievement(4, requirements=(), key="onboarded")),
        metrics=(metric("words"),),
        attributes=tuple(attributes),
        texts={"fr-FR": {"achievement/1/name": "Nom 1"}},
    )
    async with pool.connection() as connection:
        return (await api_keys.create_key(connection, title_id=1)).key


@pytest.fixture
async def send(client, key, services):
    """Sends a request of the table; gives whether it was accepted whole, and what was answered."""
    signed_in = await client.post("/l10n/session", data=FormData({"token": bearer()}), allow_redirects=False)
    page = await (await client.get("/l10n", cookies=signed_in.cookies)).text()
    form_key = page.partition('name="form_key" value="')[2].partition('"')[0]

    async def sent(method, path, body):
        headers = {"X-API-KEY": key}
        if path.startswith("/catalogs"):
            headers = {"Authorization": bearer(), "If-Match": f'"v1-{services.incarnation.tag}"'}
        if method == "FORM":
            data = {"form_key": form_key, **body}
            request = client.post(path, data=data, cookies=signed_in.cookies, allow_redirects=False)
        else:
            request = client.request(method, path, data=json.dumps(body), headers=headers)
        async with request as response:
            text = await response.text()
            assert response.status < 500, text
            issues = json.loads(text).get("issues") if path.startswith("/admin/") and response.status < 300 else None
            return response.status < 400 and not issues, text

    return sent


@pytest.mark.parametrize("field", FIELDS)
async def test_field_rejects_characters_that_people_do_not_see(send, connection, field):
    refused, request = FIELDS[field]
    for character in refused:
        accepted, answer = await send(*request(f"a{character}b"))
        assert not accepted, (field, character, answer)

    stored = await dump(connection)
    assert not [line for line in stored if any(character in line for character in refused if character != "\n")]
    accepted, answer = await send(*request(f"a{HARMLESS}b"))
    assert accepted, (field, answer)


@pytest.mark.parametrize("character", ["\u202e", "\u2028"])
async def test_name_of_an_imported_file_is_a_line(client, key, character):
    headers, query = {"Authorization": bearer()}, {"file": f"fr{character}.po"}
    async with client.post("/catalogs/1/imports", params=query, data=b'msgid ""', headers=headers) as response:
        assert response.status in {400, 422}
        assert "in one line" in await response.text()
    del key


@pytest.mark.parametrize("character", LINE)
async def test_commands_reject_them_in_names_and_reasons(services, connection, key, character):
    text = f"a{character}b"
    with pytest.raises(InvalidField):
        await api_keys.create_key(connection, title_id=1, name=text)
    context = UserContext(0, 1, uuid.uuid4(), player="u1", display_name=text, is_active=True, scopes=[])
    with pytest.raises(InvalidField):
        await services.user_contexts.put(OPERATOR, services.writer.write, context)
    published = services.snapshots.current.titles[1]
    with pytest.raises(InvalidField):
        await revoke_credential(services.pool, services.progress, published, player="u1", public_id="1", reason=text)
    del key
