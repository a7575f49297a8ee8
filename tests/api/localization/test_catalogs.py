"""Coverage, imports, releases, explanations and exports through the localization API."""

import pytest

from service.api.localization import imports
from service.core.formats import po
from service.core.publishing import schedules
from tests.factories import PLAYER, authorization, bearer

NAME = "/strings/achievement/1/name/fr-FR"
PO = b"""\
msgid ""
msgstr ""
"Language: fr_FR\\n"
"Content-Type: text/plain; charset=UTF-8\\n"

msgctxt "achievement/1/name"
msgid "Name 1"
msgstr "Meilleur"

msgctxt "achievement/2/name"
msgid "An older name"
msgstr "Vieux nom"

msgctxt "achievement/99/name"
msgid "Name 99"
msgstr "Nom 99"
"""


async def test_catalog_has_the_coverage_of_each_locale(catalogs, etag):
    await catalogs("PUT", NAME, {"text": "Deux", "state": "approved"}, seen="v1")

    found = await catalogs("GET", raw=True)

    shape = await found.json()
    french = next(locale for locale in shape["locales"] if locale["locale"] == "fr-FR")
    assert (shape["strings"], french["published"], french["approved"], french["missing"]) == (10, 1, 1, 9)
    assert found.headers["ETag"] == etag(f"c{shape['catalogVersion']}")
    assert (await catalogs("GET", "/catalogs"))["catalogs"] == [shape]
    assert (await catalogs("GET", "/catalogs", who=bearer(titles=["7"])))["catalogs"] == []


async def test_import_is_applied_as_reported(catalogs):
    response = await catalogs("POST", "/imports", data=PO, file="fr.po", raw=True)
    batch = await response.json()

    assert batch["counts"] == {"fr-FR": {"changed": 1, "stale": 1, "unknown": 1}}
    assert [(line["kind"], line["line"], line["key"]) for line in batch["lines"]] == [
        ("changed", 6, "achievement/1/name"),
        ("stale", 10, "achievement/2/name"),
        ("unknown", 14, "achievement/99/name"),
    ]
    assert (await catalogs("GET", NAME))["text"] == "Nom 1"
    where = response.headers["Location"]
    done = await catalogs("POST", f"{where}/apply", tag=response.headers["ETag"], who=bearer("Rita"))
    assert done["appliedBy"] == "Rita"
    assert (await catalogs("GET", NAME))["text"] == "Meilleur"
    assert (await catalogs("GET", "/strings/achievement/2/name/fr-FR"))["state"] == "needs_review"
    assert (await catalogs("GET", where))["appliedBy"] == "Rita"
    again = await catalogs("POST", "/imports", data=PO, file="fr.po")
    assert again["counts"] == {"fr-FR": {"unchanged": 2, "unknown": 1}}


async def test_import_is_not_applied_to_a_changed_catalog(catalogs):
    response = await catalogs("POST", "/imports", data=PO, raw=True)
    await catalogs("PUT", NAME, {"text": "Entre-temps"}, seen="v1")
    where = response.headers["Location"]

    problem = await catalogs("POST", f"{where}/apply", tag=response.headers["ETag"], status=412)
    now = (await catalogs("GET"))["catalogVersion"]
    await catalogs("POST", f"{where}/apply", tag=f'"c{now}"', status=412)
    await catalogs("POST", f"{where}/apply", status=428)

    assert problem["current"] == {"catalogVersion": now}
    assert (await catalogs("GET", NAME))["text"] == "Entre-temps"


async def test_report_is_available_as_po(catalogs):
    where = (await catalogs("POST", "/imports", data=PO, raw=True)).headers["Location"]

    response = await catalogs("GET", f"{where}.po", raw=True)

    data = await response.read()
    assert len(po.read_po(data, file="report.po")) == 3
    assert b"#. unknown: " in data
    assert "locale" in (await catalogs("GET", f"{where}.po", locale="de", status=400))["detail"]


async def test_import_with_errors_reports_lines_and_cannot_be_applied(catalogs):
    response = await catalogs("POST", "/imports", data=PO + b'\nmsgctxt "x\n', file="fr.po", raw=True)
    batch = await response.json()

    problem = await catalogs("POST", response.headers["Location"] + "/apply", tag=response.headers["ETag"], status=422)

    assert batch["hasErrors"]
    assert batch["lines"][0]["line"] == 18
    assert problem["problems"][0]["line"] == 18


