"""Imports, exports and releases as pages: shown first, then applied, then taken back."""

import io
import re

import pytest
from aiohttp import FormData

NAME = "/l10n/1/fr-FR/achievement/1/name"
RELEASES = "/l10n/1/releases"
PO = b"""\
msgid ""
msgstr "Language: fr_FR\\nContent-Type: text/plain; charset=UTF-8\\n"

msgctxt "achievement/2/name"
msgid "Name 2"
msgstr "Nom 2"
"""


async def upload(visitor, data: bytes = PO, *, name: str = "fr.po", status: int = 200, **fields: str) -> str:
    """Send a file as a browser does; gives the page that it leads to."""
    form = FormData({"form_key": await visitor.form_key()} | fields)
    form.add_field("file", io.BytesIO(data), filename=name)
    response = await visitor.client.post("/l10n/1/imports", data=form)
    page = await response.text()
    assert response.status == status, page
    return page


async def test_file_is_reported_and_then_applied(sign_in):
    ana = await sign_in()

    report = await upload(ana)
    assert "Nothing is written yet." in report
    assert "New 1" in report
    assert "Nom 2" not in await ana.get("/l10n/1/fr-FR")

    (action, version) = re.findall(
        r'action="(/l10n/1/imports/\d+/apply)".*?"catalog_version" value="(\d+)"', report, re.DOTALL
    )[0]
    assert "Applied by Ana" in await ana.post(action, catalog_version=version)
    assert "Nom 2" in await ana.get("/l10n/1/fr-FR")


async def test_outdated_report_is_not_applied(sign_in):
    ana = await sign_in()
    report = await upload(ana)
    (action, version) = re.findall(
        r'action="(/l10n/1/imports/\d+/apply)".*?"catalog_version" value="(\d+)"', report, re.DOTALL
    )[0]
    await ana.post(NAME, action="save", text="Autre", version="1")

    assert "Somebody else was faster" in await ana.post(action, status=409, catalog_version=version)
    assert "read it again" in await ana.get(action.removesuffix("/apply"))


async def test_file_with_errors_has_no_apply_button(sign_in):
    page = await upload(await sign_in(), PO.replace(b"Nom 2", b"\\x01"), name="<b>.po")

    assert "nothing of it can be applied" in page
    assert "/apply" not in page


async def test_file_in_a_locale_without_rights_is_rejected(sign_in):
    ben = await sign_in("Ben", can=("translate",), locales=["de"])

    assert "needs the right translate" in await upload(ben, status=403)


@pytest.mark.parametrize(
    ("fields", "data", "status", "message"),
    [
        ({"mode": "wrong"}, PO, 422, "mode: expected"),
        ({"format": "wrong"}, PO, 422, "format: expected"),
        ({"locale": "wrong!"}, PO, 400, "locale: expected"),
        ({}, b"", 422, "file: expected"),
        ({}, b"x" * 6_000_000, 413, "bytes"),
    ],
)
async def test_invalid_upload_names_the_problem(sign_in, fields, data, status, message):
    assert message in await upload(await sign_in(), data, status=status, **fields)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b"nothing of it"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nno name\r\n--x--\r\n"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--x--\r\n',
        ),
        ("multipart/form-data; boundary=" + "x" * 200, b"--"),
        ("text/plain", b"file"),
    ],
)
async def test_malformed_multipart_form_is_rejected(sign_in, content_type, body):
    ana = await sign_in()
    response = await ana.client.post("/l10n/1/imports", data=body, headers={"Content-Type": content_type})

    assert response.status in (400, 403, 415), await response.text()
    assert "<h1>" in await response.text()


async def test_locale_is_downloaded_as_po(sign_in):
    ana = await sign_in()
    response = await ana.client.get("/l10n/1/export?locale=fr")
    template = await ana.client.get("/l10n/1/export?format=pot")

    assert response.headers["Content-Disposition"] == 'attachment; filename="title-1-fr.po"'
    assert 'msgctxt "achievement/1/name"' in await template.text()


async def test_shown_changes_are_published_and_rolled_back(sign_in, services):
    ana = await sign_in()
    await ana.post(NAME, action="save", text="Nouveau", version="1")
    page = await ana.get(RELEASES)
    assert "1 text changes" in page
    (version,) = re.findall(r'"catalog_version" value="(\d+)"', page)

    page = await ana.post(RELEASES, action="publish", note="un <b>mot</b>", catalog_version=version)
    assert "Nothing: players see all that is ready." in page
    assert "un &lt;b&gt;mot&lt;/b&gt;" in page
    assert services.snapshots.current.titles[1].texts["fr-FR"]["achievement/1/name"] == "Nouveau"
    assert "Nouveau" in await ana.get(f"{RELEASES}/2")

    page = await ana.post(f"{RELEASES}/1/activate")
    assert services.snapshots.current.titles[1].texts["fr-FR"]["achievement/1/name"] == "Nom 1"
    assert "1 text changes" in page


async def test_changes_after_the_page_was_shown_are_not_published(sign_in, services):
    ana, ben = await sign_in(), await sign_in("Ben")
    (version,) = re.findall(r'"catalog_version" value="(\d+)"', await ana.get(RELEASES))
    await ben.post(NAME, action="save", text="Nouveau", version="1")

    await ana.post(RELEASES, status=409, action="publish", catalog_version=version)

    assert services.snapshots.current.titles[1].texts["fr-FR"]["achievement/1/name"] == "Nom 1"


async def test_publish_is_scheduled_and_cancelled(sign_in):
    ana = await sign_in()

    page = await ana.post(RELEASES, action="schedule", at="2999-01-01T08:00", note="later")
    (cancel,) = re.findall(r'action="(/l10n/1/schedules/\d+/cancel)"', page)

    assert "cancelled" in await ana.post(cancel)


@pytest.mark.parametrize("at", ["", "tomorrow", "0001-01-01T00:00", "2999-13-01T00:00"])
async def test_invalid_due_time_is_rejected(sign_in, at):
    assert "at: expected a day" in await (await sign_in()).post(RELEASES, status=422, action="schedule", at=at)


@pytest.mark.parametrize("path", [RELEASES, f"{RELEASES}/1/activate", "/l10n/1/schedules/1/cancel"])
async def test_publishing_needs_the_right_to_publish(sign_in, path):
    ben = await sign_in("Ben", can=("review",))

    assert "Publish now" not in await ben.get(RELEASES)
    assert "needs the right publish" in await ben.post(path, status=403, action="publish", catalog_version="1")


@pytest.mark.parametrize(("note", "status"), [("می\u200cشود 👩\u200d🚀", 409), ("two\nlines", 422), ("n" * 1001, 422)])
async def test_note_is_one_line_in_any_script(sign_in, note, status):
    page = await (await sign_in()).post(RELEASES, status=status, action="publish", note=note, catalog_version="99")

    assert ("note: expected" in page) == (status == 422)
