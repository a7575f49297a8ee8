"""What stands in paths and queries of those who work on texts, read strictly: the REST door and the workbench alike."""

import re
from typing import NoReturn

from aiohttp import web

from service.core.auth.principal import may_read_texts
from service.core.catalog.model import U32
from service.core.languages.negotiation import canonical_locale
from service.errors import BadParameter
from service.http.api import PRINCIPAL, SERVICES, Services

KEY_CHARACTERS = 300

_WHOLE = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)


class TextsRequest:
    """One request about the texts of one title, by somebody who has a right on it.

    Raises:
        BadParameter: the path names no title.
        NotAllowed: the caller has no right on it.
    """

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.services: Services = request.app[SERVICES]
        self.who = request[PRINCIPAL]
        self.title_id = number(request, "title", most=U32 - 1)
        may_read_texts(self.who, self.title_id)

    def key(self) -> str:
        """The text key in the path, with or without its slashes encoded."""
        return plain("key", self.request.match_info["key"], KEY_CHARACTERS)

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
    """The query parameters of these names, without white space around them; "" for one that is not there.

    Raises:
        BadParameter: there is another one, one stands there twice, or holds what no text does.
    """
    query = request.rel_url.query
    for name in query:
        if name not in names:
            raise BadParameter(name, f"no such parameter, but {', '.join(names) or 'none'}")
        if len(query.getall(name)) > 1:
            raise BadParameter(name, "one value", len(query.getall(name)))
    return {name: plain(name, query.get(name, "").strip(), KEY_CHARACTERS, least=0) for name in names}


def chosen(name: str, text: str, among: tuple[str, ...]) -> str:
    """One of these words.

    Raises:
        BadParameter: it is another one.
    """
    if text not in among:
        raise BadParameter(name, " or ".join(word for word in among if word), text)
    return text


def plain(name: str, text: str, most: int, *, least: int = 1) -> str:
    """A text of so many characters that holds what texts hold.

    Raises:
        BadParameter: it is longer or shorter, or has control characters or halves of surrogate pairs.
    """

    def refuse(expected: str) -> NoReturn:
        raise BadParameter(name, expected, text)

    if not least <= len(text) <= most:
        refuse(f"{least} to {most} characters")
    if any(character < " " or "\ud800" <= character <= "\udfff" for character in text):
        refuse("text in UTF-8 without control characters")
    return text
