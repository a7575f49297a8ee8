"""Google Play's files, and the limits of ZIP archives through them."""

import io
import zipfile

import msgspec
import pytest

from service.core.formats.stores.google_play import LOCALIZATIONS, METADATA, read_play, write_play


def zipped(*members, method=zipfile.ZIP_STORED):
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return result.getvalue()


def encrypted():
    """A ZIP with the flag of encryption: zipfile cannot encrypt."""
    data = bytearray(zipped(("a.csv", b"1")))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param(LOCALIZATIONS, "Name,Localized name,x,locale\n", ("header-row", 1), id="a header row"),
        pytest.param(LOCALIZATIONS, "Lamplighter,a,b,en-US\n", ("default-locale", 1), id="a row of the default locale"),
        pytest.param(LOCALIZATIONS, "Swimmer,a,b,fr-FR\n", ("unknown-name", 1), id="a name of nobody"),
        pytest.param(LOCALIZATIONS, "Lamplighter,a,,fr\nLamplighter,b,,fr\n", ("duplicate-entry", 2), id="a row twice"),
        pytest.param(METADATA, "Lamplighter,a\n", ("columns", 1), id="too few cells"),
        pytest.param("AchievementsIconMappings.csv", "Lamplighter\n", ("columns", 1), id="the other spelling"),
        pytest.param("Achievements.csv", "", ("unknown-format", None), id="a file of another name"),
    ],
)
def test_invalid_rows_of_google_play_are_errors(draft, errors_of, name, text, expected):
    assert errors_of(read_play, {name: text.encode()}, draft=draft) == [expected]
    assert errors_of(read_play, {"a.zip": zipped((name, text))}, draft=draft) == [expected]


def test_google_play_export_has_the_rows_that_it_accepts(draft):
    first, eighth = draft.achievements
    points = msgspec.structs.replace(eighth.rewards[0], value="25")
    fit = (
        msgspec.structs.replace(first, is_secret=True, rewards=(points,)),
        msgspec.structs.replace(eighth, display_order=1, rewards=(points,)),
    )
    texts = {**draft.texts, "zh-Hans": {"achievement/8/name": "點燈人"}}

    data = write_play(msgspec.structs.replace(draft, achievements=fit, texts=texts))

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read(METADATA).decode() == (
            "First Light,Lit the lighthouse.,False,,Hidden,25,1\n"
            "Lamplighter,Light 250 street lamps.,True,250,Revealed,25,2\n"
        )
        assert archive.read(LOCALIZATIONS).decode() == "Lamplighter,點燈人,,zh-CN\n"


@pytest.mark.parametrize("points", [None, "0", "7", "205"])
def test_points_that_google_play_rejects_are_errors(draft, rules_of, points):
    eighth = draft.achievements[1]
    rewards = () if points is None else (msgspec.structs.replace(eighth.rewards[0], value=points),)
    changed = msgspec.structs.replace(draft, achievements=(msgspec.structs.replace(eighth, rewards=rewards),))

    assert rules_of(write_play, changed) == ["points"]


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        pytest.param(b"PK\x03\x04rubbish", "not-zip", id="no ZIP"),
        pytest.param(zipped(("../AchievementsMetadata.csv", b"")), "path", id="a path upwards"),
        pytest.param(zipped(("/etc/passwd", b"")), "path", id="an absolute path"),
        pytest.param(zipped(("a\\b.csv", b"")), "path", id="a path of Windows"),
        pytest.param(zipped(("a/b.csv", b"")), "path", id="a folder"),
        pytest.param(zipped(*((f"{n}.png", b"") for n in range(501))), "too-many-files", id="501 files"),
        pytest.param(zipped((METADATA, b" " * 1_048_577)), "too-large", id="a file of more than 1 MB"),
        pytest.param(zipped((METADATA, b" " * 1_000_000), method=zipfile.ZIP_DEFLATED), "bomb", id="a bomb"),
        pytest.param(zipped((METADATA, b"a"), method=zipfile.ZIP_LZMA), "packing", id="a rare way of packing"),
        pytest.param(encrypted(), "encrypted", id="an encrypted file"),
        pytest.param(zipped(("b.png", b"")), "unknown-format", id="nothing of it"),
    ],
)
def test_dangerous_zip_is_an_error(draft, rules_of, data, rule):
    assert rule in rules_of(read_play, {"a.zip": data}, draft=draft)


def test_zip_with_false_sizes_is_an_error(draft, rules_of):
    data = bytearray(zipped((METADATA, b" " * 900_000), method=zipfile.ZIP_DEFLATED))
    for header, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.index(header) + at
        data[start : start + 4] = (1000).to_bytes(4, "little")

    assert rules_of(read_play, {"a.zip": bytes(data)}, draft=draft)
