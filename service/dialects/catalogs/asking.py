"""What all requests of this door share: who asks, of which title, locale and key, against which version."""

import re
import time
from collections.abc import Mapping
from typing import Any, NoReturn

from aiohttp import hdrs, web

from service.core.catalog import U32
from service.core.identity import Principal, may_read_texts
from service.core.language import canonical_locale
from service.core.published import PublishedTitle
from service.dialects.catalogs import wire
from service.errors import BadParameter, NotAuthenticated, Unconditional
from service.web import PRINCIPAL, SERVICES, Services

KEY_CHARACTERS = 300
SEARCH_CHARACTERS = 200

_WHOLE = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)
_TAG = re.compile(r'"([vc])(0|[1-9][0-9]{0,9})"', re.ASCII)


async def identify(request: web.Request) -> Principal:
    """Who asks, from the one `Authorization: Bearer <token>` field.

    Raises:
        NotAuthenticated: the field is missing, given twice, or holds no token that is good.
    """
    fields = request.headers.getall(hdrs.AUTHORIZATION, ())
    if len(fields) != 1:
        raise NotAuthenticated(f"Authorization: expected one field, Bearer <token>, got {len(fields)}")
    return request.app[SERVICES].verifier.bearer(fields[0], time.time())


class Asking:
    """One request about one title, by somebody who has a right on it."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.services: Services = request.app[SERVICES]
        self.who = request[PRINCIPAL]
        self.title_id = number(request, "title", most=U32 - 1)
        may_read_texts(self.who, self.title_id)

    @property
    def published(self) -> PublishedTitle | None:
        """What is served of the title; None before the first publish."""
        return self.services.releases.current.titles.get(self.title_id)

    def served(self, locale: str) -> Mapping[str, str]:
        """The texts that are served in a locale, by key."""
        return {} if self.published is None else self.published.texts.get(locale, {})

    def key(self) -> str:
        """The text key in the path, with or without its slashes encoded."""
        return _plain("key", self.request.match_info["key"], KEY_CHARACTERS)

    def locale(self) -> str:
        """The locale in the path, in its canonical spelling."""
        return locale("locale", self.request.match_info["locale"])


def number(request: web.Request, name: str, *, most: int = 2**53 - 1) -> int:
    """A number in the path, from 1.

    Raises:
        BadParameter: it is none.
    """
    text = request.match_info[name]
    if _WHOLE.fullmatch(text) is None or int(text) > most:
        raise BadParameter(name, f"a number from 1 to {most}", text)
    return int(text)


def locale(name: str, text: str) -> str:
    """A locale in its canonical spelling.

    Raises:
        BadParameter: it is none.
    """
    try:
        return canonical_locale(text)
    except ValueError:
        raise BadParameter(name, "a locale such as fr-FR", text) from None


def words(request: web.Request, *names: str) -> dict[str, str]:
    """The query parameters of these names, "" for one that is not there.

    Raises:
        BadParameter: there is another one, one stands there twice, or holds what no text does.
    """
    query = request.rel_url.query
    for name in query:
        if name not in names:
            raise BadParameter(name, f"no such parameter, but {', '.join(names) or 'none'}")
        if len(query.getall(name)) > 1:
            raise BadParameter(name, "one value", len(query.getall(name)))
    return {name: _plain(name, query.get(name, ""), SEARCH_CHARACTERS, least=0) for name in names}


def chosen(name: str, text: str, words_: tuple[str, ...]) -> str:
    """One of these words.

    Raises:
        BadParameter: it is another one.
    """
    if text not in words_:
        raise BadParameter(name, " or ".join(word for word in words_ if word), text)
    return text


def if_match(request: web.Request, kind: str) -> int:
    """The version in the one `If-Match` field: of a string (kind "v"), or of the title's catalogue ("c").

    Raises:
        Unconditional: there is no such field.
        BadParameter: it is no ETag of that kind, or there are several.
    """
    fields = request.headers.getall(hdrs.IF_MATCH, ())
    example = f'"{kind}7"'
    if not fields:
        raise Unconditional(f"If-Match: expected the ETag of what you saw, such as {example}, and there is none")
    match = _TAG.fullmatch(fields[0].strip()) if len(fields) == 1 else None
    if match is None or match[1] != kind or int(match[2]) >= 2**31:
        raise BadParameter(hdrs.IF_MATCH, f"one ETag such as {example}", ", ".join(fields))
    return int(match[2])


def answer(document: Any, *, status: int = 200, tag: str | None = None, location: str | None = None) -> web.Response:
    """The document as JSON. Nothing of what is being edited is kept by anybody on the way."""
    headers = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff"}
    if tag is not None:
        headers[hdrs.ETAG] = tag
    if location is not None:
        headers[hdrs.LOCATION] = location
    return web.Response(status=status, body=wire.encode(document), headers=headers, content_type="application/json")


def _plain(name: str, text: str, characters: int, *, least: int = 1) -> str:
    def refuse(expected: str) -> NoReturn:
        raise BadParameter(name, expected, text)

    if not least <= len(text) <= characters:
        refuse(f"{least} to {characters} characters")
    if any(character < " " or "\ud800" <= character <= "\udfff" for character in text):
        refuse("text in UTF-8 without control characters")
    return text
