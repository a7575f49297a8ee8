"""Strings as pages: listed, edited by those who may, never lost between two people, always escaped."""

import re

import pytest

NAME = "/l10n/1/fr-FR/achievement/1/name"
MISSING = "/l10n/1/fr-FR/achievement/2/name"
DESCRIPTION = "/l10n/1/fr-FR/achievement/2/description"
EVIL = "<script>alert(1)</script>\"'"


def buttons(page: str) -> set[str]:
    return set(re.findall(r'name="action" value="([a-z-]+)"', page))


def keys(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/l10n/1/[\w-]+/([^"?]+)', page)


async def test_list_is_filtered_and_searched(sign_in):
    ana = await sign_in()

    assert len(keys(await ana.get("/l10n/1/fr-FR"))) == 10
    assert len(keys(await ana.get("/l10n/1/fr-FR?filter=missing"))) == 9
    assert keys(await ana.get("/l10n/1/fr-FR?q=NOM+1")) == ["achievement/1/name"]
    assert keys(await ana.get("/l10n/1/fr-FR?filter=translated&q=nothing")) == []


async def test_list_has_pages_of_fifty(make_title, sign_in):
    await make_title(1, achievements=30)
    ana = await sign_in()

    first = await ana.get("/l10n/1/fr-FR")
    (after,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = await ana.get(after.replace("&amp;", "&"))

    assert len(keys(first)) == 50
    assert len(set(keys(first)) | set(keys(second))) == 91


async def test_third_language_is_shown_beside_the_source(make_title, sign_in):
    await make_title(1, texts={"ar-SA": {"achievement/1/name": "الاسم"}})
    page = await (await sign_in()).get(f"{NAME}?with=ar-SA")

    assert '<span lang="ar-SA" dir="rtl">الاسم</span>' in page


async def test_new_locale_is_opened_by_its_tag(sign_in):
    ana = await sign_in()

    assert "Persian" in await ana.get("/l10n/1?locale=fa_ir")
    page = await ana.get("/l10n/1/fa-IR/achievement/1/name")
    assert re.search(r'<textarea[^>]* lang="fa-IR" dir="rtl"', page)


@pytest.mark.parametrize(
    ("can", "locale", "there"),
    [
        (("suggest",), "fr-FR", {"suggest"}),
        (("translate",), "fr-FR", {"save", "suggest"}),
        (("review",), "fr-FR", {"save", "suggest", "approve"}),
        (("publish",), "fr-FR", {"save", "suggest", "approve"}),
        (("publish",), "en-US", {"send-back"}),
        (("source",), "en-US", {"save"}),
        (("source",), "fr-FR", set()),
    ],
)
async def test_buttons_match_the_rights(sign_in, can, locale, there):
    ana = await sign_in(can=can)

    assert buttons(await ana.get(f"/l10n/1/{locale}/achievement/2/name")) == there


@pytest.mark.parametrize(
    ("can", "action", "status"),
    [
        (("suggest",), "suggest", 200),
        (("suggest",), "save", 403),
        (("translate",), "save", 200),
        (("translate",), "approve", 403),
        (("review",), "approve", 200),
        (("source",), "save", 403),
    ],
)
async def test_server_checks_the_rights_too(sign_in, can, action, status):
    ana = await sign_in(can=can)

    page = await ana.post(MISSING, status=status, action=action, text="Nom 2", version="0")

    assert ("Saved." in page) == (status == 200)
    assert status == 200 or "needs the right" in page


async def test_rights_in_another_locale_show_no_button(sign_in):
    ana = await sign_in(can=("review",), locales=["de"])

    page = await ana.get(NAME)

    assert buttons(page) == set()
    assert "not change it" in page


async def test_title_without_any_right_is_not_shown(sign_in):
    ana = await sign_in(titles=["2"])

    assert "no title" in await ana.get("/l10n")
    assert "needs a right on title 1" in await ana.get("/l10n/1/fr-FR", status=403)


async def test_text_is_suggested_approved_and_sent_back(sign_in):
    ana, ben = await sign_in(can=("suggest",)), await sign_in("Ben", can=("review",))

    assert "Needs review" in await ana.post(MISSING, action="suggest", text="Nom 2", version="0")
    assert "Approved" in await ben.post(MISSING, action="approve", text="Nom 2", version="1")
    page = await ben.post(MISSING, action="send-back", text="Nom 2", version="2")

    assert re.search("<h1>.*Needs review.*</h1>", page)
    assert page.count("<b>Ben</b>") == 2
    assert page.count("<b>Ana</b>") == 1


async def test_rejected_text_over_the_limit_stays_in_the_form(sign_in):
    ana = await sign_in()

    page = await ana.post(DESCRIPTION, status=422, action="save", text="é" * 101, version="0")

    assert "101 characters, 100 are allowed" in page
    assert "é" * 101 in page
    assert 'class="count over"' in page
    assert "maxlength" not in page


async def test_line_feeds_are_kept(sign_in):
    ana = await sign_in()

    page = await ana.post(DESCRIPTION, action="save", text="Un\r\ndeux", version="0")

    assert ">\nUn\ndeux</textarea>" in page


async def test_warning_is_overridden_with_author_and_reason(sign_in):
    ana = await sign_in()

    page = await ana.post(MISSING, action="save", text="Name 2", version="0")
    assert 'name="reason-same-as-source"' in page
    page = await ana.post(
        MISSING, action="save", text="Name 2", version="1", **{"reason-same-as-source": "a proper name"}
    )

    assert "Overridden by Ana" in page
    assert "<q>a proper name</q>" in page
    assert keys(await ana.get("/l10n/1/fr-FR?filter=problems")) == []


async def test_old_text_is_restored_from_the_history(sign_in):
    ana = await sign_in()
    page = await ana.post(NAME, action="save", text="Nom meilleur", version="1")
    assert "<ins>meilleur</ins>" in page
    assert "<del>1</del>" in page

    page = await ana.post(NAME, restore="1", version="2")

    assert ">\nNom 1</textarea>" in page
    assert "restored" in page


async def test_saving_may_lead_to_the_next_string(sign_in):
    ana = await sign_in()

    page = await ana.post(f"{MISSING}?filter=missing", action="save", text="Nom 2", version="0", then="next")

    assert "<h1><code>achievement/3/description</code>" in page
    assert 'rel="prev" href="/l10n/1/fr-FR/achievement/2/name?filter=missing"' in page


async def test_conflict_page_keeps_both_texts(sign_in):
    ana, ben = await sign_in(), await sign_in("Ben")
    await ana.get(NAME)
    assert "Ana opened this just now" in await ben.get(NAME)
    await ana.post(NAME, action="save", text="Nom d’Ana", version="1")

    page = await ben.post(NAME, status=409, action="save", text="Nom de Ben", version="1")

    assert ">Nom 1</span>" in page  # the base
    assert "<ins>d’Ana</ins>" in re.sub("</ins><ins>", "", page)
    assert "Nom de Ben" in page
    assert buttons(page) == {"save", "edit"}
    assert "Keep theirs" in page
    assert ">\nNom de Ben</textarea>" in await ben.post(NAME, action="edit", text="Nom de Ben", version="2")
    assert "Saved." in await ben.post(NAME, action="save", text="Nom de Ben", version="2")


async def test_card_shows_what_players_will_see(sign_in):
    page = await (await sign_in()).post(DESCRIPTION, action="save", text="C’est fait", version="0")

    locked, unlocked, secret = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert '<p lang="en-US" dir="ltr">Locked 2</p>' in locked  # there is no French yet
    assert '<p lang="fr-FR" dir="ltr" data-live="Description 2">C’est fait</p>' in unlocked
    assert "Name 2" not in secret
    assert "10G" in secret


@pytest.mark.parametrize("path", ["/l10n/1/fr-FR", NAME])
async def test_texts_are_escaped(sign_in, path):
    ana = await sign_in(EVIL)
    await ana.post(NAME.replace("fr-FR", "en-US"), action="save", text=EVIL, version="1")
    await ana.post(NAME, action="save", text=EVIL, version="1")

    page = await ana.get(path)

    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;" in page
    assert EVIL not in page


async def test_searches_are_escaped(sign_in):
    ana = await sign_in()
    page = await ana.client.get("/l10n/1/fr-FR", params={"q": EVIL, "with": "fr"})

    assert EVIL not in await page.text()


async def test_script_saves_over_the_version_that_was_seen(sign_in, services):
    ana = await sign_in()
    key = {"X-Form-Key": await ana.form_key()}

    async def put(version: int | None, text: str) -> tuple[int, dict[str, object]]:
        headers = key if version is None else key | {"If-Match": f'"v{version}-{services.incarnation.tag}"'}
        response = await ana.client.put(
            f"{NAME}?filter=missing", data={"text": text, "action": "save"}, headers=headers
        )
        return response.status, await response.json()

    saved = await put(1, "Nom un")
    assert saved == (
        200,
        {
            "version": 2,
            "state": "translated",
            "next": "/l10n/1/fr-FR/achievement/2/description?filter=missing&from=achievement%2F1%2Fname",
        },
    )
    assert (await put(1, "Trop tard"))[0] == 409
    assert (await put(None, "Sans"))[0] == 428
    assert (await put(2, ""))[0] == 422


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/l10n/1/fr-FR?filter=wrong", 400),
        ("/l10n/1/fr-FR?other=1", 400),
        ("/l10n/1/fr-FR?q=a&q=b", 400),
        ("/l10n/1/fr-FR?with=wrong-wrong-wrong-", 400),
        ("/l10n/1/nothing!", 400),
        ("/l10n/zero", 400),
        ("/l10n/0", 400),
        ("/l10n/9", 404),
        ("/l10n/9/fr-FR", 404),
        ("/l10n/1/fr-FR/no/such/key", 404),
        ("/l10n/1/fr-FR/achievement/1/name?saved=%00", 400),
        ("/l10n/1/releases/9", 404),
        ("/l10n/1/imports/9", 404),
        ("/l10n/1/export?format=x", 400),
    ],
)
async def test_error_is_shown_as_a_page(sign_in, path, status):
    page = await (await sign_in()).get(path, status=status)

    assert "<h1>" in page
    assert "Traceback" not in page


async def test_wrong_method_is_405_as_a_page(sign_in):
    ana = await sign_in()
    response = await ana.client.delete("/l10n/1")

    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
    assert "<h1>" in await response.text()


@pytest.mark.parametrize("version", ["", "-1", "x", "٣", "9" * 11, str(2**31)])
async def test_invalid_version_is_rejected(sign_in, version):
    page = await (await sign_in()).post(NAME, status=422, action="save", text="Nom", version=version)

    assert "version: expected a whole number" in page


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"text=%ff", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
        (b"text=a&text=b", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
        (b"a=" + b"b" * 300_000, {"Content-Type": "application/x-www-form-urlencoded"}, 413),
        (b"{}", {"Content-Type": "application/json"}, 415),
        (b"&".join(b"f%d=1" % n for n in range(200)), {"Content-Type": "application/x-www-form-urlencoded"}, 400),
    ],
    ids=["bytes", "twice", "large", "json", "many"],
)
async def test_malformed_form_is_rejected(sign_in, body, headers, status):
    ana = await sign_in()
    response = await ana.client.post(NAME, data=body, headers=headers)

    assert response.status == status
    assert "<h1>" in await response.text()


async def test_nul_character_is_rejected_even_over_an_outdated_version(sign_in):
    ana = await sign_in()

    assert "NUL" in await ana.post(NAME, action="save", text="a\0b", version="7", status=400)
    assert (await ana.get(NAME)).count("a\0b") == 0
