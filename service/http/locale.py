"""The languages of a request: Accept-Language and the caller's country to a chain of locales, Vary and Content-Language.

Every API gets its chains from `RequestLocale`, so that fallbacks are counted by all, and names the languages of a
response with `content_language`.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from aiohttp import hdrs, web

from service.core.languages import negotiation
from service.core.languages.accept_language import MAX_FIELD
from service.core.publishing.published_title import PublishedTitle
from service.http.services import PRINCIPAL, SERVICES


class RequestLocale:
    """Which languages a request asks for, by `?language=` where an API has it, its Accept-Language, or its country.

    `cache_key` stands for all that a chain depends on besides the title, and is bounded in size: for entity tags.
    """

    __slots__ = ("_accept_language", "_chains", "_country", "_services")

    def __init__(self, request: web.Request, *, language: str | None = None) -> None:
        fields = (language,) if language else request.headers.getall(hdrs.ACCEPT_LANGUAGE, ())
        # One character more than is read shows that the field was cut.
        self._accept_language = ", ".join(fields)[: MAX_FIELD + 1]
        self._services = request.app[SERVICES]
        self._country = request[PRINCIPAL].country
        self._chains: dict[int, tuple[str, ...]] = {}

    @property
    def cache_key(self) -> tuple[str, str]:
        """The same for all requests that get the same chains from the same titles; a digest of what is long."""
        return negotiation.bounded_key(self._accept_language), (self._country or "").upper()

    def chain(self, published: PublishedTitle) -> tuple[str, ...]:
        """The locales in which to look for each text of a title, best first, up to one that has all of them.

        The first call for a title counts the response in its report of fallbacks.
        """
        chain = self._chains.get(published.key)
        if chain is None:
            chain = self._chains[published.key] = published.chain_for(
                self._accept_language,
                country=self._country,
                max_distance=self._services.settings.locale_max_distance,
            )
            self._services.fallbacks.count(published, chain)
        return chain


def vary(*fields: str) -> str:
    """The Vary value of a localized response: what the language depends on, and these fields."""
    return ", ".join(sorted({hdrs.ACCEPT_LANGUAGE, hdrs.AUTHORIZATION, *fields}, key=str.lower))


def content_language(locales: Iterable[str | None]) -> str | None:
    """The Content-Language of a response whose texts are in these locales, in order of appearance; None without texts.

    (RFC 9110 §8.5; every locale that a text of the body is in, never the one that was requested.)
    """
    return ", ".join(dict.fromkeys(locale for locale in locales if locale is not None)) or None


def language_headers(languages: str | None) -> dict[str, str]:
    """The headers that name the languages of a response, which `content_language` returned."""
    return {} if languages is None else {hdrs.CONTENT_LANGUAGE: languages}


class LocalizedText:
    """A text in a response document that `encode_localized` encodes, with the locale that it is in (None: no locale)."""

    __slots__ = ("locale", "text")

    def __init__(self, text: str, locale: str | None) -> None:
        self.text = text
        self.locale = locale


class LocalizedJson:
    """A part of a response document that is JSON already, with the locales of its texts in order of appearance."""

    __slots__ = ("json", "locales")

    def __init__(self, json: bytes, locales: Iterable[str | None]) -> None:
        self.json = json
        self.locales = locales


def encode_localized(document: object) -> tuple[bytes, str | None]:
    """A document as JSON, and its Content-Language: the locales of all localized parts in it, in order of appearance."""
    body, locales = encode_with_locales(document)
    return body, content_language(locales)


def encode_with_locales(document: object) -> tuple[bytes, Iterable[str | None]]:
    """A document as JSON, and the locales of all `LocalizedText` and `LocalizedJson` in it, in order of appearance."""
    locales: dict[str | None, None] = {}

    def encode_part(value: Any) -> str | msgspec.Raw:
        match value:
            case LocalizedText():
                locales[value.locale] = None
                return value.text
            case LocalizedJson():
                locales.update(dict.fromkeys(value.locales))
                return msgspec.Raw(value.json)
            case _:
                raise NotImplementedError(type(value))

    body = msgspec.json.Encoder(enc_hook=encode_part, decimal_format="number").encode(document)
    return body, locales
