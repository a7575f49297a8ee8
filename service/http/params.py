"""Reading parameters of paths and queries: integers, locales, choices and short texts, each within its limits."""

from aiohttp import web

from service.control_characters import has_control_character
from service.core.languages.negotiation import canonical_locale
from service.errors import InvalidParameter
from service.integers import parse_integer

KEY_CHARACTERS = 300  # of a text key, and of any other text in a query


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
    """A locale in its canonical spelling (BCP 47).

    Raises:
        InvalidParameter: it is no language tag.
    """
    try:
        return canonical_locale(text)
    except ValueError:
        raise InvalidParameter(name, "a locale such as fr-FR", text) from None


def query_params(request: web.Request, *names: str) -> dict[str, str]:
    """All parameters of the query by name, without surrounding white space; "" for one that is missing.

    Raises:
        InvalidParameter: the query has another parameter, one twice, or a text that `clean_text` rejects.
    """
    query = request.rel_url.query
    for name in query:
        if name not in names:
            expected = f"one of the parameters {', '.join(names)}" if names else "no parameters"
            raise InvalidParameter("query", expected, name)
        if len(query.getall(name)) > 1:
            raise InvalidParameter(name, "one value", len(query.getall(name)))
    return {name: clean_text(name, query.get(name, "").strip(), KEY_CHARACTERS, least=0) for name in names}


def choice(name: str, text: str, among: tuple[str, ...]) -> str:
    """The text, which must be one of these words.

    Raises:
        InvalidParameter: it is another one.
    """
    if text not in among:
        raise InvalidParameter(name, " or ".join(word for word in among if word), text)
    return text


def clean_text(name: str, text: str, most: int, *, least: int = 1) -> str:
    """The text, which must have `least` to `most` characters, none of them a control character or lone surrogate.

    Raises:
        InvalidParameter: it has not.
    """
    if not least <= len(text) <= most:
        raise InvalidParameter(name, f"{least} to {most} characters", text)
    if has_control_character(text):
        raise InvalidParameter(name, "text in UTF-8 without control characters", text)
    return text
