"""Documents: parsed and validated once, bounded before either can be made to cost much, and known by their hash.

A document is looked at in this order: its bytes, its tokens (parsing stops at the limit), how large it is once its
fragments are written out, and only then is it validated: two fields of one name at one place are compared pair by
pair there.
"""

import hashlib
import hmac
import re
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_operation_ast,
    parse,
    validate,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails, collect_fields
from graphql.execution.values import VariableValues

from service.api.graphql.engine.compiled_query import CompiledQuery, FallbackToExecutor
from service.api.graphql.engine.response_templates import Templates
from service.api.graphql.engine.schema import BoundSchema

MOST_CHARACTERS = 16 * 1024
MOST_TOKENS = 2_000
MOST_DEPTH = 20  # levels; the schema has six, the introspection that tools send sixteen
MOST_NESTED = 100  # brackets in brackets; a parser that goes deeper takes long to come back
MOST_FIELDS = 500  # written out
MOST_ROOTS = 10
MOST_SAME = 10  # fields of one name at one place
MOST_COST = 12_000  # root fields × items × leaves
_MOST_ERRORS = 20
_BRACKET = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*(?:"""|\Z)|"(?:[^"\\\n]|\\.)*"|#[^\n]*|[{}\[\]()]', re.DOTALL)
K = TypeVar("K")
V = TypeVar("V")
KEPT = 256 * 1024  # characters of documents; a parsed one takes some 150 bytes for each
HASHES_KEPT = 2 * 1024 * 1024  # characters
_PLANS_KEPT = 16  # of one document


class Persisted(msgspec.Struct, frozen=True):
    """A document's hash instead of its text, or beside it (Apollo's Automatic Persisted Queries)."""

    sha256: str


class RootField(msgspec.Struct, frozen=True):
    """A root field: its key in the answer, how it is asked for, what it is (None: introspection), and its leaves."""

    key: str
    node: FieldNode
    field: GraphQLField | None
    leaves: int

    @property
    def is_list(self) -> bool:
        """Whether a page of items is asked for."""
        return self.field is not None and "first" in self.field.args


class Prepared(msgspec.Struct, frozen=True):
    """What is known of an operation before it runs: its root fields, and its plan, if it can have one."""

    roots: Sequence[RootField]
    plan: CompiledQuery | None


class Document:
    """One text: what was parsed of it, or what is wrong with it."""

    def __init__(self, bound: BoundSchema, text: str, templates: Templates | None = None) -> None:
        self.errors: Sequence[GraphQLError] = ()
        self.node: DocumentNode | None = None
        self.is_parsed = False
        self._bound = bound
        self._templates = templates or Templates()
        self._conditions: Sequence[str] = ()
        self._prepared: OrderedDict[tuple[str | None, tuple[tuple[str, Any], ...]], Prepared] = OrderedDict()
        self._read(bound, text)

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of that name, or the only one; None if it cannot be told."""
        return None if self.node is None else get_operation_ast(self.node, name)

    def plan(self, operation: OperationDefinitionNode, variables: VariableValues) -> CompiledQuery | None:
        """How to run an operation without graphql-core; None if only that can."""
        return self._prepare(operation, variables).plan

    def roots(self, operation: OperationDefinitionNode, variables: VariableValues) -> Sequence[RootField]:
        """The root fields that an operation asks for under these variables."""
        return self._prepare(operation, variables).roots

    def _prepare(self, operation: OperationDefinitionNode, variables: VariableValues) -> Prepared:
        """What is the same whenever @skip and @include are told the same; kept."""
        assert self.node is not None  # noqa: S101  (the operation is of it)
        name = None if operation.name is None else operation.name.value
        key = name, tuple((one, variables.coerced.get(one)) for one in self._conditions)
        found = self._prepared.get(key)
        if found is None:
            try:
                plan = CompiledQuery(self._bound, self._templates, self.node, operation).compile(variables)
            except FallbackToExecutor:
                plan = None
            found = self._prepared[key] = Prepared(self._roots(operation, variables), plan)
            if len(self._prepared) > _PLANS_KEPT:
                self._prepared.popitem(last=False)
        return found

    def _roots(self, operation: OperationDefinitionNode, variables: VariableValues) -> Sequence[RootField]:
        assert self.node is not None  # noqa: S101  (the operation is of it)
        schema = self._bound.schema
        kind = schema.get_root_type(operation.operation)
        assert kind is not None  # noqa: S101  (validated)
        fragments = {name: FragmentDetails(node) for name, node in _fragments(self.node).items()}
        collected = collect_fields(schema, fragments, variables, kind, operation).grouped_field_set
        return [
            RootField(key, details[0].node, kind.fields.get(details[0].node.name.value), self._leaves(details[0].node))
            for key, details in collected.items()
        ]

    def _leaves(self, root: FieldNode) -> int:
        """How many fields without fields of their own are asked below a root field, fragments written out."""
        assert self.node is not None  # noqa: S101  (the field is of it)
        walk = _CostVisitor(_fragments(self.node))
        walk.selections(root.selection_set, ())
        return max(1, walk.leaves)

    def _read(self, bound: BoundSchema, text: str) -> None:
        if len(text) > MOST_CHARACTERS:
            self.errors = [_limit(f"the document has more than {MOST_CHARACTERS} characters")]
            return
        if _nesting(text) > MOST_NESTED:
            self.errors = [_limit(f"the document has more than {MOST_NESTED} brackets in brackets")]
            return
        try:
            node = parse(text, max_tokens=MOST_TOKENS)
        except GraphQLError as error:
            self.errors = [error]
            return
        self.is_parsed = True
        self.errors = _check_literals(node) or validate(bound.schema, node, max_errors=_MOST_ERRORS)
        if not self.errors:
            self.node = node
            self._conditions = _conditions(node)


