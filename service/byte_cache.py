"""A cache that is bounded in bytes, with the least recently used entries evicted, and with entries that may grow."""

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_ENTRY_BYTES = 400  # of a key of a few parts, and of its places


class ByteCache(Generic[K, V]):
    """Values by key, of at most `max_bytes` together; a single larger value is kept until the next one comes.

    For values of a fixed size, `cachetools.LRUCache` with `getsizeof` does the same.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._values: OrderedDict[K, V] = OrderedDict()
        self._sizes: dict[K, int] = {}
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """The value of a key, which is now the most recently used one; None if there is none."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: K, value: V, size_bytes: int) -> None:
        """Keep a value under a key that has none."""
        self._values[key] = value
        self._sizes[key] = 0
        self.grow(key, size_bytes + _ENTRY_BYTES)

    def grow(self, key: K, size_bytes: int) -> None:
        """Count more bytes for the value of a key, if it was not evicted; others are evicted to make room."""
        if key not in self._sizes:
            return
        self._sizes[key] += size_bytes
        self.size_bytes += size_bytes
        while self.size_bytes > self._max_bytes and len(self._values) > 1:
            evicted, _ = self._values.popitem(last=False)
            self.size_bytes -= self._sizes.pop(evicted)
