"""An XML file as a small tree whose elements know their lines. Pure.

A DOCTYPE is refused, and with it every entity, so nothing can be fetched or blown up.
"""

from typing import NoReturn
from xml.parsers import expat

from service.core.validation.diagnostics import SourceLocation, checked_bytes

MAX_DEPTH = 16  # the formats need five


class Element:
    """One element: its namespace and name, its attributes, its children in order, and the text directly in it."""

    __slots__ = ("attributes", "children", "line", "name", "namespace", "pieces")

    def __init__(self, qualified_name: str, attributes: dict[str, str], line: int) -> None:
        self.namespace, _, self.name = qualified_name.rpartition(" ")
        self.attributes = attributes
        self.line = line
        self.children: list[Element] = []
        self.pieces: list[str] = []

    @property
    def text(self) -> str:
        """What stands directly in the element, as written."""
        return "".join(self.pieces)


def read_xml(data: bytes, place: SourceLocation) -> Element:
    """The root element.

    Raises:
        InvalidCatalog: it is too large or nested too deeply, not XML, or has a DOCTYPE: with the line.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    top = Element("", {}, 1)
    path = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        line = parser.CurrentLineNumber
        if len(path) > MAX_DEPTH:
            place.at(None, line).fail("not-xml", "the file is nested too deeply")
        element = Element(name, attributes, line)
        path[-1].children.append(element)
        path.append(element)

    def end(_name: str) -> None:
        path.pop()

    def text(piece: str) -> None:
        path[-1].pieces.append(piece)

    def doctype(*_: object) -> NoReturn:
        there = place.at(None, parser.CurrentLineNumber)
        there.fail("doctype", "a DOCTYPE, and so an entity declaration, is not accepted")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(checked_bytes(data, place), True)  # noqa: FBT003  (the parser takes no keywords)
    except expat.ExpatError as error:
        message = f"not XML at column {error.offset + 1}: {expat.ErrorString(error.code)}"
        place.at(None, error.lineno).fail("not-xml", message)
    except (LookupError, ValueError):
        place.fail("not-xml", "not XML: the encoding is not one that can be read")
    return top.children[0]
