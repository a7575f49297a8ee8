"""Find the placeholders, tags, URLs, numbers, punctuation and words of a text. Pure."""

import re
from collections.abc import Iterator

_CONVERSION = r"[-+#0]?[0-9]{0,3}(?:\.[0-9]{1,3})?[sdifuxXc@]"
_PLACEHOLDER = re.compile(
    rf"\{{[A-Za-z0-9_.]*\}}|%(?:\([A-Za-z_][A-Za-z0-9_]*\)|[0-9]{{1,2}}\$){_CONVERSION}|%{_CONVERSION}(?![A-Za-z])"
)
_TAG = re.compile(r"<(?P<closes>/?)(?P<name>[A-Za-z][A-Za-z0-9]{0,31})(?:\s[^<>]{0,500})?(?P<is_void>/?)>")
_URL = re.compile(r"(?i:https?)://[^\s<>\"]+[^\s<>\".,;:!?)\]]")
_NOT_WORDS = re.compile("|".join(pattern.pattern for pattern in (_URL, _TAG, _PLACEHOLDER)))
_NUMBER = re.compile(r"\d+(?:[.,'’\u00a0\u202f\u066b\u066c ]\d{3}(?!\d)|[.,\u066b]\d+)*")
_WORD = re.compile(r"[^\W\d_]+(?:[’'][^\W\d_]+)*")
_REPEATED_WORD = re.compile(r"\b(?P<word>[^\W\d_]{2,})[ \u00a0]+(?P=word)\b", re.IGNORECASE)
_BREAKABLE_SPACE = re.compile(r".? [!?:;»]|« .?|[^\W_]»")
_MISSING_SPACE = re.compile(r"[^\W_][!?;](?!\w)|[^\W\d_]:(?=\s|$)|«\w")
_VOID_TAGS = {"br", "hr", "img"}
_MARKS = {
    ".": ".。．।۔։።｡",
    "?": "?？؟;⸮",
    "!": "!！",
    "…": "…",
    ":": ":：",
}
_CLOSERS = "\"'”’»›)]}」』）】 \u00a0\u202f\u200e\u200f\u2069\u202c"
_GREEK_QUESTION = ";\u037e"
_WITHOUT_PUNCTUATION = {"th", "lo", "km", "my", "bo", "dz"}  # sentences end with a space or nothing
_REDUPLICATING = {"id", "ms", "vi", "zh", "ja", "th", "tl", "fil", "jv", "haw", "mi"}
_REPEATED_IN_FRENCH = {"nous", "vous"}
_OPENERS = {"\u202a": "\u202c", "\u202b": "\u202c", "\u202d": "\u202c", "\u202e": "\u202c"}
_OPENERS |= {"\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069"}
_CONTROLS = {*_OPENERS, *_OPENERS.values()}


def language(locale: str) -> str:
    """The language subtag of a locale."""
    return locale.partition("-")[0]


def placeholders(text: str) -> list[str]:
    """The placeholders that a program fills in: `{name}`, `%d`, `%1$s`."""
    return _PLACEHOLDER.findall(text)


def tags(text: str) -> list[str]:
    """Opening and closing tags, without attributes."""
    return [f"<{tag['closes']}{tag['name']}>" for tag in _TAG.finditer(text)]


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, and whether each is words and not a placeholder, tag or URL."""
    end = 0
    for match in _NOT_WORDS.finditer(text):
        yield text[end : match.start()], True
        yield match[0], False
        end = match.end()
    yield text[end:], True


def is_balanced(text: str) -> bool:
    """Whether every closing tag closes the last open one, and none stays open."""
    stack: list[str] = []
    for tag in _TAG.finditer(text):
        if tag["is_void"] or tag["name"].lower() in _VOID_TAGS:
            continue
        if not tag["closes"]:
            stack.append(tag["name"])
        elif not stack or stack.pop() != tag["name"]:
            return False
    return not stack


def urls(text: str) -> list[str]:
    """URLs, without the punctuation that ends a sentence."""
    return _URL.findall(text)


def numbers(text: str) -> list[str]:
    """Numbers as ASCII digits without separators, except those in placeholders, tags and URLs."""
    text = _NOT_WORDS.sub(" ", text)
    return ["".join(str(int(digit)) for digit in number if digit.isdecimal()) for number in _NUMBER.findall(text)]


def is_punctuated(locale: str) -> bool:
    """Whether sentences of that language end with punctuation."""
    return language(locale) not in _WITHOUT_PUNCTUATION


def ending(text: str, locale: str) -> str:
    """The punctuation that ends the text, as its English equivalent; "" if there is none."""
    text = text.rstrip(_CLOSERS)
    last = "…" if text.endswith("...") else text[-1:]
    if language(locale) == "el" and last and last in _GREEK_QUESTION:
        return "?"
    for mark, marks in _MARKS.items():
        if last and last in marks.replace(";", ""):
            return mark
    return ""


def french_spaces(text: str, *, is_canadian: bool) -> Iterator[str]:
    """Excerpts where a no-break space is missing: before `! ? : ; »` and after `«`; not in Canada before `! ? ;`."""
    text = _URL.sub("", text)
    for match in _BREAKABLE_SPACE.finditer(text):
        yield match[0]
    if not is_canadian:
        for match in _MISSING_SPACE.finditer(text):
            yield match[0]


def repeated(text: str, locale: str) -> list[str]:
    """Words that occur twice in a row, in languages where that is a mistake."""
    if language(locale) in _REDUPLICATING:
        return []
    words = [match["word"] for match in _REPEATED_WORD.finditer(text)]
    return [word for word in words if language(locale) != "fr" or word.lower() not in _REPEATED_IN_FRENCH]


def is_bidi_balanced(text: str) -> bool:
    """Whether every bidirectional control character is closed in its line, by the matching one."""
    return all(_is_line_balanced(line) for line in text.split("\n"))


def long_words(text: str) -> set[str]:
    """Words of 5 to 30 letters, casefolded; none in scripts without spaces between words."""
    return {word.casefold() for word in _WORD.findall(text) if 5 <= len(word) <= 30 and not _is_unspaced(word)}  # noqa: PLR2004


def _is_unspaced(word: str) -> bool:
    return any("\u0e00" <= character <= "\u0eff" or "\u3040" <= character <= "\u9fff" for character in word)


def _is_line_balanced(line: str) -> bool:
    stack: list[str] = []
    for character in line:
        if character in _OPENERS:
            stack.append(_OPENERS[character])
        elif character in _CONTROLS and (not stack or stack.pop() != character):
            return False
    return not stack
