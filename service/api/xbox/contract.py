"""Contract versions: the shapes of a response that `x-xbl-contract-version` selects."""

from service.api.xbox.json_fragments import FragmentCache, legacy, modern
from service.errors import NotAcceptable
from service.settings import CONTRACT_VERSIONS


class Contract:
    """One version of the wire format: the shape of its items, and whether they carry `rarity`."""

    def __init__(self, version: int, fragments: FragmentCache) -> None:
        self.version = version
        self.is_legacy = version in (1, 3)
        self.has_rarity = version in (3, 4)
        self.fragments = fragments


class Contracts:
    """The four versions that real clients send. 3 is 1 and 4 is 2 with `rarity`, so they share their fragments."""

    def __init__(self) -> None:
        self._legacy, self._modern = FragmentCache(legacy), FragmentCache(modern)
        self._by_version = {
            str(version): Contract(version, self._legacy if version in (1, 3) else self._modern)
            for version in CONTRACT_VERSIONS
        }

    def select(self, field: str | None, *, default: int) -> Contract:
        """The contract of a request, by the value of its header field, None without the field.

        Raises:
            NotAcceptable: there is no such version ("Resource version is not supported").
        """
        if field is None:
            return self._by_version[str(default)]
        if field in self._by_version:
            return self._by_version[field]
        raise NotAcceptable(f"x-xbl-contract-version: expected 1, 2, 3 or 4, got {field[:20]!r}")