@pytest.mark.parametrize(
    ("can", "query", "missing"),
    [
        (["suggest"], {}, "translate"),
        (["translate"], {"overApproved": "true"}, "review"),
        (["translate"], {"mode": "replace-locale"}, "review"),
        (["translate"], {}, None),
    ],
)
async def test_import_needs_a_right_in_each_locale_that_it_changes(catalogs, can, query, missing):
    refused = await catalogs("POST", "/imports", data=PO, who=bearer(can=can), status=403 if missing else 200, **query)

    assert missing is None or f"the right {missing} " in refused["detail"]


@pytest.mark.parametrize(
    ("data", "query", "status", "named"),
    [
        (b"", {}, 400, "empty"),
        (b"x" * (5 * 1024 * 1024 + 1), {}, 413, "bytes"),
        (PO, {"format": "docx"}, 400, "format"),
        (PO, {"mode": "x"}, 400, "mode"),
        (PO, {"locale": "x"}, 400, "locale"),
        (PO, {"overApproved": "yes"}, 400, "overApproved"),
    ],
)
async def test_invalid_import_names_the_problem(catalogs, data, query, status, named):
    assert named in (await catalogs("POST", "/imports", data=data, status=status, **query))["detail"]


async def test_publish_is_previewed_and_names_the_authors(catalogs, ask):
    await catalogs("PUT", NAME, {"text": "Deux"}, seen="v1", who=bearer("Uwe"))

    preview = await catalogs("POST", "/releases", {"dryRun": True})
    done = await catalogs("POST", "/releases", {"note": "Better French"}, status=201)
    again = await catalogs("POST", "/releases", {})

    text = {"locale": "fr-FR", "key": "achievement/1/name", "before": "Nom 1", "after": "Deux", "changedBy": "Uwe"}
    assert text.items() <= preview["changes"]["texts"][0].items()
    assert (preview["release"], preview["problems"]) == (None, [])
    assert (done["release"], done["changes"]) == (2, preview["changes"])
    assert (again["release"], again["changes"]["texts"]) == (2, [])
    shown = await ask("achievements", titleId=1, headers={"Accept-Language": "fr"})
    assert shown["achievements"][0]["name"] == "Deux"
    release = await catalogs("GET", "/releases/2")
    assert (release["publishedBy"], release["note"], release["isServed"]) == ("Ana", "Better French", True)
    assert text.items() <= release["changes"]["texts"][0].items()


async def test_rollback_is_a_publication_with_its_actor(catalogs, ask):
    await catalogs("PUT", NAME, {"text": "Deux"}, seen="v1")
    await catalogs("POST", "/releases", {}, status=201)

    await catalogs("POST", "/releases/1/activate", {"note": "Oops"}, who=bearer("Rita"))

    shown = await ask("achievements", titleId=1, headers={"Accept-Language": "fr"})
    assert shown["achievements"][0]["name"] == "Nom 1"
    found = await catalogs("GET", "/releases")
    assert [(release["release"], release["isServed"]) for release in found["releases"]] == [(2, False), (1, True)]
    assert [
        (publication["release"], publication["by"], publication["note"]) for publication in found["publications"]
    ] == [
        (1, "Rita", "Oops"),
        (2, "Ana", None),
        (1, "laurel", None),
    ]
    assert "release 9" in (await catalogs("POST", "/releases/9/activate", {}, status=404))["detail"]


async def test_publish_can_be_scheduled_listed_and_cancelled(catalogs, pool):
    await catalogs("PUT", NAME, {"text": "Deux"}, seen="v1")
    later = await catalogs("POST", "/releases", {"at": "2099-01-01T00:00:00Z"}, status=202, raw=True)
    await catalogs("POST", "/releases", {"at": "2020-01-01T00:00:00+02:00", "note": "New year"}, status=202)
    await schedules.run_due(pool)

    found = await catalogs("GET", "/releases")

    assert [(schedule["at"], schedule["status"], schedule["release"]) for schedule in found["schedules"]] == [
        ("2099-01-01T00:00:00Z", "waiting", None),
        ("2019-12-31T22:00:00Z", "published", 2),
    ]
    await catalogs("DELETE", later.headers["Location"], status=204, raw=True)
    await catalogs("DELETE", later.headers["Location"], status=404)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"at": "2026-01-01"}, "at"),
        ({"at": "2026-01-01T00:00:00"}, "at"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "at"),
        ({"at": "2099-01-01T00:00:00Z", "dryRun": True}, "at"),
        ({"note": "x" * 1001}, "note"),
        ({"note": 1}, "note"),
        ({"dryrun": True}, "dryrun"),
    ],
)
async def test_invalid_publish_names_the_member(catalogs, body, named):
    assert named in (await catalogs("POST", "/releases", body, status=422))["detail"]


