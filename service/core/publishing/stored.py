"""Drafts and releases as the database returns them, to be decoded where they are needed. Pure.

Definitions, and the texts of each locale, are one JSON document each. A child process decodes those of a large title,
which would hold the event loop.
"""

from collections.abc import Iterable

import msgspec

from service.core.catalog.model import Achievement, Draft, Texts, Title


class TitleRow(msgspec.Struct, frozen=True):
    """A title as it is stored. `release` is the one that is served, 0 before the first publish."""

    title_id: int
    scid: str
    default_locale: str
    kind: str
    platform: str
    version: str | None
    text_unit: str
    trust: str
    metrics: str
    attributes: str
    release: int

    def title(self) -> Title:
        """The title as a domain value."""
        fields = {name: getattr(self, name) for name in Title.__struct_fields__}
        documents = {name: msgspec.json.decode(fields[name]) for name in ("metrics", "attributes")}
        return msgspec.convert(fields | documents, Title)


class StoredTexts(msgspec.Struct, frozen=True):
    """The texts of one locale: a JSON object, text key → text."""

    locale: str
    texts: bytes


class StoredDraft(msgspec.Struct, frozen=True):
    """A draft. `definitions` is a JSON array of achievements, ordered by number."""

    title: TitleRow
    definitions: bytes
    texts: tuple[StoredTexts, ...]

    def decode(self) -> Draft:
        """The draft as a domain value."""
        return Draft(
            title=self.title.title(),
            achievements=decode_achievements(self.definitions),
            texts=decode_texts(self.texts),
        )


class StoredRelease(msgspec.Struct, frozen=True):
    """A release. `title` is a JSON object, `achievements` a JSON array."""

    title: str
    achievements: bytes
    texts: tuple[StoredTexts, ...]

    def decode(self) -> Draft:
        """The release as a draft."""
        return Draft(
            title=msgspec.json.decode(self.title, type=Title),
            achievements=decode_achievements(self.achievements),
            texts=decode_texts(self.texts),
        )


def decode_achievements(stored: bytes) -> tuple[Achievement, ...]:
    """The achievements of a JSON array."""
    return msgspec.json.decode(stored, type=tuple[Achievement, ...])


def decode_texts(stored: Iterable[StoredTexts]) -> Texts:
    """Texts by locale and key."""
    return {row.locale: msgspec.json.decode(row.texts, type=dict[str, str]) for row in stored}
