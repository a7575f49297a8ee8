"""What stands in a text: its placeholders, tags, numbers, marks and words. Pure."""

import re
from collections.abc import Iterator

_CONVERSION = r"[-+#0]?[0-9]{0,3}(?:\.[0-9]{1,3})?[sdifuxXc@]"
_PLACEHOLDER = re.compile(
    rf"\{{[A-Za-z0-9_.]*\}}|%(?:\([A-Za-z_][A-Za-z0-9_]*\)|[0-9]{{1,2}}\$){_CONVERSION}|%{_CONVERSION}(?![A-Za-z])"
)
_TAG = re.compile(r"<(?P<closes>/?)(?P<name>[A-Za-z][A-Za-z0-9]{0,31})(?:\s[^<>]{0,500})?(?P<alone>/?)>")
_URL = re.compile(r"(?i:https?)://[^\s<>\"]+[^\s<>\".,;:!?)\]]")
_NO_WORDS = re.compile("|".join(one.pattern for one in (_URL, _TAG, _PLACEHOLDER)))
_NUMBER = re.compile(r"\d+(?:[.,'’\u00a0\u202f\u066b\u066c ]\d{3}(?!\d)|[.,\u066b]\d+)*")
_WORD = re.compile(r"[^\W\d_]+(?:[’'][^\W\d_]+)*")
_TWICE = re.compile(r"\b(?P<word>[^\W\d_]{2,})[ \u00a0]+(?P=word)\b", re.IGNORECASE)
_FRENCH = re.compile(r".? [!?:;»]|« .?|[^\W_]»")
_FRENCH_CLOSE = re.compile(r"[^\W_][!?;](?!\w)|[^\W\d_]:(?=\s|$)|«\w")
_ALONE = {"br", "hr", "img"}
_MARKS = {
    ".": ".。．।۔։።｡",
    "?": "?？؟;⸮",
    "!": "!！",
    "…": "…",
    ":": ":：",
}
_CLOSERS = "\"'”’»›)]}」』）】 \u00a0\u202f\u200e\u200f\u2069\u202c"
_GREEK_QUESTION = ";\u037e"
_WITHOUT_MARKS = {"th", "lo", "km", "my", "bo", "dz"}  # sentences end with a space, or with nothing
_REDUPLICATING = {"id", "ms", "vi", "zh", "ja", "th", "tl", "fil", "jv", "haw", "mi"}
_TWICE_IN_FRENCH = {"nous", "vous"}
_OPENERS = {"\u202a": "\u202c", "\u202b": "\u202c", "\u202d": "\u202c", "\u202e": "\u202c"}
_OPENERS |= {"\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069"}
_CONTROLS = {*_OPENERS, *_OPENERS.values()}


def language(locale: str) -> str:
    """The language subtag."""
    return locale.partition("-")[0]


def placeholders(text: str) -> list[str]:
    """What a program fills in: `{name}`, `%d`, `%1$s`."""
    return _PLACEHOLDER.findall(text)


def tags(text: str) -> list[str]:
    """Opening and closing tags, without what stands in them."""
    return [f"<{tag['closes']}{tag['name']}>" for tag in _TAG.finditer(text)]


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text in parts, and whether each is words; placeholders, tags and URLs are none."""
    end = 0
    for other in _NO_WORDS.finditer(text):
        yield text[end : other.start()], True
        yield other[0], False
        end = other.end()
    yield text[end:], True


def is_balanced(text: str) -> bool:
    """Whether every tag closes the last that was opened, and none stays open."""
    stack: list[str] = []
    for tag in _TAG.finditer(text):
        if tag["alone"] or tag["name"].lower() in _ALONE:
            continue
        if not tag["closes"]:
            stack.append(tag["name"])
        elif not stack or stack.pop() != tag["name"]:
            return False
    return not stack


def urls(text: str) -> list[str]:
    """Addresses, without the mark that ends a sentence."""
    return _URL.findall(text)


def numbers(text: str) -> list[str]:
    """Numbers as ASCII digits alone, whatever parts their groups; those of placeholders, tags and URLs left out."""
    text = _NO_WORDS.sub(" ", text)
    return ["".join(str(int(digit)) for digit in found if digit.isdecimal()) for found in _NUMBER.findall(text)]


def is_punctuated(locale: str) -> bool:
    """Whether sentences of that language end with a mark."""
    return language(locale) not in _WITHOUT_MARKS


def ending(text: str, locale: str) -> str:
    """The mark that ends the text, as the English one; "" if it ends with none."""
    text = text.rstrip(_CLOSERS)
    last = "…" if text.endswith("...") else text[-1:]
    if language(locale) == "el" and last and last in _GREEK_QUESTION:
        return "?"
    for mark, marks in _MARKS.items():
        if last and last in marks.replace(";", ""):
            return mark
    return ""


def french_spaces(text: str, *, is_canadian: bool) -> Iterator[str]:
    """Where a no-break space is missing: before `! ? : ; »` and after `«`. Canadians write `! ? ;` without."""
    text = _URL.sub("", text)
    for place in _FRENCH.finditer(text):
        yield place[0]
    if not is_canadian:
        for place in _FRENCH_CLOSE.finditer(text):
            yield place[0]


def repeated(text: str, locale: str) -> list[str]:
    """Words that stand twice in a row, in languages where that is a slip."""
    if language(locale) in _REDUPLICATING:
        return []
    found = [place["word"] for place in _TWICE.finditer(text)]
    return [word for word in found if language(locale) != "fr" or word.lower() not in _TWICE_IN_FRENCH]


def is_bidi_balanced(text: str) -> bool:
    """Whether every bidirectional control in a line is closed in it, by its own."""
    return all(_is_line_balanced(line) for line in text.split("\n"))


def long_words(text: str) -> set[str]:
    """Words of five letters or more, in lower case: those that tell something. None in scripts without spaces."""
    return {word.casefold() for word in _WORD.findall(text) if 5 <= len(word) <= 30 and not _is_unspaced(word)}  # noqa: PLR2004


def _is_unspaced(word: str) -> bool:
    return any("\u0e00" <= letter <= "\u0eff" or "\u3040" <= letter <= "\u9fff" for letter in word)


def _is_line_balanced(line: str) -> bool:
    stack: list[str] = []
    for letter in line:
        if letter in _OPENERS:
            stack.append(_OPENERS[letter])
        elif letter in _CONTROLS and (not stack or stack.pop() != letter):
            return False
    return not stack