async def test_title_may_publish_only_approved_texts(catalogs):
    await catalogs("PATCH", "", {"publishFrom": "approved"})
    await catalogs("PUT", NAME, {"text": "Deux"}, seen="v1")

    assert (await catalogs("POST", "/releases", {"dryRun": True}))["changes"]["texts"] == []
    await catalogs("POST", f"{NAME}/review", {"verdict": "approve"}, seen="v2")
    assert len((await catalogs("POST", "/releases", {"dryRun": True}))["changes"]["texts"]) == 1


async def test_explanation_names_the_locale_of_each_string(catalogs):
    found = await catalogs("GET", "/explain", acceptLanguage="fr-CA")

    strings = {string["key"]: string for string in found["strings"]}
    assert found["chain"] == ["fr-FR", "en-US"]
    assert strings["achievement/1/name"]["locale"] == "fr-FR"
    assert (strings["title/name"]["locale"], strings["title/name"]["lackedBy"]) == ("en-US", ["fr-FR"])
    assert (await catalogs("GET", "/explain", country="FR"))["chain"] == ["fr-FR", "en-US"]
    assert (await catalogs("GET", "/explain"))["chain"] == ["en-US"]


async def test_fallbacks_of_players_are_counted(catalogs, ask, services):
    await ask("achievements", titleId=1, headers={"Accept-Language": "fr"})
    await ask("achievements", titleId=1, headers={"Accept-Language": "fr"})
    await ask("achievements", titleId=1, headers={"Accept-Language": "en"})
    await services.fallbacks.flush()

    rows = (await catalogs("GET", "/fallbacks"))["fallbacks"]

    assert {(row["wanted"], row["used"], row["answers"]) for row in rows} == {("fr-FR", "en-US", 2)}
    assert "achievement/1/name" not in {row["key"] for row in rows}


async def test_caller_who_could_import_nothing_is_refused_before_the_file_is_read(catalogs):
    """The file is no text at all: reading it would give a report of its errors."""
    suggests, french = bearer(can=("suggest",)), bearer(can=("review",), locales=["fr"])

    refused = await catalogs("POST", "/imports", data=b"\0" * 9, who=suggests, status=403)
    elsewhere = await catalogs("POST", "/imports", data=b"\0" * 9, who=french, locale="de", status=403)

    assert "translate or source for title 1 in any locale" in refused["detail"]
    assert "translate or source for title 1 in de" in elsewhere["detail"]
    await catalogs("POST", "/imports", data=b"\0" * 9, who=french)


async def test_long_report_is_listed_in_parts(catalogs, monkeypatch):
    monkeypatch.setattr(imports, "LINES_SHOWN", 1)
    batch = await catalogs("POST", "/imports", data=PO + b'\nmsgctxt "nowhere"\nmsgid "a"\nmsgstr "b"\n')
    where = f"/imports/{batch['id']}"

    first, second = [await catalogs("GET", where, skip=str(skip)) for skip in (0, 1)]

    assert [len(part["lines"]) for part in (first, second)] == [1, 1]
    assert first["lines"] != second["lines"]
    assert (first["linesOmitted"], second["linesOmitted"]) == (3, 3)


async def test_exported_po_imports_without_changes(catalogs):
    response = await catalogs("GET", "/export", format="po", locale="fr-FR", raw=True)

    again = await catalogs("POST", "/imports", data=await response.read())
    assert again["counts"] == {"fr-FR": {"unchanged": 1}}
    assert (await catalogs("GET", "/export", format="pot", raw=True)).status == 200
    assert "format" in (await catalogs("GET", "/export", format="x", status=400))["detail"]


@pytest.mark.parametrize("kind", ["po", "toml", "xbox", "steam", "epic", "csv", "zip"])
async def test_every_format_is_exported_and_imports_without_changes(catalogs, kind):
    response = await catalogs("GET", "/export", format=kind, raw=True)
    data = await response.read()
    name = response.headers["Content-Disposition"].partition('"')[2].rstrip('"')

    assert (response.status, len(data) > 100) == (200, True)
    assert data.startswith(b"PK") == name.endswith(".zip")
    if kind in {"steam", "epic", "csv"}:
        batch = await catalogs("POST", "/imports", data=data, file=name)
        assert {kind for counts in batch["counts"].values() for kind in counts} <= {"unchanged"}


async def test_token_of_a_player_has_no_rights(catalogs):
    who = authorization(PLAYER).partition(";")[2]

    assert (await catalogs("GET", "/catalogs", who=f"Bearer {who}"))["catalogs"] == []
    await catalogs("GET", who=f"Bearer {who}", status=403)
