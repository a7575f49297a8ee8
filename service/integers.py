"""Reading bounded integers from text: the one reader of paths, queries, headers, settings and options."""

_DIGITS = frozenset("0123456789")


def parse_integer(text: str, *, least: int = 0, most: int) -> int:
    """A whole number written in ASCII digits, from `least` to `most`, neither of them negative.

    Leading zeros are ignored, however many there are: `007` is 7. A sign, a space, a digit of another script or an
    underscore is not a digit. A number with too many digits is out of range without being computed.

    Raises:
        ValueError: the text is no such number, or the number is out of range.
    """
    if text and _DIGITS.issuperset(text):
        significant = text.lstrip("0") or "0"
        if len(significant) <= len(str(most)) and least <= (value := int(significant)) <= most:
            return value
    raise ValueError(f"expected a number from {least} to {most}")
