"""Reads pages of lists in tests: what is on them, and where the next one begins."""

from collections.abc import Mapping
from typing import Any

Name = tuple[int, int]
"""A title id and an achievement's number."""


def names(page: Mapping[str, Any]) -> list[Name]:
    """What is on a page, in order."""
    return [(item["titleAssociations"][0]["id"], int(item["id"])) for item in page["achievements"]]


def ids(page: Mapping[str, Any]) -> list[int]:
    """What is on a page of one title, in order."""
    return [number for _, number in names(page)]


def token_of(page: Mapping[str, Any]) -> str | None:
    """Where a page says that the next one begins."""
    token: str | None = page["pagingInfo"]["continuationToken"]
    return token


async def follow(ask: Any, token: str | None = None, **query: Any) -> list[dict[str, Any]]:
    """All pages of a list, from its beginning or from a token."""
    pages = []
    for _ in range(100):
        page = await ask(**query, **({} if token is None else {"continuationToken": token}))
        pages.append(page)
        token = token_of(page)
        if token is None:
            return pages
    raise AssertionError("these pages never end")
