"""What stands in paths and queries of those who work on texts, read strictly: the REST door and the workbench alike."""

from typing import NoReturn

from aiohttp import web

from service.core.auth.permissions import may_read_texts
from service.core.catalog.model import U32
from service.core.languages.negotiation import canonical_locale
from service.errors import InvalidParameter
from service.http.services import PRINCIPAL, SERVICES, Services
from service.integers import parse_integer

KEY_CHARACTERS = 300


class TitleRequest:
    """One request about the texts of one title, by somebody who has a right on it.

    Raises:
        InvalidParameter: the path names no title.
        PermissionDenied: the caller has no right on it.
    """

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.services: Services = request.app[SERVICES]
        self.who = request[PRINCIPAL]
        self.title_id = path_int(request, "title", most=U32 - 1)
        may_read_texts(self.who, self.title_id)

    def key(self) -> str:
        """The text key in the path, with or without its slashes encoded."""
        return clean_text("key", self.request.match_info["key"], KEY_CHARACTERS)

    def locale(self) -> str:
        """The locale in the path, in its canonical spelling."""
        return locale_param("locale", self.request.match_info["locale"])


def integer(name: str, text: str, *, least: int = 0, most: int) -> int:
    """The value of an integer parameter: ASCII digits, leading zeros ignored, within its limits.

    Raises:
        InvalidParameter: it is no such number, or out of range.
    """
    try:
        return parse_integer(text, least=least, most=most)
    except ValueError:
        raise InvalidParameter(name, f"a number from {least} to {most}", text) from None


def path_int(request: web.Request, name: str, *, least: int = 1, most: int = 2**53 - 1) -> int:
    """An integer in the path.

    Raises:
        InvalidParameter: it is none, or out of range.
    """
    return integer(name, request.match_info[name], least=least, most=most)


def query_int(request: web.Request, name: str, *, default: int, least: int = 0, most: int) -> int:
    """An integer in the query, or the default where the query lacks it.

    Raises:
        InvalidParameter: it is none, out of range, or sent several times with different values.
    """
    values = set(request.rel_url.query.getall(name, ()))
    if len(values) > 1:
        raise InvalidParameter(name, "one value", len(values))
    return integer(name, values.pop(), least=least, most=most) if values else default


def locale_param(name: str, text: str) -> str:
    """A locale in its canonical spelling.

    Raises:
        InvalidParameter: it is none.
    """
    try:
        return canonical_locale(text)
    except ValueError:
        raise InvalidParameter(name, "a locale such as fr-FR", text) from None


def query_params(request: web.Request, *names: str) -> dict[str, str]:
    """The query parameters of these names, without white space around them; "" for one that is not there.

    Raises:
        InvalidParameter: there is another one, one stands there twice, or holds what no text does.
    """
    query = request.rel_url.query
    for name in query:
        if name not in names:
            raise InvalidParameter(name, f"no such parameter, but {', '.join(names) or 'none'}")
        if len(query.getall(name)) > 1:
            raise InvalidParameter(name, "one value", len(query.getall(name)))
    return {name: clean_text(name, query.get(name, "").strip(), KEY_CHARACTERS, least=0) for name in names}


def choice(name: str, text: str, among: tuple[str, ...]) -> str:
    """One of these words.

    Raises:
        InvalidParameter: it is another one.
    """
    if text not in among:
        raise InvalidParameter(name, " or ".join(word for word in among if word), text)
    return text


def clean_text(name: str, text: str, most: int, *, least: int = 1) -> str:
    """A text of so many characters that holds what texts hold.

    Raises:
        InvalidParameter: it is longer or shorter, or has control characters or halves of surrogate pairs.
    """

    def refuse(expected: str) -> NoReturn:
        raise InvalidParameter(name, expected, text)

    if not least <= len(text) <= most:
        refuse(f"{least} to {most} characters")
    if any(character < " " or "\ud800" <= character <= "\udfff" for character in text):
        refuse("text in UTF-8 without control characters")
    return text
