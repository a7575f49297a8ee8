"""Limits on the size and cost of GraphQL documents, checked before parsing or validation can be made expensive.

Validation compares all fields of one name at one place pair by pair, so their number is limited as well.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
)
from graphql.language.ast import QUERY_DOCUMENT_KEYS

from service.api.graphql.engine.errors import LimitExceeded

MAX_CHARACTERS = 16 * 1024
MAX_TOKENS = 2_000
MAX_BRACKET_DEPTH = 100  # the parser recurses, and deep recursion is slow to unwind
MAX_DEPTH = 20  # levels of fields; the schema has six, the introspection query of tools sixteen
MAX_FIELDS = 500  # with fragments written out
MAX_ROOT_FIELDS = 10
MAX_SAME_FIELDS = 10  # of one name at one place
MAX_COST = 12_000  # root fields × items × leaves
# Brackets; strings and comments are matched whole, so that brackets in them do not count.
_BRACKET = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*(?:"""|\Z)|"(?:[^"\\\n]|\\.)*"|#[^\n]*|[{}\[\]()]', re.DOTALL)

Fragments = Mapping[str, FragmentDefinitionNode]


def check_text(text: str) -> None:
    """Check a document before it is parsed.

    Raises:
        LimitExceeded: it is too long, or its brackets are nested too deeply.
    """
    if len(text) > MAX_CHARACTERS:
        raise LimitExceeded(f"the document has more than {MAX_CHARACTERS} characters")
    if _bracket_depth(text) > MAX_BRACKET_DEPTH:
        raise LimitExceeded(f"the document has more than {MAX_BRACKET_DEPTH} brackets in brackets")


def check_selections(node: DocumentNode) -> int:
    """Check a parsed document before it is validated; returns the number of fields of its largest operation.

    Raises:
        LimitExceeded: an operation or fragment selects too many fields, or too deeply.
    """
    fragments = fragments_of(node)
    most_fields = 0
    for definition in node.definitions:
        counter = SelectionCounter(fragments)
        if isinstance(definition, OperationDefinitionNode):
            if len(definition.selection_set.selections) > MAX_ROOT_FIELDS:
                raise LimitExceeded(f"the document has more than {MAX_ROOT_FIELDS} root fields")
            counter.count(definition.selection_set)
            most_fields = max(most_fields, counter.fields)
        elif isinstance(definition, FragmentDefinitionNode):
            counter.count(definition.selection_set, spread=frozenset({definition.name.value}))
    return most_fields


def count_leaves(field: FieldNode, fragments: Fragments) -> int:
    """The number of fields without subfields below a field, with fragments written out; at least 1."""
    counter = SelectionCounter(fragments)
    counter.count(field.selection_set)
    return max(1, counter.leaves)


def fragments_of(node: DocumentNode) -> Fragments:
    """The fragments of a document by name."""
    return {node.name.value: node for node in node.definitions if isinstance(node, FragmentDefinitionNode)}


def descendants(node: Node) -> Iterator[Node]:
    """A node and all nodes below it."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        for key in QUERY_DOCUMENT_KEYS.get(node.kind, ()):
            child = getattr(node, key)
            if isinstance(child, Node):
                pending.append(child)
            elif child:
                pending += child


class SelectionCounter:
    """Counts the fields and leaves of selection sets with fragments written out, and stops at the limits."""

    def __init__(self, fragments: Fragments) -> None:
        self.fields = 0
        self.leaves = 0
        self._fragments = fragments
        self._same_fields: Counter[tuple[str, ...]] = Counter()

    def count(
        self,
        selection_set: SelectionSetNode | None,
        path: tuple[str, ...] = (),
        spread: frozenset[str] = frozenset(),
    ) -> None:
        """Count a selection set at a path; `spread` are the fragments around it.

        Raises:
            LimitExceeded: there are too many fields, or too deep ones.
        """
        if len(path) > MAX_DEPTH:
            raise LimitExceeded(f"the document is deeper than {MAX_DEPTH} levels")
        for selection in () if selection_set is None else selection_set.selections:
            self.fields += 1
            if self.fields > MAX_FIELDS:
                raise LimitExceeded(f"the document asks for more than {MAX_FIELDS} fields")
            match selection:
                case FieldNode():
                    self._count_field(selection, path, spread)
                case InlineFragmentNode():
                    self.count(selection.selection_set, path, spread)
                case FragmentSpreadNode():
                    name = selection.name.value
                    fragment = self._fragments.get(name)
                    if fragment is not None and name not in spread:  # validation reports unknown and circular ones
                        self.count(fragment.selection_set, path, spread | {name})
                case _:
                    pass

    def _count_field(self, field: FieldNode, path: tuple[str, ...], spread: frozenset[str]) -> None:
        key = (*path, (field.alias or field.name).value)
        self._same_fields[key] += 1
        if self._same_fields[key] > MAX_SAME_FIELDS:
            raise LimitExceeded(f"the document has more than {MAX_SAME_FIELDS} fields of one name at one place")
        if field.selection_set is None:
            self.leaves += 1
        self.count(field.selection_set, key, spread)


def _bracket_depth(text: str) -> int:
    depth = deepest = 0
    for match in _BRACKET.finditer(text):
        if match[0] in "{[(":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in "}])":
            depth -= 1
    return deepest
