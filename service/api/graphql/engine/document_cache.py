"""The documents that requests use, cached by text and by hash; the caches are bounded in bytes.

A thread parses, validates and compiles new documents: the largest allowed ones take some 50 ms.
"""

import asyncio
import hashlib
import hmac
import sys

from cachetools import LRUCache
from graphql import GraphQLError

from service.api.graphql.engine.document import Document, parse_document
from service.api.graphql.engine.errors import InvalidRequest
from service.api.graphql.engine.limits import MAX_CHARACTERS
from service.api.graphql.engine.response_templates import Templates
from service.api.graphql.engine.schema import BoundSchema
from service.concurrency.threads import ComputationThread

MAX_BYTES = 24_000_000  # some 200 documents of usual size
MAX_TEMPLATE_BYTES = 16_000_000
MAX_PERSISTED_BYTES = 4_000_000
MAX_WAITING = 64  # requests with new documents: some two seconds at most


class DocumentCache:
    """Documents of one schema, those that were used last.

    `max_bytes` bounds the memory of parsed documents with their compiled operations, `max_template_bytes` that of the
    response templates that these make, and `max_persisted_bytes` that of the texts that are known by their hashes.
    """

    def __init__(
        self,
        bound: BoundSchema,
        *,
        max_bytes: int = MAX_BYTES,
        max_template_bytes: int = MAX_TEMPLATE_BYTES,
        max_persisted_bytes: int = MAX_PERSISTED_BYTES,
    ) -> None:
        self.bound = bound
        self._templates = Templates(max_bytes=max_template_bytes)
        self.thread = ComputationThread("graphql", max_waiting=MAX_WAITING)
        self._parsing: dict[str, asyncio.Task[Document]] = {}
        self._documents = LRUCache[str, Document](max_bytes, getsizeof=lambda document: document.size_bytes)
        self._persisted = LRUCache[str, str](max_persisted_bytes, getsizeof=sys.getsizeof)

    def __len__(self) -> int:
        return len(self._documents)

    async def document(self, text: str) -> Document:
        """The parsed document of a text. Requests that bring the same new text at once wait for one parsing.

        Raises:
            InvalidRequest: it is larger than a limit, cannot be parsed, or is not valid.
            Unavailable: too many new documents are waiting.
        """
        document = self._documents.get(text)
        if document is not None:
            return document
        if len(text) > MAX_CHARACTERS:  # parsing says so, but must not be waited for with a text of any size
            return parse_document(self.bound, text, self._templates)
        parsing = self._parsing.get(text)
        if parsing is None:
            parsing = self._parsing[text] = asyncio.create_task(self._parse(text))
            parsing.add_done_callback(_ignore_error)
        try:
            await asyncio.wait((parsing,))  # whether or not another request that waits is cancelled
            return parsing.result()
        finally:
            del parsing  # it holds its exception, whose traceback holds this frame

    async def _parse(self, text: str) -> Document:
        try:
            document = await self.thread.run(parse_document, self.bound, text, self._templates)
            if document.size_bytes <= self._documents.maxsize:
                self._documents[text] = document
            return document
        finally:
            del self._parsing[text]

    def persisted_text(self, sha256: str, text: str | None) -> str:
        """The text with that SHA-256, in hexadecimal; if the text is given, it is stored for later requests.

        (Apollo's Automatic Persisted Queries.)

        Raises:
            InvalidRequest: no text with that hash is stored, or the given text has another hash.
        """
        if text is None:
            stored = self._persisted.get(sha256)
            if stored is None:
                error = GraphQLError("PersistedQueryNotFound", extensions={"code": "PERSISTED_QUERY_NOT_FOUND"})
                raise InvalidRequest([error], code="BAD_USER_INPUT")
            return stored
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if not hmac.compare_digest(digest.encode(), sha256.encode("utf-8", "surrogatepass")):
            error = GraphQLError("extensions.persistedQuery.sha256Hash: expected the SHA-256 of the query")
            raise InvalidRequest([error], code="BAD_USER_INPUT")
        if len(text) <= MAX_CHARACTERS:
            self._persisted[sha256] = text
        return text


def _ignore_error(parsing: asyncio.Task[Document]) -> None:
    """Take note of the error, as all requests that wait for it may have been cancelled."""
    if not parsing.cancelled():
        parsing.exception()