class BoundedCache(Generic[K, V]):
    """The values that were used last, up to a weight in all."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value; None if it is not kept."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, *, weight: int) -> None:
        """Keep it, and let go of what was not used for longest."""
        self._weight += weight - self._values.pop(key, (None, 0))[1]
        self._values[key] = value, weight
        while self._weight > self._most:
            self._weight -= self._values.popitem(last=False)[1][1]


class Documents:
    """The documents of one schema; the last ones are kept, with what is wrong with them, as far as memory may go."""

    def __init__(self, bound: BoundSchema) -> None:
        self.bound = bound
        self._templates = Templates()
        self._known = BoundedCache[str, Document](KEPT)
        self._by_hash = BoundedCache[str, str](HASHES_KEPT)

    def read(self, text: str) -> Document:
        """The document of a text."""
        if len(text) > MOST_CHARACTERS:
            return Document(self.bound, text, self._templates)
        found = self._known.get(text)
        if found is None:
            found = Document(self.bound, text, self._templates)
            self._known.put(text, found, weight=len(text))
        return found

    def text_of(self, persisted: Persisted, text: str | None) -> str:
        """The text that goes by a hash; with a text, the hash is kept for it.

        Raises:
            GraphQLError: nothing goes by it, or the text has another hash.
        """
        if text is None:
            known = self._by_hash.get(persisted.sha256)
            if known is None:
                raise GraphQLError("PersistedQueryNotFound", extensions={"code": "PERSISTED_QUERY_NOT_FOUND"})
            return known
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if not hmac.compare_digest(digest.encode(), persisted.sha256.encode("utf-8", "surrogatepass")):
            raise GraphQLError(
                "extensions.persistedQuery.sha256Hash: expected the SHA-256 of the query",
                extensions={"code": "BAD_USER_INPUT"},
            )
        if len(text) <= MOST_CHARACTERS:
            self._by_hash.put(persisted.sha256, text, weight=len(text))
        return text


def _nesting(text: str) -> int:
    """How deep its brackets go; those in strings and comments do not count."""
    depth = deepest = 0
    for match in _BRACKET.finditer(text):
        if match[0] in "{[(":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in "}])":
            depth -= 1
    return deepest


def _limit(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "COMPLEXITY_LIMIT"})


class _LimitExceeded(Exception):
    """A limit is passed."""


class _CostVisitor:
    """A document with its fragments written out, counted as far as the limits go."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._steps = 0
        self.leaves = 0
        self._at: Counter[tuple[str, ...]] = Counter()

    def selections(
        self, selected: SelectionSetNode | None, path: tuple[str, ...], inside: frozenset[str] = frozenset()
    ) -> None:
        """Count what is selected at a place.

        Raises:
            _TooMuch: a limit is passed; the text says which.
        """
        if len(path) > MOST_DEPTH:
            raise _LimitExceeded(f"the document is deeper than {MOST_DEPTH} levels")
        for selection in () if selected is None else selected.selections:
            self._steps += 1
            if self._steps > MOST_FIELDS:
                raise _LimitExceeded(f"the document asks for more than {MOST_FIELDS} fields")
            match selection:
                case FieldNode():
                    self._field(selection, path, inside)
                case InlineFragmentNode():
                    self.selections(selection.selection_set, path, inside)
                case FragmentSpreadNode():
                    name = selection.name.value
                    fragment = self._fragments.get(name)
                    if fragment is not None and name not in inside:  # what is wrong with it, validation says
                        self.selections(fragment.selection_set, path, inside | {name})
                case _:
                    pass

    def _field(self, field: FieldNode, path: tuple[str, ...], inside: frozenset[str]) -> None:
        key = (*path, (field.alias or field.name).value)
        self._at[key] += 1
        if self._at[key] > MOST_SAME:
            raise _LimitExceeded(f"the document has more than {MOST_SAME} fields of one name at one place")
        if field.selection_set is None:
            self.leaves += 1
        self.selections(field.selection_set, key, inside)


def _check_literals(node: DocumentNode) -> Sequence[GraphQLError]:
    fragments = _fragments(node)
    try:
        for definition in node.definitions:
            if isinstance(definition, OperationDefinitionNode):
                if len(definition.selection_set.selections) > MOST_ROOTS:
                    return [_limit(f"the document has more than {MOST_ROOTS} root fields")]
                _CostVisitor(fragments).selections(definition.selection_set, ())
            elif isinstance(definition, FragmentDefinitionNode):
                _CostVisitor(fragments).selections(definition.selection_set, (), frozenset({definition.name.value}))
    except _LimitExceeded as limit:
        return [_limit(str(limit))]
    return []


def _fragments(node: DocumentNode) -> Mapping[str, FragmentDefinitionNode]:
    return {one.name.value: one for one in node.definitions if isinstance(one, FragmentDefinitionNode)}


def _conditions(node: DocumentNode) -> Sequence[str]:
    """The variables that @skip and @include look at."""
    found: set[str] = set()

    class Conditions(Visitor):
        def enter_directive(self, directive: DirectiveNode, *_: Any) -> None:
            for argument in directive.arguments or ():
                if isinstance(argument.value, VariableNode):
                    found.add(argument.value.name.value)

    visit(node, Conditions())
    return sorted(found)
