"""The caches of documents, compiled queries and templates stay within their bytes, whatever clients send."""

import contextlib
import gc
import hashlib
import tracemalloc
import weakref

import graphql
import pytest

from service.api import graphql as graphql_api
from service.api.graphql.engine.document_cache import DocumentCache
from service.api.graphql.engine.errors import InvalidRequest
from service.api.graphql.engine.execution import GraphQLRequest, Operation
from service.api.graphql.engine.schema import PerPlayerFields, bind

SDL = graphql.print_schema(graphql_api.SCHEMA)


class Badge:
    """A badge with all fields of the query below."""

    id = title = "x"
    status = "EARNED"


async def get_badge(_context, _arguments, _requested):
    return Badge()


async def get_nothing(_context, _arguments, _requested):
    return None


@pytest.fixture(scope="module")
def bound():
    roots = dict.fromkeys(("getBadges", "getUserContext", "setUserContext"), get_nothing)
    status = {("Badge", "status"): lambda badge, _arguments, _context: badge.status}
    per_player = PerPlayerFields(of="Badge", key=lambda badge: badge.id, fields=status)
    return bind(SDL, {}, {"getBadge": get_badge} | roots, per_player)


def allow_all(_context, _name, _arguments):
    return None


async def send(documents, query=None, *, sha256=None, **variables):
    operation = await Operation.of(GraphQLRequest(query, variables=variables, sha256=sha256), documents)
    return await operation.execute(None, check_access=allow_all, longest_list=1)


def fields(count, text):
    return " ".join(text.format(i) for i in range(count))


KINDS = {
    "small": lambda i: f"{{ a{i}: getBadge {{ id status }} }}",
    "many fields": lambda i: f"{{ a{i}: getBadge {{ {fields(40, 'f{}: title')} }} }}",
    "many unions": lambda i: f"{{ a{i}: getBadge {{ {fields(12, 'f{}: earningCriteria {{ __typename }}')} }} }}",
    "a fragment often": lambda i: (
        f"{{ {fields(10, f'a{i}b{{}}: getBadge {{{{ ...f }}}}')} }} fragment f on Badge {{ {fields(4, 'f{}: id')} }}"
    ),
    "conditions": lambda i: (
        f"query ($a: Boolean!, $b: Boolean!) {{ a{i}: getBadge {{ id @skip(if: $a) title @include(if: $b) status }} }}"
    ),
    "invalid": lambda i: f"{{ a{i} {{ {fields(20, 'f{}')} }} }}",
    "comments": lambda i: "{ getBadge { id } } #" + f"{i:0>10000}",
    "persisted": lambda i: f"{{ getBadge {{ id }} }} #{i}",
}


@pytest.mark.parametrize("kind", KINDS)
async def test_memory_is_bounded_for_a_stream_of_different_documents(bound, kind):
    max_bytes = 300_000
    documents = DocumentCache(bound, max_bytes=max_bytes, max_persisted_bytes=30_000, max_template_bytes=30_000)
    numbers = iter(range(1_000_000))

    async def stream(count):
        for _, number in zip(range(count), numbers, strict=False):
            text = KINDS[kind](number)
            sha256 = hashlib.sha256(text.encode()).hexdigest() if kind == "persisted" else None
            for a, b in ((True, True), (True, False), (False, True), (False, False)):
                with contextlib.suppress(InvalidRequest):
                    await send(documents, text, sha256=sha256, a=a, b=b)
                if kind != "conditions":
                    break

    await stream(3)
    gc.collect()
    tracemalloc.start()
    try:
        await stream(60)
        gc.collect()
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert used < 2 * max_bytes


async def test_least_recently_used_document_is_dropped_first(bound):
    documents = DocumentCache(bound, max_bytes=200_000)
    first = await documents.document("{ getBadge { id } }")
    for i in range(30):
        await documents.document(f"{{ a{i}: getBadge {{ id }} }}")
        assert await documents.document("{ getBadge { id } }") is first

    again = await documents.document("{ a0: getBadge { id } }")
    assert await documents.document("{ a0: getBadge { id } }") is again
    assert len(documents) < 30


async def test_document_that_is_larger_than_the_cache_is_executed_but_not_cached(bound):
    documents = DocumentCache(bound, max_bytes=1_000)

    result = await send(documents, "{ getBadge { id } }")

    assert (result.errors, len(documents)) == (None, 0)


async def test_persisted_query_is_dropped_when_others_need_its_place(bound):
    documents = DocumentCache(bound, max_persisted_bytes=1_000)
    texts = [f"{{ getBadge {{ id }} }} # {'x' * 300} {i}" for i in range(5)]
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    for text, sha256 in zip(texts, hashes, strict=True):
        await send(documents, text, sha256=sha256)

    assert (await send(documents, sha256=hashes[-1])).errors is None
    with pytest.raises(InvalidRequest) as raised:
        await send(documents, sha256=hashes[0])
    assert raised.value.errors[0]["message"] == "PersistedQueryNotFound"


async def test_dropped_document_is_freed_without_the_garbage_collector(bound):
    """The collector finds cycles in old objects only long after they were dropped."""
    documents = DocumentCache(bound, max_bytes=1)
    gc.collect()
    gc.disable()
    try:
        document = await documents.document("query ($a: Boolean!) { getBadge { id @skip(if: $a) } }")
        freed = [weakref.ref(document), weakref.ref(document.node), *map(weakref.ref, document.node.definitions)]
        del document
        await documents.document("{ getBadge { id } }")  # the thread has let go of the first one

        assert [reference() for reference in freed] == [None] * 3
    finally:
        gc.enable()
