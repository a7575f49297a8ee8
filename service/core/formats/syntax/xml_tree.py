"""Read an XML file as a tree of elements with line numbers. Pure.

A DOCTYPE is an error, so there are no entities: nothing external is fetched, and no entity can expand (XXE).
"""

from typing import NoReturn
from xml.parsers import expat

from service.core.validation.diagnostics import SourceLocation, checked_bytes

MAX_DEPTH = 16  # the formats need five


class Element:
    """One element: its namespace, name, attributes and children in order, and the text directly in it."""

    __slots__ = ("attributes", "children", "line", "name", "namespace", "pieces")

    def __init__(self, qualified_name: str, attributes: dict[str, str], line: int) -> None:
        self.namespace, _, self.name = qualified_name.rpartition(" ")
        self.attributes = attributes
        self.line = line
        self.children: list[Element] = []
        self.pieces: list[str] = []

    @property
    def text(self) -> str:
        """The text directly in the element, without that of its children."""
        return "".join(self.pieces)


def read_xml(data: bytes, location: SourceLocation) -> Element:
    """The root element.

    Raises:
        InvalidCatalog: the file is too large, nested too deeply, not XML, or has a DOCTYPE.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    top = Element("", {}, 1)
    path = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        line = parser.CurrentLineNumber
        if len(path) > MAX_DEPTH:
            location.at(None, line).fail("not-xml", f"expected at most {MAX_DEPTH} levels of elements")
        element = Element(name, attributes, line)
        path[-1].children.append(element)
        path.append(element)

    def end(_name: str) -> None:
        path.pop()

    def text(piece: str) -> None:
        path[-1].pieces.append(piece)

    def doctype(*_: object) -> NoReturn:
        location.at(None, parser.CurrentLineNumber).fail("doctype", "expected no DOCTYPE and no entity declarations")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(checked_bytes(data, location), True)  # noqa: FBT003  (the parser takes no keywords)
    except expat.ExpatError as error:
        message = f"not XML at column {error.offset + 1}: {expat.ErrorString(error.code)}"
        location.at(None, error.lineno).fail("not-xml", message)
    except (LookupError, ValueError):
        location.fail("not-xml", "not XML: the encoding is not supported")
    return top.children[0]
