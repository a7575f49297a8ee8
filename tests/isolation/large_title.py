"""A title of 20 000 strings in four locales, written by COPY in a second or two, and large files to import into it."""

import datetime
from collections.abc import Iterator, Sequence

import msgspec

from service.core.catalog.model import Achievement, Draft, Reward, Title, achievement_key, reward_key
from service.core.publishing.releases import encode_release, store_release
from service.db import Connection
from tests.factories import achievement

TITLE = 77
ACHIEVEMENTS = 5000  # with four strings each
LOCALES = ("en-US", "fr-FR", "de-DE", "ja-JP")
_WORDS = {"name": "Keeper", "description": "Light lantern", "locked_description": "Look for lantern"}


def large_draft(title_id: int = TITLE, *, achievements: int = ACHIEVEMENTS, locales: Sequence[str] = LOCALES) -> Draft:
    """A title whose achievements have a name, two descriptions and the name of a reward in each locale."""
    numbers = range(1, achievements + 1)
    return Draft(
        title=Title(title_id=title_id, scid=f"00000000-0000-0000-0000-{title_id:012x}", default_locale=locales[0]),
        achievements=tuple(_achievement(number) for number in numbers),
        texts={locale: {key: _text(key, locale) for key in text_keys(achievements)} for locale in locales},
    )


def text_keys(achievements: int = ACHIEVEMENTS) -> Iterator[str]:
    """The keys of all strings: the title's name, and four for each achievement."""
    yield "title/name"
    for number in range(1, achievements + 1):
        yield achievement_key(number, "name")
        yield achievement_key(number, "description")
        yield achievement_key(number, "locked_description")
        yield reward_key(number, "InApp", "name")


async def make_large_title(connection: Connection, draft: Draft, *, is_published: bool = True) -> None:
    """Store a draft that is in no database yet, and with `is_published` serve it.

    `import_draft` and `publish_title` would take a minute for as many texts.
    """
    title, achievements, texts = draft.title, draft.achievements, draft.texts
    await connection.execute(
        "INSERT INTO title (title_id, scid, default_locale, kind, platform, text_unit) VALUES ($1, $2, $3, $4, $5, $6)",
        title.title_id,
        title.scid,
        title.default_locale,
        title.kind,
        title.platform,
        title.text_unit,
    )
    await connection.copy_records_to_table(
        "achievement",
        columns=("title_id", "number", "public_id", "definition"),
        records=((title.title_id, a.number, a.public_id, msgspec.json.encode(a).decode()) for a in achievements),
    )
    actor = await connection.fetchval("SELECT editor_pseudonym('laurel')")
    await connection.copy_records_to_table(
        "text",
        columns=("title_id", "locale", "key", "text", "source_version", "actor"),
        records=(
            (title.title_id, locale, key, text, None if locale == title.default_locale else 1, actor)
            for locale, of_locale in texts.items()
            for key, text in of_locale.items()
        ),
    )
    now = datetime.datetime.now(datetime.UTC)
    await connection.copy_records_to_table(
        "text_revision",
        columns=("title_id", "locale", "key", "version", "text", "state", "source_version", "origin", "actor", "at"),
        records=(
            (title.title_id, locale, key, 1, text, "translated", source_version, "import", actor, now)
            for locale, of_locale in texts.items()
            for source_version in [None if locale == title.default_locale else 1]
            for key, text in of_locale.items()
        ),
    )
    if is_published:
        await store_release(connection, title.title_id, encode_release(draft, None), actor="laurel")


async def change_texts(connection: Connection, title_id: int, count: int) -> None:
    """Change texts of a draft, so that as many are unpublished."""
    await connection.execute(
        """
        UPDATE text AS x
        SET text = x.text || ' again', version = x.version + 1, worded_in = x.version + 1
        FROM (SELECT locale, key FROM text WHERE title_id = $1 ORDER BY key, locale LIMIT $2) AS n
        WHERE x.title_id = $1 AND x.locale = n.locale AND x.key = n.key
        """,
        title_id,
        count,
    )
    await connection.execute("UPDATE title SET catalog_version = catalog_version + 1 WHERE title_id = $1", title_id)


def po_file(count: int, *, locale: str = "fr-FR", word: str = "neuf", achievements: int = ACHIEVEMENTS) -> bytes:
    """A PO file of the first strings of the title, each with a new text that holds `word`."""
    entries = [f'msgid ""\nmsgstr "Language: {locale}\\n"\n']
    for key, _ in zip(text_keys(achievements), range(count), strict=False):
        source = _text(key, LOCALES[0])
        entries.append(f'msgctxt "{key}"\nmsgid "{source}"\nmsgstr "{word} {_text(key, locale)}"\n')
    return "\n".join(entries).encode()


def po_of_backslashes(size_bytes: int, *, locale: str = "fr-FR") -> bytes:
    """A PO file whose one text consists of escaped backslashes."""
    start = f'msgid ""\nmsgstr "Language: {locale}\\n"\n\nmsgctxt "title/name"\nmsgid "x"\nmsgstr "'.encode()
    return start + b"\\" * ((size_bytes - len(start) - 2) // 2 * 2) + b'"\n'


def _achievement(number: int) -> Achievement:
    return achievement(number, rewards=(Reward(kind="InApp", value=f"lantern-{number}", value_type="String"),))


def _text(key: str, locale: str) -> str:
    place, _, field = key.rpartition("/")
    number = place.split("/")[1] if place.startswith("achievement/") else "1"
    return f"{_WORDS.get(field, field)} {number} on the coast, {locale[:2]}{' (reward)' * ('reward' in place)}"
