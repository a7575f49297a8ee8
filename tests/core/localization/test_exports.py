"""Exports of a title: one file to download, or a folder of files, for those who may read the title."""

import pytest

from service.core.auth.principal import OPERATOR, Principal, grants_of
from service.core.formats import po
from service.core.localization.exports import export_file, export_folder
from service.core.publishing.publish import publish_title
from service.errors import NotFound, PermissionDenied

NAME = "achievement/1/name"


async def test_one_locale_is_exported_as_po(pool, title):
    file = await export_file(pool, OPERATOR, title, "po", locale="fr-FR")

    texts = {entry.key: entry.text for entry in po.read_po(file.data, file=file.name)}
    assert (file.name, texts[NAME]) == ("title-1-fr-FR.po", "Nom 1")


async def test_export_of_several_files_is_a_zip(pool, title):
    file = await export_file(pool, OPERATOR, title, "toml")

    assert (file.name, file.data[:2]) == ("title-1-toml.zip", b"PK")


async def test_published_export_has_the_served_texts_of_the_chosen_locales(connection, pool, title, save):
    await publish_title(connection, OPERATOR, title)
    await save("Meilleur", 1)

    draft = await export_folder(pool, OPERATOR, title, "csv")
    served = await export_folder(pool, OPERATOR, title, "csv", locales=["fr-FR"], published=True)
    source = await export_folder(pool, OPERATOR, title, "csv", locales=["en-US"])

    assert b"Meilleur" in draft.files["title-1.csv"]
    assert b"Nom 1" in served.files["title-1.csv"]
    assert b"fr-FR" not in source.files["title-1.csv"]


async def test_export_needs_a_right_on_the_title(pool, title):
    translator = Principal(
        players=(), expires_at=0, grants=grants_of([{"titles": [2], "locales": "*", "can": ["translate"]}])
    )

    with pytest.raises(PermissionDenied, match="a right on title 1"):
        await export_file(pool, translator, title, "po")


async def test_missing_title_release_or_locale_is_named(pool, title):
    with pytest.raises(NotFound, match="there is no title 9"):
        await export_file(pool, OPERATOR, 9, "po")
    with pytest.raises(NotFound, match="nothing of title 1 is published"):
        await export_folder(pool, OPERATOR, title, "csv", published=True)
    with pytest.raises(NotFound, match="title 1 has no texts in de-DE, only in en-US, fr-FR"):
        await export_folder(pool, OPERATOR, title, "csv", locales=["de-DE"])
